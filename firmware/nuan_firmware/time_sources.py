"""Asks whoever knows the time, tells the clock, and journals what that did to it.

The gateway speaks with every acknowledgement. A DS3231 is read at boot, and set once a day while
the gateway tells the time. NTP servers are asked when the gateway has said nothing for twelve
hours, or when the clock isn't set. Meters' clocks are heard only while nobody has told the time.
What is done now and then is in time_tasks.py, and on the heap only meanwhile.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import clock as clocks
from nuan_firmware import on_demand

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.journal import Journal

# The gateway says whole seconds, and its word has been on the way.
_GATEWAY_SLACK_MS = const(1500)
_FRESH_S = const(60)
_NTP_S = const(43200)
# Meters are heard when those who know better had this long to speak.
_METERS_S = const(1800)


class TimeSources:
    """Everybody who tells a node the time. Made before the journal, so that a DS3231's time is
    there for the first entry; run("begin", journal) gives it the journal.

    `witnesses`: slot -> what the time was at boot, by the meter there; None: they aren't heard.
    """

    def __init__(self, config: "Config", clock: "Clock") -> None:
        self.config = config
        self.clock = clock
        self.hosts = list(config.ntp)
        self.fault = ""
        self.ntp_s = self._rtc_s = 0
        self._told_s = -_NTP_S
        # What happened before there was a journal, then the journal.
        self.book: "list[tuple[int, str]] | Journal" = []
        self.witnesses: "dict[int, int] | None" = None
        if clock.rank == clocks.NOBODY:
            if config.rtc:
                self.run("read_rtc")
            if config.meter_clocks and clock.rank == clocks.NOBODY:
                self.witnesses = {}

    def run(self, name: str, *values: "Any") -> None:
        """Call one of time_tasks.py: begin(journal), hear_meter(slot, answer), ..."""
        from nuan_firmware import time_tasks

        try:
            getattr(time_tasks, name)(self, *values)
        finally:
            on_demand.unload("time_tasks", "ntp", "meter_time", "civil", "hal.rtc")

    def tell(self, rank: int, utc_s: int, ms: int, slack_ms: int) -> int:
        """As Clock.tell(); a step is journaled."""
        clock = self.clock
        before, quality = clock.now(), clock.quality()
        done = clock.tell(rank, utc_s, ms, slack_ms)
        if done == clocks.STEPPED:
            name = ("meters", "ntp", "kept", "gateway")[rank - clocks.METERS]
            told = name, before, quality, clock.now(), clock.quality()
            self.run("note_step", "%s %d (%d) -> %d (%d)" % told, quality == 0)
            self._rtc_s = 0
        return done

    def hear_gateway(self, utc_s: int) -> None:
        """An authenticated message has told the gateway's time."""
        self._told_s = self.clock.uptime()
        self.tell(clocks.GATEWAY, utc_s, 0, _GATEWAY_SLACK_MS)

    def check(self, now_s: int, is_online: bool) -> None:
        """At every beat: ask those whose turn it is."""
        if self.witnesses is not None:
            if self.clock.rank != clocks.NOBODY:
                self.witnesses = None
            elif now_s >= _METERS_S:
                self.run("judge_meters")
        silent_s = now_s - self._told_s
        if self.config.rtc and silent_s <= _FRESH_S and now_s >= self._rtc_s:
            self._rtc_s = now_s + clocks.DAY_S
            self.run("set_rtc")
        if self.hosts and is_online and silent_s >= _NTP_S and now_s >= self.ntp_s:
            # When it is done it says itself when it is due again, if that is sooner.
            self.ntp_s = now_s + _NTP_S
            self.run("start_ntp")
