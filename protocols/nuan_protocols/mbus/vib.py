"""The value information block: VIF and its VIFE chain -> what the number means."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus import vif_tables, vife_tables
from nuan_protocols.mbus.vif_tables import DATE, MULTIPLES, NUMBER, RAW, UNSIGNED

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
_VIFE_RECORD_ERROR_LAST = 0x1C
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

    def __init__(self, quantity: str, unit: str, exponent: int, coding: int) -> None:
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
        table = vif_tables.FD if vif == _VIF_FD else vif_tables.FB
        found = _from_table(table, chain[1] & ~_EXTENSION_BIT, vib)
        at = 2
    elif code == _VIF_MANUFACTURER:
        return Meaning("manufacturer_specific", "", 0, NUMBER)
    elif code == _VIF_ANY:
        return _unreadable("any", "VIF 7E names no quantity")
    else:
        found = _from_table(vif_tables.PRIMARY, code, vib)
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


def _from_table(
    table: "tuple[tuple[int, int, str, int, str, int], ...]", code: int, vib: "Buffer"
) -> Meaning:
    for first, count, quantity, exponent, unit, coding in table:
        if first <= code < first + count:
            step = code - first
            if " " in unit:
                return Meaning(quantity, unit.split(" ")[step], exponent, coding)
            return Meaning(quantity, unit, exponent + step, coding)
    name = f"{vib[0]:02X} {vib[1]:02X}" if table is not vif_tables.PRIMARY else f"{vib[0]:02X}"
    return _unreadable("unknown", f"VIF {name} is reserved")


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
    if code in vife_tables.EXTENDED_UNSIGNED:
        found.coding = UNSIGNED
    elif code in vife_tables.EXTENDED:
        found.quantity += ":" + vife_tables.EXTENDED[code]
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
        found.quantity += ":" + vife_tables.QUALIFIERS[code]


def _apply(found: Meaning, code: int) -> None:
    rate = code - vife_tables.RATES_FIRST
    duration = code - vife_tables.DURATIONS_FIRST
    if code in (0, _VIFE_STANDARD_CONFORM):
        return
    if code in vife_tables.RECORD_ERRORS:
        found.error = vife_tables.RECORD_ERRORS[code]
    elif code in _VIFE_COMPACT_PROFILES:
        found.problem = "a compact profile"
    elif code in vife_tables.QUALIFIERS:
        found.quantity += ":" + vife_tables.QUALIFIERS[code]
    elif 0 <= rate < len(vife_tables.RATES):
        qualifier, suffix = vife_tables.RATES[rate]
        found.quantity += ":" + qualifier
        if found.unit in MULTIPLES:
            found.unit, factor = MULTIPLES[found.unit]
            found.factor *= factor
        found.unit += suffix
    elif code in vife_tables.TIME_POINTS:
        _turn(found, "datetime", vife_tables.TIME_POINTS[code], "", DATE)
    elif code in vife_tables.COUNTS:
        _turn(found, "count", vife_tables.COUNTS[code], "1", UNSIGNED)
    elif 0 <= duration < 4 * len(vife_tables.DURATIONS):
        _turn(found, "duration", vife_tables.DURATIONS[duration >> 2], "s", NUMBER)
        found.factor = vife_tables.DURATION_FACTORS[duration & 3]
    else:
        found.problem = f"VIFE {code:02X} is reserved"


def _turn(found: Meaning, quantity: str, qualifier: str, unit: str, coding: int) -> None:
    """The record is no longer about the VIF's number but about something of it."""
    found.quantity = f"{quantity}:{qualifier}:of_{found.quantity}"
    found.unit = unit
    found.coding = coding
    found.exponent = 0
    found.factor = 1
    found.addend = None
