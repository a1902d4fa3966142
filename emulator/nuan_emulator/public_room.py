"""A public room with one radiator and one valve, and its twin whose valve always stays open.

Room and radiator are a thermal mass each: a hot radiator goes on heating after the valve has shut,
so the room overshoots. The valve's motor acts at the next whole minute.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from nuan_emulator.climate import STEP_MS, SUN_W_PER_M2, Climate
from nuan_emulator.ledger import Ledger

MINUTE_MS = 60_000
MINUTE_S = 60
OFFICE_HOURS = range(8, 18)
THURSDAY = 3


@dataclass(frozen=True)
class RoomSpec:
    """Fabric, radiator and use of the room."""

    name: str = "reading room"
    area_m2: str = "120.00"
    loss_w_per_k: float = 120.0
    capacity_j_per_k: float = 24e6
    radiator_w_per_k: float = 125.0
    radiator_j_per_k: float = 450e3
    water_w_per_k: float = 220.0
    """What the open valve lets through for each kelvin of flow over radiator temperature."""
    window_m2: float = 6.0
    gains_w: float = 450.0
    """People and lamps in office hours."""
    start_c: float = 17.0
    stroke_s: int = 0
    """How long the valve's motor takes from shut to open; a wax actuator 180 to 300 s."""


ROOMS = (
    RoomSpec(),
    # Light walls, a large radiator: quick.
    RoomSpec(
        name="classroom", area_m2="64.00", loss_w_per_k=95.0, capacity_j_per_k=9e6,
        radiator_w_per_k=150.0, radiator_j_per_k=300e3, water_w_per_k=260.0, window_m2=9.0,
        gains_w=1800.0, stroke_s=240,
    ),
    # Thick walls, ample radiators: slow.
    RoomSpec(
        name="hall", area_m2="240.00", loss_w_per_k=310.0, capacity_j_per_k=95e6,
        radiator_w_per_k=500.0, radiator_j_per_k=1800e3, water_w_per_k=800.0, window_m2=12.0,
        gains_w=1200.0, stroke_s=300,
    ),
    RoomSpec(
        name="office", area_m2="28.00", loss_w_per_k=38.0, capacity_j_per_k=5.5e6,
        radiator_w_per_k=46.0, radiator_j_per_k=140e3, water_w_per_k=90.0, window_m2=3.0,
        gains_w=260.0, stroke_s=180,
    ),
)  # fmt: skip
"""Kinds of public room to try a controller on."""


class RoomModel:
    """Temperature and heat of the room under one valve, minute by minute."""

    def __init__(self, spec: RoomSpec, climate: Climate, valve_pct: int) -> None:
        """Begins at the climate's start with the radiator as warm as the room."""
        self._spec = spec
        self._climate = climate
        self.valve_pct = valve_pct
        self.heat_j = Ledger(climate.start_ms, MINUTE_MS)
        self.temperatures_cc = array("h")
        """Hundredths of a degree at the beginning of every minute."""
        self._room_c = spec.start_c
        self._radiator_c = spec.start_c
        self._opening_pct = float(valve_pct)

    def advance(self, t_ms: int, gains_w: Sequence[float]) -> None:
        """Simulate every minute that begins at or before `t_ms`; gains by week hour, 0..167."""
        spec, climate = self._spec, self._climate
        outdoor, flow = climate.outdoor_c, climate.flow_c
        minute = len(self.temperatures_cc)
        last = (t_ms - climate.start_ms) // MINUTE_MS
        if minute > last:
            return
        room_c, radiator_c = self._room_c, self._radiator_c
        stride_pct = 100.0 * MINUTE_S / spec.stroke_s if spec.stroke_s else 100.0
        first_hour = climate.civil_day(climate.start_ms) * 24
        first_minute = climate.civil_minute(climate.start_ms)
        while minute <= last:
            step = minute // (STEP_MS // MINUTE_MS)
            way_pct = self.valve_pct - self._opening_pct
            self._opening_pct += max(-stride_pct, min(stride_pct, way_pct))
            water = spec.water_w_per_k * self._opening_pct / 100
            gain = gains_w[(first_hour + (first_minute + minute) // 60) % 168]
            heat = int(water * (flow[step] - radiator_c) * MINUTE_S) if water else 0
            heat = max(heat, 0)
            given = spec.radiator_w_per_k * (radiator_c - room_c) * MINUTE_S
            lost = (spec.loss_w_per_k * (room_c - outdoor[step]) - gain) * MINUTE_S
            self.temperatures_cc.append(round(room_c * 100))
            self.heat_j.add(heat)
            radiator_c += (heat - given) / spec.radiator_j_per_k
            room_c += (given - lost) / spec.capacity_j_per_k
            minute += 1
        self._room_c, self._radiator_c = room_c, radiator_c

    def temperature_cc(self, t_ms: int) -> int:
        """Hundredths of a degree Celsius in the minute that holds `t_ms`."""
        return self.temperatures_cc[(t_ms - self._climate.start_ms) // MINUTE_MS]

    def minutes_above(self, limit_dc: int, first_ms: int, end_ms: int) -> int:
        """Minutes in [first_ms, end_ms) that began warmer than `limit_dc` tenths of a degree."""
        start = self._climate.start_ms
        span = self.temperatures_cc[(first_ms - start) // MINUTE_MS : (end_ms - start) // MINUTE_MS]
        return sum(1 for value in span if value > limit_dc * 10)


class PublicRoom:
    """The controlled room, and the same room beside it with its valve always open."""

    def __init__(self, spec: RoomSpec, climate: Climate) -> None:
        """Both valves are open at the start."""
        self.spec = spec
        self.controlled = RoomModel(spec, climate, valve_pct=100)
        self.uncontrolled = RoomModel(spec, climate, valve_pct=100)
        self._climate = climate
        self._gains_w = week_gains_w(spec)

    def set_valve(self, valve: bool | int, now_ms: int) -> None:
        """Open or shut, or set to 0..100 per cent; acts from the next minute on."""
        pct = (100 if valve else 0) if isinstance(valve, bool) else valve
        if not 0 <= pct <= 100:
            raise ValueError(f"valve position {pct} is outside 0..100 per cent")
        self.advance(now_ms)
        self.controlled.valve_pct = pct

    def advance(self, now_ms: int) -> None:
        """Simulate both rooms up to the end of the minute that holds `now_ms`."""
        self._climate.extend((now_ms - self._climate.start_ms) // STEP_MS + 1)
        self.controlled.advance(now_ms, self._gains_w)
        self.uncontrolled.advance(now_ms, self._gains_w)

    def hours_above(self, limit_dc: int, first_ms: int, end_ms: int) -> tuple[float, float]:
        """Hours in the span above the limit: (with control, with the valve always open)."""
        return (
            self.controlled.minutes_above(limit_dc, first_ms, end_ms) / 60,
            self.uncontrolled.minutes_above(limit_dc, first_ms, end_ms) / 60,
        )


def week_gains_w(spec: RoomSpec) -> list[float]:
    """What people, lamps and sun give in each hour of the week that begins on Thursday."""
    return [_gain_w(spec, hour) for hour in range(168)]


def _gain_w(spec: RoomSpec, hour: int) -> float:
    """Sun, people and lamps in one hour of the week that begins on Thursday, as 1970 did."""
    weekday = (hour // 24 + THURSDAY) % 7
    people = spec.gains_w if weekday < 5 and hour % 24 in OFFICE_HOURS else 0.0
    return people + 0.6 * spec.window_m2 * SUN_W_PER_M2[hour % 24]
