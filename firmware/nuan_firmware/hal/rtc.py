"""A DS3231 on I2C: a clock with a battery, which runs on through a power cut.

    0 seconds   1 minutes   2 hours (bit 6: of twelve)   3 weekday   4 day   5 century << 7 | month
    6 year      15 status: bit 7 the oscillator has stopped, so the time is none

All BCD, kept in UTC. On the heap only while it is used: every call opens the bus anew.
"""

from typing import TYPE_CHECKING

import machine
from micropython import const

from nuan_firmware.civil import civil, days

if TYPE_CHECKING:
    from machine import I2C

_BUS = const(0)
_HERTZ = const(100000)
_ADDRESS = const(0x68)
_STATUS = const(15)
_STOPPED = const(0x80)
_TWELVE_HOURS = const(0x40)
_AFTERNOON = const(0x20)
_CENTURY = const(0x80)
_DAY_S = const(86400)


def read(sda: int, scl: int) -> int:
    """UTC in seconds since 1970; 0 when the clock stood still or holds no date.

    Raises OSError when no DS3231 answers on these pins.
    """
    bus = _open(sda, scl)
    if bus.readfrom_mem(_ADDRESS, _STATUS, 1)[0] & _STOPPED:
        return 0
    held = bus.readfrom_mem(_ADDRESS, 0, 7)
    try:
        return _seconds(held)
    except ValueError:
        return 0


def write(sda: int, scl: int, utc_s: int) -> None:
    """Set it, and note that it runs. Raises OSError when no DS3231 answers on these pins."""
    bus = _open(sda, scl)
    days, second = divmod(utc_s, _DAY_S)
    year, month, day = civil(days)
    values = (
        second % 60,
        second // 60 % 60,
        second // 3600,
        (days + 3) % 7 + 1,
        day,
        month,
        year % 100,
    )
    held = bytearray([value // 10 << 4 | value % 10 for value in values])
    if year >= 2100:
        held[5] |= _CENTURY
    bus.writeto_mem(_ADDRESS, 0, held)
    status = bus.readfrom_mem(_ADDRESS, _STATUS, 1)[0]
    bus.writeto_mem(_ADDRESS, _STATUS, bytes((status & ~_STOPPED & 0xFF,)))


def _open(sda: int, scl: int) -> "I2C":
    return machine.I2C(_BUS, sda=machine.Pin(sda), scl=machine.Pin(scl), freq=_HERTZ)


def _seconds(held: bytes) -> int:
    hours = held[2]
    if hours & _TWELVE_HOURS:
        hour = _number(hours & 0x1F) % 12 + (12 if hours & _AFTERNOON else 0)
    else:
        hour = _number(hours & 0x3F)
    year = 2000 + _number(held[6]) + (100 if held[5] & _CENTURY else 0)
    month, day = _number(held[5] & 0x1F), _number(held[4] & 0x3F)
    minute, second = _number(held[1] & 0x7F), _number(held[0] & 0x7F)
    since = days(year, month, day)
    if hour > 23 or minute > 59 or second > 59 or civil(since) != (year, month, day):
        raise ValueError
    return since * _DAY_S + hour * 3600 + minute * 60 + second


def _number(bcd: int) -> int:
    if bcd & 0x0F > 9 or bcd >> 4 > 9:
        raise ValueError
    return (bcd >> 4) * 10 + (bcd & 0x0F)
