"""Fields that the standard's heat and water answers of 2004 don't have.

Sources: one implementation of CJ/T 188-2018 (pressures), one maker's water meter (whole volume and
fraction). What neither says (units, decimals, order) is not guessed: the digits are kept.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.fields import digits, reading, unreadable

if TYPE_CHECKING:
    from nuan_protocols.cjt188.dialects import Dialect
    from nuan_protocols.reading import Reading

_WHOLE_BYTES = 4
_FRACTION_DIGITS = 6


def _volume(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    """Four bytes of whole cubic metres and three of their millionths."""
    text = digits(data[:_WHOLE_BYTES], dialect.high_first)
    text += digits(data[_WHOLE_BYTES:], dialect.high_first)
    if not text.isdigit():
        return unreadable("volume", "not a decimal number", text, storage)
    return reading("volume", int(text), -_FRACTION_DIGITS, "m3", storage)


def _supply_pressure(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    return unreadable("pressure:supply", "its unit is not known", text, storage)


def _return_pressure(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    return unreadable("pressure:return", "its unit is not known", text, storage)


def _flow(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    return unreadable("volume_flow", "its unit and decimals are not known", text, storage)


def _whole_degrees(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    if not text.isdigit():
        return unreadable("flow_temperature", "not a decimal number", text, storage)
    return reading("flow_temperature", int(text), 0, "degC", storage)


def _day(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    """Day of the month, 1 to 31."""
    text = digits(data, dialect.high_first)
    if not text.isdigit():
        return unreadable("any:day_of_month", "not a decimal number", text, storage)
    return reading("any:day_of_month", int(text), 0, "", storage)


def _time(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    return unreadable("datetime:time", "the order of its bytes is not known", text, storage)


def _date(data: bytes, dialect: "Dialect", storage: int) -> "Reading":
    text = digits(data, dialect.high_first)
    return unreadable("datetime:date", "the order of its bytes is not known", text, storage)


PLAIN = {
    "Y": _volume,
    "p": _supply_pressure,
    "q": _return_pressure,
    "f": _flow,
    "T": _whole_degrees,
    "d": _day,
    "k": _time,
    "j": _date,
}
