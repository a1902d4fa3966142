"""What changes a CJ/T 188 meter: clock, valve, settlement day, reading day. No read-out sends it.

    FE FE FE FE 68 T A0..A6 04 L DI DI SER data CS 16

A caller has to import this module and name the command; master.py knows no way here. What would
make a meter another one (writing its address, switching the factory's mode off) doesn't exist.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.dialects import STANDARD, Dialect
from nuan_protocols.cjt188.fields import is_time
from nuan_protocols.cjt188.valve import close_valve, open_valve, write
from nuan_protocols.errors import RecordError

if TYPE_CHECKING:
    from nuan_protocols.cjt188.master import Address

__all__ = ("close_valve", "open_valve", "set_clock", "set_reading_day", "set_settlement_day")

_SETTLEMENT_DAY = 0xA011
_READING_DAY = 0xA012
_CLOCK = 0xA015

_TIME_FORM = "0000-00-00T00:00:00"
_DAY_MAX = 31


def set_clock(
    meter: "Address", ser: int, time: str, dialect: Dialect = STANDARD, low_first: bool = False
) -> bytes:
    """Sets the clock to `time`, civil, as "2014-05-30T08:42:53". Raises RecordError.

    `low_first` sends the data identifier as 15 A0 instead of A0 15.
    """
    digits = "".join([each for each in time if each.isdigit()])
    form = "".join(["0" if each.isdigit() else each for each in time])
    if form != _TIME_FORM or not is_time(digits):
        raise RecordError(f"a time is written 2014-05-30T08:42:53, not {time}")
    data = bytes.fromhex(digits)
    if not dialect.high_first:
        data = bytes(reversed(data))
    return write(meter, _CLOCK, ser, data, low_first)


def set_settlement_day(meter: "Address", ser: int, day: int, low_first: bool = False) -> bytes:
    """Settles on this day of every month, 1 to 31. Raises RecordError."""
    return write(meter, _SETTLEMENT_DAY, ser, _day(day), low_first)


def set_reading_day(meter: "Address", ser: int, day: int, low_first: bool = False) -> bytes:
    """Takes the month's reading on this day, 1 to 31. Raises RecordError."""
    return write(meter, _READING_DAY, ser, _day(day), low_first)


def _day(day: int) -> bytes:
    if not 1 <= day <= _DAY_MAX:
        raise RecordError(f"a day of the month is 1 to 31, not {day}")
    return bytes((day // 10 << 4 | day % 10,))
