"""Numbers, units and clocks inside the data of a CJ/T 188 answer.

Values are eight BCD digits and one byte of unit; temperatures six digits, degC with two decimals;
clocks fourteen, year to second. A value in a unit nobody knows, or in one that doesn't count what
the field counts, gives no number but keeps its digits and says why.
"""

from typing import TYPE_CHECKING

from nuan_protocols.quantity import UNITS_OF, base
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.cjt188.dialects import Dialect

# Code, base unit, exponent: 08 is MWh, 0A 100 MWh, 13 100 GJ (CJ/T 188-2004, table of units).
_UNITS = (
    "01:J:0 02:Wh:0 05:Wh:3 08:Wh:6 0A:Wh:8 0B:J:3 0E:J:6 11:J:9 13:J:11 "
    "14:W:0 17:W:3 1A:W:6 29:m3:-3 2C:m3:0 32:m3/h:-3 35:m3/h:0 "
)

VALUE_BYTES = 5
_NUMBER_BYTES = 4
_NO_VALUE = "99999999"
_TEMPERATURE_DECIMALS = 2
_SECONDS_OF_HOUR = 3600
_YEAR_MIN = 1970
_DAYS = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"


def unit_of(code: int) -> "tuple[str, int] | None":
    """Base unit and exponent of a unit's code, None for an unknown one."""
    at = _UNITS.find(f"{code:02X}:")
    if at < 0:
        return None
    _, unit, exponent = _UNITS[at : _UNITS.find(" ", at)].split(":")
    return unit, int(exponent)


def digits(data: bytes, high_first: bool) -> str:
    """All digits, the highest first, A to F kept."""
    return (data if high_first else bytes(reversed(data))).hex().upper()


def reading(quantity: str, integer: int, exponent: int, unit: str, storage: int = 0) -> Reading:
    """A reading of the main device; nothing wrong with it."""
    return Reading(quantity, integer, exponent, unit, storage, 0, 0, "instantaneous", "ok", "")


def unreadable(quantity: str, reason: str, text: str, storage: int = 0) -> Reading:
    """A reading without a number: why, and the digits as they came."""
    status = f"unreadable:{reason}"
    return Reading(quantity, None, 0, "", storage, 0, 0, "instantaneous", status, text)


def split_value(data: bytes, dialect: "Dialect") -> "tuple[str, int]":
    """The eight digits and the unit's code of five bytes."""
    if dialect.unit_first:
        return digits(data[1:], dialect.high_first), data[0]
    return digits(data[:_NUMBER_BYTES], dialect.high_first), data[_NUMBER_BYTES]


def value(
    data: bytes, dialect: "Dialect", quantity: str, decimals: int, storage: int = 0
) -> Reading:
    """Five bytes of digits and unit; `decimals` of the digits stand behind the point."""
    text, code = split_value(data, dialect)
    if dialect.no_value and text == _NO_VALUE:
        return unreadable(quantity, "no value", text, storage)
    known = unit_of(code)
    if known is None:
        return unreadable(quantity, f"unit {code:02X} is unknown", text, storage)
    unit, exponent = known
    if unit not in UNITS_OF[base(quantity)]:
        reason = f"unit {code:02X} ({unit}) is none of {base(quantity)}"
        return unreadable(quantity, reason, text, storage)
    if not text.isdigit():
        return unreadable(quantity, "not a decimal number", text, storage)
    if not dialect.whole:
        exponent -= decimals
    return reading(quantity, int(text), exponent, unit, storage)


def temperature(data: bytes, dialect: "Dialect", quantity: str, storage: int = 0) -> Reading:
    """Three bytes, degC with two decimals; in some dialects the third is no digit."""
    text = digits(data[: dialect.temperature_bytes], dialect.high_first)
    if not text.isdigit():
        return unreadable(quantity, "not a decimal number", text, storage)
    return reading(quantity, int(text), -_TEMPERATURE_DECIMALS, "degC", storage)


def hours(data: bytes, dialect: "Dialect", storage: int = 0) -> Reading:
    """Whole hours of operation, as seconds."""
    text = digits(data, dialect.high_first)
    if not text.isdigit():
        return unreadable("operating_time", "not a decimal number", text, storage)
    return reading("operating_time", int(text) * _SECONDS_OF_HOUR, 0, "s", storage)


def clock(data: bytes, dialect: "Dialect", storage: int = 0) -> Reading:
    """Seven bytes, year to second, as ISO 8601 without a zone: the meter's own civil time."""
    text = digits(data, dialect.high_first)
    if not text.isdigit():
        return unreadable("datetime", "not a decimal number", text, storage)
    if text[:2] == "00" and dialect.century:
        text = f"{dialect.century:02}" + text[2:]
    if not is_time(text):
        return unreadable("datetime", "no such date or time", text, storage)
    said = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}"
    return Reading("datetime", None, 0, "", storage, 0, 0, "instantaneous", "ok", said)


def _status(data: bytes, _dialect: "Dialect", storage: int) -> Reading:
    # The standard's byte in bits 0 to 7, the vendor's in bits 8 to 15.
    return reading("error_flags", data[0] | data[1] << 8, 0, "1", storage)


def _supply(data: bytes, dialect: "Dialect", storage: int) -> Reading:
    return temperature(data, dialect, "flow_temperature", storage)


def _return(data: bytes, dialect: "Dialect", storage: int) -> Reading:
    return temperature(data, dialect, "return_temperature", storage)


def is_time(text: str) -> bool:
    """Whether 14 digits, year to second, are a time of the calendar from 1970 on."""
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    if year < _YEAR_MIN or not 1 <= month <= 12:
        return False
    days = _DAYS[month - 1]
    if month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        days += 1
    if not 1 <= day <= days:
        return False
    return int(text[8:10]) < 24 and int(text[10:12]) < 60 and int(text[12:]) < 60


# The fields without a unit, by their letter in layouts.py.
PLAIN = {"t": _supply, "r": _return, "h": hours, "c": clock, "w": _status}
