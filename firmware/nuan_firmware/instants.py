"""When meters are due: at every UTC instant that is a multiple of their period, each instant once.

Of every period the last instant is remembered whose turn has been taken. A turn is due when the
clock is past a later one, and is taken for the last instant that has passed. So, when it steps
    forward   the instants of the skipped span have one turn together, at once
    back      instants whose turn was taken don't come again: the meters rest until the clock is
              past them, as long as these are no more than an hour holds, or a single one
    far back  the schedule begins anew at the new time: what was read under the old one was read at
              other instants than it says
"""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nuan_firmware.clock import Clock

_REST_S_MAX = const(3600)


class Instants:
    """Begins with the next instants; when it `owes` one or the clock is unset, with a turn at
    once."""

    def __init__(self, clock: "Clock", periods: "Iterable[int]", owes: bool = False) -> None:
        self._clock = clock
        self._periods = sorted(set(periods))
        now = clock.now()
        owed = 0 if clock.was_set.is_set() and not owes else 1
        self._taken = [now // period - owed for period in self._periods]
        self._steps = clock.steps

    def wait_ms(self) -> int:
        """Milliseconds until the next turn, at most an hour; 0 and less when one is due."""
        now = self._clock.now()
        first = now + _REST_S_MAX
        for index, period in enumerate(self._periods):
            number, taken = now // period, self._taken[index]
            if taken - number > max(1, _REST_S_MAX // period):
                self._taken[index] = taken = number
            first = min(first, (taken + 1) * period)
        return self._clock.ms_until(first)

    def take(self) -> "tuple[list[int], int]":
        """The periods whose turn it is, and how many of their turns came too late to be taken."""
        now = self._clock.now()
        due = []
        late = 0
        for index, period in enumerate(self._periods):
            passed = now // period - self._taken[index]
            if passed > 0:
                self._taken[index] += passed
                due.append(period)
                late += passed - 1
        if self._steps != self._clock.steps:
            # It wasn't the bus that was late.
            self._steps = self._clock.steps
            late = 0
        return due, late
