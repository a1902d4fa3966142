"""Asks whoever knows the time, tells the clock, and journals what that did to it.

The gateway speaks with every acknowledgement. A DS3231 is read at boot, and set once a day while
the gateway tells the time. NTP servers are asked when the gateway has said nothing for twelve
hours, or when the clock isn't set. Meters' clocks are heard only while nobody has told the time.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import clock as clocks
from nuan_firmware import on_demand
from nuan_protocols.uplink.body import EVENT_TIME

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

# The gateway says whole seconds, and its word has been on the way.
_GATEWAY_SLACK_MS = const(1500)
_FRESH_S = const(60)
NTP_S = const(43200)
# Meters are heard when those who know better had this long to speak.
_METERS_S = const(1800)


class TimeSources:
    """Everybody who tells a node the time. Made before the journal, so that a DS3231's time is
    there for the first entry; `begin` gives it the journal.
    """

    def __init__(self, config: "Config", clock: "Clock") -> None:
        self.config = config
        self.clock = clock
        self.ntp_s = 0
        self.hosts = list(config.ntp)
        self.fault = ""
        # Slot -> what the time was at boot, by the meter there; None: nobody is to be heard.
        self.witnesses: "dict[int, int] | None" = None
        self._told_s = -NTP_S
        self._rtc_s = 0
        self._notes: "list[tuple[int, str]]" = []
        self._journal: "Journal | None" = None
        self._asking: "asyncio.Task[None] | None" = None
        if config.rtc and clock.rank == clocks.NOBODY:
            self._run("read_rtc", config.rtc)
        if config.meter_clocks and clock.rank == clocks.NOBODY:
            self.witnesses = {}

    def begin(self, journal: "Journal") -> None:
        """From now on there is a journal; what happened before goes into it."""
        self._journal = journal
        for code, text in self._notes:
            journal.event(code, text)
        self._notes[:] = []

    def note(self, code: int, text: str) -> None:
        """Journal an event as soon as there is a journal."""
        self._notes.append((code, text))
        if self._journal is not None:
            self.begin(self._journal)

    def tell(self, rank: int, utc_s: int, ms: int, slack_ms: int) -> int:
        """As Clock.tell(); a step is journaled."""
        clock = self.clock
        before, quality = clock.now(), clock.quality()
        done = clock.tell(rank, utc_s, ms, slack_ms)
        if done == clocks.STEPPED:
            name = ("meters", "ntp", "kept", "gateway")[rank - clocks.METERS]
            told = name, before, quality, clock.now(), clock.quality()
            self.note(EVENT_TIME, "%s %d (%d) -> %d (%d)" % told)
            self._rtc_s = 0
        return done

    def hear_gateway(self, utc_s: int) -> None:
        """An authenticated message has told the gateway's time."""
        self._told_s = self.clock.uptime()
        self.tell(clocks.GATEWAY, utc_s, 0, _GATEWAY_SLACK_MS)

    def hear_meter(self, slot: int, answer: "Buffer") -> None:
        """A meter has answered well."""
        if self.witnesses is not None:
            self._run("hear_meter", slot, answer)

    def check(self, now_s: int, is_online: bool) -> None:
        """At every beat: ask those whose turn it is."""
        is_set = self.clock.rank != clocks.NOBODY
        if self.witnesses is not None:
            if is_set:
                self.witnesses = None
            elif now_s >= _METERS_S:
                self._run("judge_meters")
        is_fresh = now_s - self._told_s <= _FRESH_S
        if self.config.rtc and is_fresh and now_s >= self._rtc_s:
            self._rtc_s = now_s + clocks.DAY_S
            self._run("set_rtc", self.config.rtc)
        silent = now_s - self._told_s >= NTP_S
        if self.hosts and is_online and silent and now_s >= self.ntp_s:
            # When it is done it says itself when it is due again.
            self.ntp_s = now_s + NTP_S
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        from nuan_firmware import time_tasks

        try:
            await time_tasks.ask_ntp(self)
        finally:
            _unload()
            self._asking = None

    def _run(self, name: str, *values: "Any") -> None:
        from nuan_firmware import time_tasks

        try:
            getattr(time_tasks, name)(self, *values)
        finally:
            if self._asking is None:
                _unload()


def _unload() -> None:
    on_demand.unload("time_tasks", "ntp", "meter_time", "civil", "hal.rtc")
