"""Keeps the parts of the node going, and feeds the watchdog while they all move.

    a part fails         it is started again, later and later; its event is journaled
    a part stands still  its task is cancelled and the part started again
    it doesn't help      the watchdog is fed no more, and bites
    no memory, again     the node restarts in good order

Events about faults are bounded: a fault like the last one is journaled at its 2nd, 4th, 8th ...
time, and no more than `_FAULTS_PER_HOUR` of any kind are.
"""

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_FAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_firmware.journal import Journal
    from nuan_firmware.node import Part

# Name look-ups and flash erases block the loop for seconds: the watchdog must outlast them.
_WATCHDOG_MS = const(180000)
_BEAT_MS = const(60000)
_RESTART_S_MAX = const(300)
# How often a part may stand still without having done any work in between.
_STILL_MAX = const(3)
_STEADY_S = const(600)
# A boot that lasted so long belongs to no row of crashes, whatever else is wrong with it.
_LASTED_S = const(21600)
_HOUR_S = const(3600)
_FAULTS_PER_HOUR = const(20)
_NO_MEMORY_PER_HOUR = const(3)
_CHARACTERS_MAX = const(120)
_NEVER = const(1 << 29)


class Watch:
    """One part under supervision; `restarts` counts since boot."""

    def __init__(self, part: "Part", is_vital: bool, supervisor: "Supervisor") -> None:
        self.part = part
        self.is_vital = is_vital
        self.restarts = 0
        self._supervisor = supervisor
        self._pause_s = 1
        self._still = self._turns = 0
        self._task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        """Make the part's task."""
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        part = self.part
        while True:
            try:
                await part.run()
                # There is nothing for it to do, and that's done.
                part.deadline_s = _NEVER
                part.turns += 1
                return
            except asyncio.CancelledError:
                # moves() has told of it.
                pass
            except Exception as problem:
                self._supervisor.fault(part.name, problem)
            self.restarts += 1
            if part.turns != self._turns:
                self._turns = part.turns
                self._pause_s = 1
            pause_s = self._pause_s
            part.rest(pause_s)
            await asyncio.sleep(pause_s)
            self._pause_s = min(2 * pause_s, _RESTART_S_MAX)

    def moves(self, now_s: int) -> bool:
        """Whether the part moves, or may yet: one that stands still is cancelled."""
        part = self.part
        if now_s <= part.deadline_s:
            return True
        if part.turns != self._turns:
            self._turns = part.turns
            self._still = 0
        self._still += 1
        if self._still >= _STILL_MAX or self._task is None:
            if self._still == _STILL_MAX:
                self._supervisor.give_up(part.name)
            return False
        self._supervisor.fault(part.name, "stands still")
        part.rest(0)
        self._task.cancel()
        return True


class Supervisor:
    """`on_beat` are called with the uptime every minute, `on_healthy` once, without arguments.

    Healthy is a node whose vital parts have all completed a turn: every bus, and the uplink a
    greeting.
    """

    def __init__(self, clock: "Clock", journal: "Journal") -> None:
        self._clock = clock
        self._journal = journal
        self.watches: "list[Watch]" = []
        self.on_beat: "list[Callable[[int], None]]" = []
        self.on_healthy: "list[Callable[[], None]]" = []
        self.is_healthy = self._is_steady = False
        self._failed = False
        self._hour = self._faults = self._no_memory = 0
        self._last = self._repeats = 0

    def add(self, part: "Part", is_vital: bool = False) -> None:
        """Have a part under supervision; without a turn of every vital one no node is healthy."""
        self.watches.append(Watch(part, is_vital, self))

    async def run(self) -> None:
        """Supervise, for ever."""
        watchdog = chip.Watchdog(_WATCHDOG_MS)
        for watch in self.watches:
            watch.start()
        while True:
            if self.beat():
                watchdog.feed()
            await asyncio.sleep_ms(_BEAT_MS)

    def beat(self) -> bool:
        """Call what is due, look after all parts; whether the watchdog may be fed."""
        now_s = self._clock.uptime()
        if now_s // _HOUR_S != self._hour:
            self._hour = now_s // _HOUR_S
            self._faults = self._no_memory = 0
        for call in self.on_beat:
            try:
                call(now_s)
            except Exception as problem:
                self.fault("beat", problem)
        moving = True
        for watch in self.watches:
            moving = watch.moves(now_s) and moving
        if not self.is_healthy:
            self._consider_health(now_s)
        return moving

    def fault(self, name: str, problem: "Exception | str") -> None:
        """Journal what went wrong in a part, unless it is old news; raises nothing."""
        self._failed = True
        try:
            self._tell(name, problem)
        except Exception as another:
            # Without the memory to tell of it: whoever keeps a part going must go on.
            sys.print_exception(another)

    def _tell(self, name: str, problem: "Exception | str") -> None:
        if isinstance(problem, Exception):
            if isinstance(problem, MemoryError):
                self._out_of_memory(name)
            sys.print_exception(problem)
            problem = repr(problem)
        text = (name + ": " + problem)[:_CHARACTERS_MAX]
        known = hash(text)
        if known != self._last:
            self._last = known
            self._repeats = 0
        self._repeats += 1
        repeats = self._repeats
        if repeats & repeats - 1 or self._faults >= _FAULTS_PER_HOUR:
            return
        self._faults += 1
        self._journal.event(
            EVENT_FAULT, text if repeats == 1 else "%s (%d times)" % (text, repeats)
        )

    def give_up(self, name: str) -> None:
        """Keep the reason why the watchdog is about to bite."""
        from nuan_firmware import panic

        self._journal.flush()
        panic.keep(name + " stands still", self._clock)

    def restart(self, reason: str) -> None:
        """Restart the node in good order: nothing journaled is lost, the reason is kept."""
        try:
            from nuan_firmware import panic

            self._journal.flush()
            panic.keep(reason, self._clock)
        finally:
            # Even without the memory for that.
            chip.reset()

    def _out_of_memory(self, name: str) -> None:
        gc.collect()
        self._no_memory += 1
        if self._no_memory >= _NO_MEMORY_PER_HOUR:
            self.restart(name + ": out of memory, %d times in an hour" % self._no_memory)

    def _consider_health(self, now_s: int) -> None:
        worked = all(watch.part.turns for watch in self.watches if watch.is_vital)
        steady_s = _LASTED_S if self._failed else _STEADY_S
        if not self._is_steady and (worked or now_s >= steady_s):
            # Five boots in a row that don't come this far, and the next is into safe mode.
            self._is_steady = True
            if chip.number("crashes", 0):
                chip.set_number("crashes", 0)
        if worked:
            self.is_healthy = True
            for call in self.on_healthy:
                try:
                    call()
                except Exception as problem:
                    self.fault("healthy", problem)
            # Once is all: what they held goes with them.
            self.on_healthy = []
