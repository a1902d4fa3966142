"""Civil time and how far it can be trusted.

Runs on the millisecond counter, from a base that the gateway's acknowledgements correct. Before it
is set at all, it counts the seconds since boot.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms
from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.entry import CLOCK_COASTING, CLOCK_NEVER_SET, CLOCK_SYNCHRONISED

if TYPE_CHECKING:
    from collections.abc import Callable

_SYNCHRONISED_S = const(86400)
_STEP_S = const(2)
# 2025-01-01: before it, the chip's clock has not been set since the power came.
_PLAUSIBLE_S = const(1735689600)
_REBASE_MS = const(1 << 24)


class Clock:
    """Coasting from the start when the chip's clock survived the reset; `set_chip` writes it."""

    def __init__(self, chip_s: int, set_chip: "Callable[[int], None]") -> None:
        self._set_chip = set_chip
        self._ticks = ticks_ms()
        self._up_s = 0
        self._is_set = chip_s >= _PLAUSIBLE_S
        # Added to the uptime, this is the time.
        self._offset_s = chip_s if self._is_set else 0
        self._synchronised_s = -_SYNCHRONISED_S - 1
        self.steps = 0
        self.was_set = asyncio.Event()
        if self._is_set:
            self.was_set.set()

    def uptime(self) -> int:
        """Seconds since boot, whatever happens to civil time."""
        passed_ms = self._passed_ms()
        return self._up_s + passed_ms // 1000

    def now(self) -> int:
        """UTC in seconds since 1970, or seconds since boot while the clock was never set."""
        return self._offset_s + self.uptime()

    def ms_until(self, instant: int) -> int:
        """Milliseconds until `instant` begins, at most an hour; negative when it is past."""
        passed_ms = self._passed_ms()
        seconds = instant - self._offset_s - self._up_s - passed_ms // 1000
        return min(3600, seconds) * 1000 - passed_ms % 1000

    def quality(self) -> int:
        """0 never set, 1 coasting, 2 synchronised within the last 24 hours."""
        if not self._is_set:
            return CLOCK_NEVER_SET
        fresh = self.uptime() - self._synchronised_s <= _SYNCHRONISED_S
        return CLOCK_SYNCHRONISED if fresh else CLOCK_COASTING

    def synchronise(self, utc_s: int) -> int:
        """Take the gateway's time; the seconds by which the clock stepped, 0 when it didn't."""
        difference = utc_s - self.now()
        self._synchronised_s = self.uptime()
        if self._is_set and -_STEP_S < difference < _STEP_S:
            return 0
        if self._is_set and -_STEP_S <= difference <= _STEP_S:
            # A second of it is the message's way and rounding: follow slowly, without a step.
            self._offset_s += 1 if difference > 0 else -1
            return 0
        self._offset_s += difference
        self._is_set = True
        self._set_chip(utc_s)
        self.steps += 1
        self.was_set.set()
        return difference

    def _passed_ms(self) -> int:
        """Milliseconds since the base; may move the base, so ask before using it."""
        passed = ticks_diff(ticks_ms(), self._ticks)
        if passed >= _REBASE_MS:
            seconds = passed // 1000
            self._up_s += seconds
            self._ticks = ticks_add(self._ticks, seconds * 1000)
            passed -= seconds * 1000
        return int(passed)
