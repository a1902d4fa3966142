"""All zones of the node: sensors in, valves out, every decision that changes something journaled.

Works without a gateway for as long as it must. While the clock was never set there is no program,
no override and no exemption, but the occupied set-point under its legal clamp: a day counted from
the last power cut would be somebody else's day.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.control import schedule
from nuan_firmware.control.law import (
    EXERCISE_ALWAYS,
    EXERCISE_BELOW,
    EXERCISE_NONE,
    STUCK_S,
    Law,
)
from nuan_protocols.uplink.body import (
    MODE_EXERCISE,
    MODE_NORMAL,
    MODE_OVERRIDE,
    MODE_SETBACK,
    MODE_UNOCCUPIED,
    MODE_WARM_UP,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from nuan_firmware.clock import Clock
    from nuan_firmware.config_zones import Control, Source, Valve
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

    class Actuator(Protocol):
        """What moves a valve."""

        def put(self, demand: int, is_open: bool) -> None:
            """Take the position: permille where it has positions, otherwise open or shut."""


# Learned rates are kept in steps of 0.05 K/h, one for each class of weather.
RATES = const(4)
_RATE_S = const(7200)
_RATE_MAX = const(255)
_COLD_DC = const(-50)
_MILD_DC = const(50)
# Too small a rise teaches nothing, nor does a warm-up that never ends.
_RISE_DC_MIN = const(5)
_WARM_UP_S_MAX = const(21600)
# Warm enough at the hour: what is left, PI brings without overshooting.
_ARRIVE_DC = const(5)
# A room that coasts through the last of its occupied time is heated again below this.
_COAST_DC = const(10)
_TELL_PCT = const(10)
_DAY_S = const(86400)
_OUTDOOR_STALE_S = const(7200)
_DATA_AT = const(3)


class Zones:
    """The controllers of all zones.

    make_valve(valve) gives what moves it; on_fault(zone, problem) hears what keeps one zone from
    deciding; `path` is where overrides and what was learned are kept.
    """

    def __init__(
        self,
        control: "Control",
        journal: "Journal",
        clock: "Clock",
        make_valve: "Callable[[Valve], Actuator]",
        on_fault: "Callable[[str, Exception | str], None]",
        path: str = "/control.json",
    ) -> None:
        self.control = control
        self.path = path
        self.outdoor_dc: "int | None" = None
        self._outdoor_s = self._kept_s = 0
        self.journal = journal
        self.clock = clock
        self._on_fault = on_fault
        self.laws: "list[Law]" = []
        self._valves: "list[Actuator]" = []
        for zone in control.zones:
            self.laws.append(Law(zone))
            self._valves.append(make_valve(zone.valve))
        self._kept("load")

    def take(self, slot: int, read: int, answer: "Buffer") -> None:
        """Look at a checked answer of a meter or probe; act when it is a sensor's."""
        now_s = self.clock.uptime()
        outdoor = self.control.outdoor
        if outdoor and outdoor.source.slot == slot:
            value = value_dc(outdoor.source, read, answer)
            if value is not None:
                self.outdoor_dc = value
                self._outdoor_s = now_s
        for index, law in enumerate(self.laws):
            if law.zone.source.slot == slot:
                value = value_dc(law.zone.source, read, answer)
                if value is not None:
                    law.sense(value, now_s)
                    self._try(index, now_s)

    def tick(self, now_s: int) -> None:
        """Decide anew; called when time alone may change the decision, too."""
        for index in range(len(self.laws)):
            self._try(index, now_s)
        # The valves' cycles outlast a reboot but for a day's.
        if now_s - self._kept_s >= _DAY_S:
            self._kept("save")

    def override(self, zone: int, setpoint_dc: int, until_s: int, who: str, why: str) -> None:
        """Set a zone by hand until a UTC second, 0: off but for frost; until_s 0 ends it now.

        Journaled, kept over reboots; the legal clamp still applies. Raises ValueError(reason).
        """
        self._by_hand(zone, setpoint_dc, until_s, who, why)
        self.tick(self.clock.uptime())

    def describe(self) -> "list[dict[str, Any]]":
        """What each zone does and why, as plain values."""
        from nuan_firmware.control import describe

        try:
            return describe.describe(self)
        finally:
            on_demand.unload("control.describe")

    def _by_hand(self, zone: int, setpoint_dc: int, until_s: int, who: str, why: str) -> None:
        from nuan_firmware.control import overrides

        try:
            overrides.override(self, zone, setpoint_dc, until_s, who, why)
        finally:
            on_demand.unload("control.overrides")
        self._kept("save")

    # -- one zone

    def _try(self, index: int, now_s: int) -> None:
        try:
            self._decide(index, now_s)
        except Exception as problem:
            # The others' rooms get cold, too.
            self._on_fault("zone %d" % self.laws[index].zone.zone, problem)

    def _decide(self, index: int, now_s: int) -> None:
        law = self.laws[index]
        self._plan(law, now_s)
        substitute = None
        duty_pct = 0
        if law.own_dc(now_s) is None:
            substitute = self._neighbours_dc(law, now_s)
            duty_pct = self.duty_pct(law, now_s)
        before = law.demand, law.is_open
        was_stuck = law.is_stuck
        law.decide(now_s, substitute, duty_pct, self._exercise(law, now_s))
        if law.is_stuck and not was_stuck:
            what = "its sensor hasn't moved from %d in %d hours of full heat"
            self._on_fault("zone %d" % law.zone.zone, what % (law.measured_dc, STUCK_S // 3600))
        if before != (law.demand, law.is_open):
            self._valves[index].put(law.demand, law.is_open)
        told = (law.requested_dc, law.applied_dc, law.mode)
        pct = (law.demand + 5) // 10
        moved = abs(pct - law.told_pct)
        if told != law.told or moved >= _TELL_PCT or (moved and pct in (0, 100)):
            law.told = told
            law.told_pct = pct
            self.journal.control(
                law.zone.zone,
                law.requested_dc,
                law.applied_dc,
                law.measured_dc,
                pct,
                law.mode,
                law.reason,
            )

    def _plan(self, law: "Law", now_s: int) -> None:
        """What the zone should be, by override, program and law."""
        zone = law.zone
        is_set = self.clock.quality() != 0
        utc_s = self.clock.now()
        plan = MODE_NORMAL
        requested_dc = zone.setpoint_dc
        if law.override and is_set and law.override[1] <= utc_s:
            # Without deciding anew: others that end now would end within each other.
            self._by_hand(zone.zone, 0, 0, "node", "expired")
        if law.override and is_set:
            plan = MODE_OVERRIDE
            requested_dc = law.override[0]
        elif zone.program >= 0 and is_set:
            control = self.control
            civil_s = utc_s + control.calendar.utc_offset_s
            program = control.programs[zone.program]
            plan, until_s = schedule.now(program, control.calendar, civil_s)
            if plan == MODE_NORMAL:
                if self._is_coasting(law, until_s, now_s):
                    plan = MODE_SETBACK
            elif until_s != schedule.NEVER and self._is_warm_up(law, until_s, now_s):
                plan = MODE_WARM_UP
            if plan in (MODE_NORMAL, MODE_WARM_UP):
                pass
            elif plan == MODE_SETBACK:
                requested_dc = zone.setback_dc
            elif plan == MODE_UNOCCUPIED:
                requested_dc = zone.unoccupied_dc
            elif plan != MODE_NORMAL:
                requested_dc = zone.tuning.frost_dc
        law.plan = plan
        law.requested_dc = requested_dc
        until_s = zone.exempt_until_s
        if until_s >= 0 and not (is_set and utc_s < until_s):
            requested_dc = min(requested_dc, zone.legal_max_dc)
        law.applied_dc = requested_dc
        if law.begun:
            self._learn(law, now_s)

    # -- optimum start

    def _is_warm_up(self, law: "Law", until_s: int, now_s: int) -> bool:
        """Whether the room needs all the time that is left; once begun, it goes on."""
        if law.plan == MODE_WARM_UP:
            return True
        measured_dc = law.own_dc(now_s)
        if measured_dc is None or until_s > law.zone.tuning.warm_up_s:
            return False
        zone = law.zone
        rise_dc = min(zone.setpoint_dc, zone.legal_max_dc) - _ARRIVE_DC - measured_dc
        weather = self._weather(now_s)
        if rise_dc <= 0 or until_s > rise_dc * _RATE_S // law.rates[weather]:
            return False
        law.begun = (now_s, measured_dc, weather)
        return True

    def _is_coasting(self, law: "Law", until_s: int, now_s: int) -> bool:
        """Whether what the radiators hold will do until everybody has gone (optimum stop)."""
        zone = law.zone
        measured_dc = law.own_dc(now_s)
        if measured_dc is None or until_s > zone.tuning.coast_s:
            return False
        setpoint_dc = min(zone.setpoint_dc, zone.legal_max_dc)
        return measured_dc >= setpoint_dc - _COAST_DC

    def _learn(self, law: "Law", now_s: int) -> None:
        """From a warm-up that has got there: how fast the room rises in such weather."""
        begun_s, begun_dc, weather = law.begun
        measured_dc = law.own_dc(now_s)
        if measured_dc is None or law.plan not in (MODE_WARM_UP, MODE_NORMAL):
            law.begun = ()
            return
        passed_s = now_s - begun_s
        if measured_dc < law.applied_dc - _ARRIVE_DC and passed_s < _WARM_UP_S_MAX:
            return
        law.begun = ()
        if measured_dc - begun_dc >= _RISE_DC_MIN and passed_s:
            rate = (measured_dc - begun_dc) * _RATE_S // passed_s
            law.rates[weather] = max(1, min(_RATE_MAX, (law.rates[weather] + rate + 1) // 2))
            self._kept("save")

    def _weather(self, now_s: int) -> int:
        outdoor_dc = self._fresh_outdoor_dc(now_s)
        if outdoor_dc is None or self.control.outdoor.is_flow:  # type: ignore[union-attr]
            return 0
        return 1 if outdoor_dc < _COLD_DC else 2 if outdoor_dc < _MILD_DC else 3

    # -- when the sensor is silent

    def _neighbours_dc(self, law: "Law", now_s: int) -> "int | None":
        total = count = 0
        for other in self.laws:
            if other.zone.zone in law.zone.neighbours:
                measured_dc = other.own_dc(now_s)
                if measured_dc is not None:
                    total += measured_dc
                    count += 1
        # Rounded up: a mean just above the setting is above it.
        return -(-total // count) if count else None

    def duty_pct(self, law: "Law", now_s: int) -> int:
        """The share of time to heat a room that nobody measures, by the weather if it is known."""
        outdoor = self.control.outdoor
        outdoor_dc = self._fresh_outdoor_dc(now_s)
        if outdoor is None or outdoor_dc is None:
            return law.zone.tuning.fallback_pct
        part = (outdoor.none_dc - outdoor_dc) * outdoor.full_pct
        return max(0, min(outdoor.full_pct, part // (outdoor.none_dc - outdoor.full_dc)))

    def _fresh_outdoor_dc(self, now_s: int) -> "int | None":
        return self.outdoor_dc if now_s - self._outdoor_s <= _OUTDOOR_STALE_S else None

    # -- a valve that stands still sticks

    def _exercise(self, law: "Law", now_s: int) -> int:
        tuning = law.zone.tuning
        still_s = now_s - law.changed_s
        if law.mode == MODE_EXERCISE:
            if still_s >= tuning.exercise_s:
                return EXERCISE_NONE
        elif law.is_open or not tuning.exercise_days or still_s < tuning.exercise_days * _DAY_S:
            return EXERCISE_NONE
        if self.clock.quality() == 0:
            return EXERCISE_BELOW
        calendar = self.control.calendar
        # Day of the year, a day's error allowed.
        day = (self.clock.now() + calendar.utc_offset_s) // _DAY_S * 400 % 146097 // 400 + 1
        first, last = calendar.heating
        is_season = first <= day <= last if first <= last else day >= first or day <= last
        return EXERCISE_BELOW if is_season else EXERCISE_ALWAYS

    def _kept(self, what: str) -> None:
        from nuan_firmware.control import kept

        self._kept_s = self.clock.uptime()
        try:
            getattr(kept, what)(self)
        finally:
            on_demand.unload("control.kept")


def value_dc(source: "Source", read: int, answer: "Buffer") -> "int | None":
    """The temperature in a checked answer of the source's slot, None when it isn't in there."""
    if source.record:
        from nuan_firmware.control import mbus_record

        try:
            return mbus_record.value_dc(answer, source.record)
        finally:
            on_demand.unload("control.mbus_record")
    at = _DATA_AT + 2 * source.offset
    if source.offset < 0:
        # A probe's scratchpad counts sixteenths, low byte first.
        value = signed(answer[1], answer[0]) * 10
        return (value + 8) >> 4
    if read != source.read or at + 2 > len(answer):
        return None
    return signed(answer[at], answer[at + 1])


def signed(high: int, low: int) -> int:
    """Two bytes as a 16-bit number."""
    value = high << 8 | low
    return value - 0x10000 if value & 0x8000 else value
