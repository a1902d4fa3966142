"""The value information block: VIF and its VIFE chain -> what the number means."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.vif_tables import (
    FB,
    FD,
    MULTIPLES,
    NUMBER,
    PRIMARY,
    RAW,
    lookup,
)

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_EXTENSION_BIT = 0x80
_VIF_FB = 0xFB
_VIF_FD = 0xFD
_VIF_PLAIN_TEXT = 0x7C
_VIF_ANY = 0x7E
_VIF_MANUFACTURER = 0x7F


class Meaning:
    """What one VIB says.

    value = (number * factor * 10**exponent) + 10**addend, addend None: nothing to add
    coding    of vif_tables: how the data bytes are to be read
    problem   why the data can't be read, "" when they can
    error     what the meter says is wrong with the value, "" when nothing
    vib       the bytes that said it
    """

    def __init__(self, quantity: str, unit: str, exponent: int, coding: str) -> None:
        self.quantity = quantity
        self.unit = unit
        self.exponent = exponent
        self.coding = coding
        self.factor = 1
        self.addend: int | None = None
        self.problem = ""
        self.error = ""
        self.vib = b""


def plain_text(data: "Buffer", start: int) -> str:
    """The characters behind the length byte at `start`: sent last first, ISO 8859-1."""
    end = start + 1 + data[start]
    return "".join([chr(data[index]) for index in range(end - 1, start, -1)])


def meaning(vib: bytes, text: int) -> Meaning:
    """Meaning of a whole VIB; `text` is where the length byte of its plain-text unit stands, or 0.

    Never raises: what isn't understood comes back with its problem.
    """
    found = _meaning(vib, text)
    found.vib = vib
    return found


def _meaning(vib: bytes, text: int) -> Meaning:
    chain = _chain(vib, text)
    vif = chain[0]
    code = vif & ~_EXTENSION_BIT
    at = 1
    if text:
        found = Meaning("text_unit", plain_text(vib, text), 0, NUMBER)
    elif vif in (_VIF_FD, _VIF_FB):
        table = FD if vif == _VIF_FD else FB
        found = _from_table(table, chain[1] & ~_EXTENSION_BIT, vib)
        at = 2
    elif code == _VIF_MANUFACTURER:
        return Meaning("manufacturer_specific", "", 0, NUMBER)
    elif code == _VIF_ANY:
        return _unreadable("any", "VIF 7E names no quantity")
    else:
        found = _from_table(PRIMARY, code, vib)
    if at < len(chain):
        # Most records have no VIFE: their tables stay off the board's heap until one comes.
        from nuan_protocols.mbus.vife import apply_chain

        apply_chain(found, chain, at)
    if found.unit in MULTIPLES:
        found.unit, factor = MULTIPLES[found.unit]
        found.factor *= factor
    return found


def _chain(vib: "Buffer", text: int) -> bytes:
    """The VIB without its plain-text unit."""
    if not text:
        return bytes(vib)
    return bytes(vib[:text]) + bytes(vib[text + 1 + vib[text] :])


def _from_table(table: str, code: int, vib: "Buffer") -> Meaning:
    row = lookup(table, code)
    if row is None:
        name = f"{vib[0]:02X}" if table == PRIMARY else f"{vib[0]:02X} {vib[1]:02X}"
        return _unreadable("unknown", f"VIF {name} is reserved")
    quantity, unit, exponent, coding = row
    return Meaning(quantity, unit, exponent, coding)


def _unreadable(quantity: str, problem: str) -> Meaning:
    found = Meaning(quantity, "", 0, RAW)
    found.problem = problem
    return found
