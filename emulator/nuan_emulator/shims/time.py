# ruff: noqa: D103, PLW0603
"""ESP32's time: epoch 2000, integer seconds, ticks from the virtual clock."""

import lockstep_client as _clock
import utime as _host
from micropython import const
from utime import ticks_add, ticks_diff  # noqa: F401

_EPOCH = const(946684800)

_base_s = 0
_phase_ms = 0


def set_rtc(seconds, milliseconds):
    """Set the clock to seconds since 2000 and the milliseconds of that second."""
    global _base_s, _phase_ms
    _phase_ms = (milliseconds - _clock.now) % 1000
    _base_s = seconds - (_clock.now + _phase_ms) // 1000


def rtc():
    """The clock: (seconds since 2000, milliseconds of the second)."""
    passed = _clock.now + _phase_ms
    return _base_s + passed // 1000, passed % 1000


def _rebase(shift):
    global _base_s
    _base_s += shift // 1000


_clock.on_rebase(_rebase)


def time():
    return _base_s + (_clock.now + _phase_ms) // 1000


def time_ns():
    seconds, milliseconds = rtc()
    return seconds * 1000000000 + milliseconds * 1000000


def gmtime(seconds=None):
    return _host.gmtime((time() if seconds is None else int(seconds)) + _EPOCH)[:8]


localtime = gmtime


def mktime(fields):
    return int(_host.mktime(tuple(fields[:8]) + (0,) * (9 - len(fields[:8])))) - _EPOCH


def ticks_ms():
    if _clock.pause():
        _clock.settle()
        _clock.resume()
    return ticks_add(_clock.ticks_offset, _clock.now)


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
