"""When the journal is flushed: once a period, after all polls of its first instant are done."""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_firmware.journal import Journal

# How long events wait for the polls that they could be flushed together with.
_PATIENCE_S = const(60)
_FIRST_PATIENCE_S = const(300)


class Cycle:
    """Counts the buses at work; `on_flush` is called after each flush that wrote something."""

    def __init__(
        self, journal: "Journal", clock: "Clock", flush_s: int, on_flush: "Callable[[], None]"
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._flush_s = flush_s
        self._on_flush = on_flush
        self._busy = 0
        # A boot without a time reads once at its start: that goes to flash with the first turn.
        self._period = clock.now() // flush_s if clock.was_set.is_set() else -1

    def begin(self) -> None:
        """A bus begins its turn."""
        self._busy += 1

    def end(self) -> None:
        """A bus has ended its turn."""
        self._busy -= 1
        self._consider(0)

    def is_idle(self) -> bool:
        """Whether no bus is in the middle of its turn."""
        return self._busy == 0

    def check(self) -> None:
        """Flush what no poll has flushed; called at every beat."""
        self._consider(_PATIENCE_S if self._period >= 0 else _FIRST_PATIENCE_S)

    def _consider(self, patience_s: int) -> None:
        now = self._clock.now()
        period = now // self._flush_s
        # Of several lines that need all their time one is always at work.
        waits = self._busy and not 0 <= self._period < period - 1
        if waits or period == self._period or now % self._flush_s < patience_s:
            return
        self._period = period
        if self._journal.flush():
            self._on_flush()
