"""Civil time and how far it can be trusted.

Runs on the millisecond counter, from a base that those who know the time correct. Before it is set
at all, it counts the seconds since boot. A source names the time and how far behind the truth its
word may be; what it says is taken in by its rank:

    gateway   always: its word is authenticated, and only it makes the clock synchronised
    kept      a clock that ran on through the reset or the power cut: when the clock isn't set
    ntp       anybody may have sent it: sets an unset clock, moves one that coasts within a bound
    meters    the last witness: sets a clock that nothing else has set

Differences of up to 4 s are slewed, at a thirty-second of a second per second, so that no second
is left out or comes again; larger ones are a step.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms
from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.entry import (
    CLOCK_COASTING,
    CLOCK_MAX,
    CLOCK_NEVER_SET,
    CLOCK_SYNCHRONISED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Who has set the clock, by rank.
NOBODY = const(0)
METERS = const(1)
NTP = const(2)
KEPT = const(3)
GATEWAY = const(4)

# What tell() did.
REFUSED = const(0)
TAKEN = const(1)
STEPPED = const(2)

DAY_S = const(86400)
_SLEW_MS_MAX = const(4000)
_SLEW_SHIFT = const(5)
# How far others may move a clock that coasts: an hour, and ten seconds for each day of coasting.
_COASTING_S_MAX = const(3600)
_DRIFT_SHIFT = const(13)
# 2025-01-01: before it, the chip's clock has not been set since the power came.
PLAUSIBLE_S = const(1735689600)
# 2000-01-01: the chip's clock knows nothing before.
_FIRST_S = const(946684800)
# Entries hold 32 bits of seconds: until February 2106.
_LAST_S = const(0xFFFF0000)
_REBASE_MS = const(1 << 24)


class Clock:
    """Coasting from the start when the chip's clock survived the reset; `set_chip` writes it.

    `rank` is that of the source that has set it, `steps` how often it has stepped.
    """

    def __init__(self, chip_s: int, set_chip: "Callable[[int], None]") -> None:
        self._set_chip = set_chip
        self._ticks = self._slewed = ticks_ms()
        self._up_s = 0
        # Added to the uptime, these are the time.
        self._offset_s = self._offset_ms = 0
        self._slew_ms = 0
        self._is_chip_late = False
        self._told_s = -1
        self._moved_s = 0
        self.rank = NOBODY
        self.steps = 0
        self.was_set = asyncio.Event()
        if PLAUSIBLE_S <= chip_s < _LAST_S:
            self._offset_s = chip_s
            self.rank = KEPT
            self.was_set.set()

    def uptime(self) -> int:
        """Seconds since boot, whatever happens to civil time."""
        passed_ms = self._passed_ms()
        return self._up_s + passed_ms // 1000

    def now(self) -> int:
        """UTC in seconds since 1970, or seconds since boot while the clock was never set."""
        passed_ms = self._civil_ms()
        return self._offset_s + self._up_s + passed_ms // 1000

    def ms_until(self, instant: int) -> int:
        """Milliseconds until `instant` begins, at most an hour; negative when it is past."""
        passed_ms = self._civil_ms()
        seconds = instant - self._offset_s - self._up_s - passed_ms // 1000
        return min(3600, seconds) * 1000 - passed_ms % 1000

    def quality(self) -> int:
        """The clock byte of an entry: 0 never set, 1 and 3 to 11 coasting, 2 synchronised."""
        if self.rank == NOBODY:
            return CLOCK_NEVER_SET
        if self._told_s < 0:
            return CLOCK_COASTING
        age_s = self.uptime() - self._told_s
        if age_s <= DAY_S:
            return CLOCK_SYNCHRONISED
        quality, days = CLOCK_SYNCHRONISED + 1, age_s // DAY_S >> 1
        while days and quality < CLOCK_MAX:
            quality += 1
            days >>= 1
        return quality

    def is_vouched_for(self) -> bool:
        """Whether the time comes from an authenticated gateway or a clock that was kept running."""
        return self.rank >= KEPT

    def tell(self, rank: int, utc_s: int, ms: int, slack_ms: int) -> int:
        """Hear that the time is between `utc_s` + `ms` and `slack_ms` later; see REFUSED.

        `ms` is within 0..999. A clock that is right as far as the source can tell isn't moved.
        """
        # The gateway's word is authenticated, and a replayed season may lie in the past.
        first_s = _FIRST_S if rank == GATEWAY else PLAUSIBLE_S
        if not first_s <= utc_s < _LAST_S:
            return REFUSED
        passed_ms = self._civil_ms()
        seconds = utc_s - self._offset_s - self._up_s - passed_ms // 1000
        behind_ms = seconds * 1000 + ms - passed_ms % 1000
        if behind_ms < 0:
            behind_ms = min(0, behind_ms + slack_ms)
        is_small = -_SLEW_MS_MAX <= behind_ms <= _SLEW_MS_MAX
        if not self._may_move(rank, is_small, abs(behind_ms) // 1000):
            return REFUSED
        if rank == GATEWAY:
            self._told_s = self.uptime()
            self._moved_s = 0
        if self.rank != NOBODY and is_small:
            self.rank = max(rank, self.rank)
            self._follow(behind_ms)
            return TAKEN
        if rank != GATEWAY and self.rank != NOBODY:
            self._moved_s += abs(behind_ms) // 1000
        self._step(rank, utc_s, ms + slack_ms // 3)
        return STEPPED

    def _may_move(self, rank: int, is_small: bool, difference_s: int) -> bool:
        if rank == GATEWAY or self.rank == NOBODY:
            return True
        if rank < NTP:
            return False
        if is_small or (self.rank <= NTP and self._told_s < 0):
            return True
        if self.quality() == CLOCK_SYNCHRONISED:
            return False
        # What it has moved already counts, or it could lead the clock anywhere in small steps.
        age_s = self.uptime() - max(0, self._told_s)
        return self._moved_s + difference_s <= _COASTING_S_MAX + (age_s >> _DRIFT_SHIFT)

    def _follow(self, behind_ms: int) -> None:
        if behind_ms:
            self._slew_ms = behind_ms
            self._slewed = ticks_ms()
            self._is_chip_late = True
        elif self._is_chip_late and not self._slew_ms:
            self._is_chip_late = False
            self._set_chip(self.now())

    def _step(self, rank: int, utc_s: int, ms: int) -> None:
        passed_ms = self._passed_ms()
        self._offset_s = utc_s - self._up_s - passed_ms // 1000 - 1
        self._offset_ms = 1000 + ms - passed_ms % 1000
        self._slew_ms = 0
        self._is_chip_late = False
        self.rank = rank if self._told_s < 0 else GATEWAY
        self.steps += 1
        self._set_chip(self.now())
        self.was_set.set()

    def _civil_ms(self) -> int:
        """As _passed_ms(), of civil time; moves on what is being slewed."""
        left = self._slew_ms
        if left:
            step = ticks_diff(ticks_ms(), self._slewed) >> _SLEW_SHIFT
            self._slewed = ticks_add(self._slewed, step << _SLEW_SHIFT)
            step = min(step, left) if left > 0 else max(-step, left)
            self._slew_ms = left - step
            moved_ms = self._offset_ms + step
            # Kept above 0: what is below a second is divided off by everybody who asks.
            self._offset_s += moved_ms // 1000
            self._offset_ms = moved_ms % 1000
        return self._passed_ms() + self._offset_ms

    def _passed_ms(self) -> int:
        """Milliseconds since the base; may move the base, so ask before using it."""
        passed = ticks_diff(ticks_ms(), self._ticks)
        if passed >= _REBASE_MS:
            seconds = passed // 1000
            self._up_s += seconds
            self._ticks = ticks_add(self._ticks, seconds * 1000)
            passed -= seconds * 1000
        return int(passed)
