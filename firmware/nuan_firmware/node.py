"""The node: what lives as long as it runs. `app.make()` makes the parts, the console looks at them.

A part has
    name          what events call it
    run()         its work, for ever; it returns only when there is nothing to do
    rest(s)       it will be started again after so many seconds
    deadline_s    the uptime by which it must have moved on
    turns         how often it has completed its work: a bus its meters, the uplink a greeting
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand

if TYPE_CHECKING:
    from typing import Protocol

    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.control.no_zones import NoZones
    from nuan_firmware.control.zones import Zones
    from nuan_firmware.cycle import Cycle
    from nuan_firmware.journal import Journal
    from nuan_firmware.poller import Poller
    from nuan_firmware.supervisor import Supervisor
    from nuan_firmware.time_sources import TimeSources
    from nuan_firmware.uplink import Uplink
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

    class Part(Protocol):
        """What the supervisor keeps going."""

        name: str
        turns: int

        @property
        def deadline_s(self) -> int:
            """The uptime by which it must have moved on."""
            ...

        @deadline_s.setter
        def deadline_s(self, uptime_s: int) -> None: ...

        async def run(self) -> None:
            """Work, for ever."""

        def rest(self, seconds: int) -> None:
            """It is started again after so many seconds."""


_DAY_S = const(86400)
# Days since 1970 that no node has been up for.
_DAYS_CIVIL = const(10000)


class Node:
    """All parts, by their names."""

    if TYPE_CHECKING:
        config: Config
        keys: NodeKeys
        clock: Clock
        times: TimeSources
        journal: Journal
        uplink: Uplink
        cycle: Cycle
        supervisor: Supervisor
        pollers: list[Poller]
        zones: Zones | NoZones

    def __init__(self) -> None:
        # Why it runs in safe mode; empty when it doesn't.
        self.safe_why = ""
        self._day = -1

    def tick(self, now_s: int) -> None:
        """What is due at every beat of the supervisor."""
        self.uplink.check()
        self.zones.tick(now_s)
        self.cycle.check()
        self.times.check(now_s, self.uplink.connection.links.is_up())
        day = self.clock.now() // _DAY_S
        if day != self._day:
            # A clock that was never set counts days from boot: the jump to civil days is none.
            is_new = self._day >= 0 and (day < _DAYS_CIVIL) == (self._day < _DAYS_CIVIL)
            self._day = day
            if is_new:
                self._tell_statistics()

    def _tell_statistics(self) -> None:
        from nuan_firmware import statistics

        statistics.note(self)
        on_demand.unload("statistics")

    def take_time(self, utc_s: int) -> None:
        """The gateway has told the time."""
        self.times.hear_gateway(utc_s)

    def take_answer(self, slot: int, read: int, answer: "Buffer") -> None:
        """A meter has answered well."""
        if self.times.witnesses is not None:
            self.times.run("hear_meter", slot, answer)
        self.zones.take(slot, read, answer)
