"""The value information block: VIF and its VIFE chain -> what the number means."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.vif_tables import (
    DATE,
    FB,
    FD,
    MULTIPLES,
    NUMBER,
    PRIMARY,
    RAW,
    UNSIGNED,
    lookup,
)
from nuan_protocols.mbus.vife_tables import (
    COUNTS,
    DURATION_FACTORS,
    DURATIONS,
    DURATIONS_FIRST,
    EXTENDED,
    EXTENDED_UNSIGNED,
    QUALIFIERS,
    RATES_FIRST,
    RATES_LAST,
    RECORD_ERRORS,
    TIME_POINTS,
    name_of,
    rate_unit,
)

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_EXTENSION_BIT = 0x80
_VIF_FB = 0xFB
_VIF_FD = 0xFD
_VIF_PLAIN_TEXT = 0x7C
_VIF_ANY = 0x7E
_VIF_MANUFACTURER = 0x7F
_VIFE_STANDARD_CONFORM = 0x1D
_VIFE_COMPACT_PROFILES = (0x13, 0x1E, 0x1F)
_VIFE_FACTORS = 0x70
_VIFE_ADDENDS = 0x78
_VIFE_EXTENDED = 0x7C
_VIFE_THOUSAND = 0x7D
_VIFE_MANUFACTURER = 0x7F


class Meaning:
    """What one VIB says.

    value = (number * factor * 10**exponent) + 10**addend, addend None: nothing to add
    coding    of vif_tables: how the data bytes are to be read
    problem   why the data can't be read, "" when they can
    error     what the meter says is wrong with the value, "" when nothing
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


def plain_text(data: "Buffer", start: int) -> str:
    """The characters behind the length byte at `start`: sent last first, ISO 8859-1."""
    end = start + 1 + data[start]
    return "".join([chr(data[index]) for index in range(end - 1, start, -1)])


def meaning(vib: "Buffer", text: int) -> Meaning:
    """Meaning of a whole VIB; `text` is where the length byte of its plain-text unit stands, or 0.

    Never raises: what isn't understood comes back with its problem.
    """
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
    _apply_chain(found, chain, at)
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


def _apply_chain(found: Meaning, chain: bytes, at: int) -> None:
    while at < len(chain):
        code = chain[at] & ~_EXTENSION_BIT
        if code == _VIFE_MANUFACTURER:
            found.quantity += ":manufacturer"
            return
        if code == _VIFE_EXTENDED:
            at += 1
            _apply_extended(found, chain[at] & ~_EXTENSION_BIT if at < len(chain) else 0)
        elif code >= _VIFE_FACTORS:
            _apply_correction(found, code)
        else:
            _apply(found, code)
        at += 1


def _apply_extended(found: Meaning, code: int) -> None:
    if code in EXTENDED_UNSIGNED:
        found.coding = UNSIGNED
    else:
        qualifier = name_of(EXTENDED, code)
        if qualifier:
            found.quantity += ":" + qualifier
        else:
            found.problem = f"VIFE FC {code:02X} is reserved"


def _apply_correction(found: Meaning, code: int) -> None:
    if code < _VIFE_ADDENDS:
        found.exponent += code - _VIFE_FACTORS - 6
    elif code < _VIFE_EXTENDED:
        found.addend = code - _VIFE_ADDENDS - 3
    elif code == _VIFE_THOUSAND:
        found.exponent += 3
    else:
        found.quantity += ":" + name_of(QUALIFIERS, code)


def _apply(found: Meaning, code: int) -> None:
    if code in (0, _VIFE_STANDARD_CONFORM):
        return
    if code in _VIFE_COMPACT_PROFILES:
        found.problem = "a compact profile"
        return
    qualifier = name_of(QUALIFIERS, code)
    if qualifier:
        found.quantity += ":" + qualifier
        if RATES_FIRST <= code <= RATES_LAST:
            _apply_rate(found, qualifier)
        return
    error = name_of(RECORD_ERRORS, code)
    if error:
        found.error = error.replace("_", " ")
    elif not _apply_turn(found, code):
        found.problem = f"VIFE {code:02X} is reserved"


def _apply_rate(found: Meaning, qualifier: str) -> None:
    if found.unit in MULTIPLES:
        found.unit, factor = MULTIPLES[found.unit]
        found.factor *= factor
    found.unit += rate_unit(qualifier)


def _apply_turn(found: Meaning, code: int) -> bool:
    qualifier = name_of(TIME_POINTS, code)
    if qualifier:
        _turn(found, "datetime", qualifier, "", DATE)
        return True
    if code in COUNTS:
        _turn(found, "count", COUNTS[code], "1", UNSIGNED)
        return True
    duration = code - DURATIONS_FIRST
    if 0 <= duration < 4 * len(DURATIONS):
        _turn(found, "duration", DURATIONS[duration >> 2], "s", NUMBER)
        found.factor = DURATION_FACTORS[duration & 3]
        return True
    return False


def _turn(found: Meaning, quantity: str, qualifier: str, unit: str, coding: str) -> None:
    """The record is no longer about the VIF's number but about something of it."""
    found.quantity = f"{quantity}:{qualifier}:of_{found.quantity}"
    found.unit = unit
    found.coding = coding
    found.exponent = 0
    found.factor = 1
    found.addend = None
