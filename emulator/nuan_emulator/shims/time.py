# ruff: noqa: D103, PLW0603
"""ESP32's time: epoch 2000, integer seconds, ticks from the virtual clock."""

import lockstep_client as _clock
from micropython import const
from utime import ticks_add, ticks_diff  # noqa: F401

# From the first of March of the year 0.
_DAYS_TO_2000 = const(730425)

_base_s = 0
_phase_ms = 0


def set_rtc(seconds, milliseconds):
    """Set the clock to seconds since 2000 and the milliseconds of that second."""
    global _base_s, _phase_ms
    passed = _clock.crystal_ms()
    _phase_ms = (milliseconds - passed) % 1000
    _base_s = seconds - (passed + _phase_ms) // 1000


def rtc():
    """The clock: (seconds since 2000, milliseconds of the second)."""
    passed = _clock.crystal_ms() + _phase_ms
    return _base_s + passed // 1000, passed % 1000


def _rebase(shift):
    global _base_s, _phase_ms
    _base_s += shift // 1000
    _phase_ms += shift * _clock.drift_ppm // 1000000


_clock.on_rebase(_rebase)


def time():
    return _base_s + (_clock.crystal_ms() + _phase_ms) // 1000


def time_ns():
    seconds, milliseconds = rtc()
    return seconds * 1000000000 + milliseconds * 1000000


def gmtime(seconds=None):
    # The host's ends in 2038, a board's in 2136.
    seconds = time() if seconds is None else int(seconds)
    days, second = seconds // 86400, seconds % 86400
    since = days + _DAYS_TO_2000
    day = since % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    date = day - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year += since // 146097 * 400 + (month < 3)
    yearday = days - mktime((year, 1, 1, 0, 0, 0)) // 86400 + 1
    clock = second // 3600, second // 60 % 60, second % 60
    return (year, month, date, clock[0], clock[1], clock[2], (days + 5) % 7, yearday)


localtime = gmtime


def mktime(fields):
    year, month, day, hour, minute, second = fields[:6]
    if month < 3:
        year, month = year - 1, month + 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 1
    return (days - _DAYS_TO_2000) * 86400 + hour * 3600 + minute * 60 + second


def ticks_ms():
    if _clock.pause():
        _clock.settle()
        _clock.resume()
    return ticks_add(_clock.ticks_offset, _clock.crystal_ms())


def ticks_us():
    return (ticks_ms() * 1000) & 0x3FFFFFFF


ticks_cpu = ticks_us


def sleep_ms(duration):
    if duration > 0:
        _clock.advance(_clock.now + duration, False)


def sleep(seconds):
    sleep_ms(int(seconds * 1000))


def sleep_us(duration):
    # The clock counts milliseconds; a shorter pause takes no time here.
    sleep_ms(duration // 1000)
