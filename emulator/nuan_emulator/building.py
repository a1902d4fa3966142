"""The sample building: twelve flats, a public room, pipes, gas and common electricity.

    building meter = flats + public room + heat lost by the pipes between

so the building's loss (building meter less flats) holds the public room and the pipes. Physics
uses floats at a fixed step of five minutes; what it takes from the network is counted in whole
joules and millilitres, so the truth and every register derived from it are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from nuan_emulator.climate import STEP_MS, STEP_S, SUN_W_PER_M2, Climate
from nuan_emulator.flats import FLATS, STEPS_PER_DAY, Flat, Habits, neighbours
from nuan_emulator.ledger import Ledger
from nuan_emulator.public_room import PublicRoom, RoomSpec
from nuan_emulator.weather import BuiltInWeather, Weather

PIPE_W_PER_K = 24.0
CELLAR_C = 12.0
AIRING_W_PER_K = 160.0
SUN_M2 = 2.5
"""Effective window area of a flat."""
FLAT_START_C = 19.0
THROTTLE_BAND_K = 1.0
"""Thermostatic valves open fully this far below the set-point."""

WATER_J_PER_L_K = 4_186
COOLING_MIN_K = 3.0
ROOM_J_PER_ML = 84
"""The public room cools its water by some 20 K."""

GAS_ML_PER_DAY = 420_000
GAS_SHARES = (0, 0, 0, 0, 0, 2, 9, 8, 4, 3, 5, 10, 9, 3, 2, 2, 5, 10, 11, 7, 4, 3, 2, 1)
"""Hundredths of a day's gas in each civil hour: cooking and hot water."""
LAMP_W = 260
BASE_W = 190
LIFT_W = 340
LIFT_SHARES = (1, 0, 0, 0, 0, 2, 6, 10, 9, 6, 5, 6, 7, 5, 4, 5, 6, 10, 11, 9, 6, 4, 3, 2)
"""Per cent of an hour the lift's motor runs, tenfold."""


@dataclass(frozen=True)
class Scenario:
    """What is simulated from when; `start_ms` is UTC ms, a multiple of five minutes."""

    start_ms: int
    flats: tuple[Flat, ...] = FLATS
    room: RoomSpec = field(default_factory=RoomSpec)
    weather: Weather | None = None
    utc_offset_s: int = 8 * 3600

    def __post_init__(self) -> None:
        if self.start_ms % STEP_MS:
            raise ValueError(f"start {self.start_ms} ms is not a multiple of {STEP_MS} ms")


class _Fabric(NamedTuple):
    """What the inner loop needs of a flat."""

    radiator_w_per_k: float
    loss_w_per_k: float
    capacity_j_per_k: float
    neighbours: list[tuple[int, float]]


class Building:
    """The building's true state; everything before the last `advance` can be asked again."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """`seed` decides habits and, without a weather in the scenario, the weather."""
        self.scenario = scenario
        self.flats = scenario.flats
        weather = scenario.weather or BuiltInWeather(seed)
        self.climate = Climate(weather, scenario.start_ms, scenario.utc_offset_s)
        self.room = PublicRoom(scenario.room, self.climate)
        start = scenario.start_ms
        self._heat = [Ledger(start, STEP_MS) for _ in self.flats]
        self._volume = [Ledger(start, STEP_MS) for _ in self.flats]
        self._branch_volume = Ledger(start, STEP_MS)
        self._pipes = Ledger(start, STEP_MS)
        self._gas = Ledger(start, STEP_MS)
        self._electricity = Ledger(start, STEP_MS)
        self._habits = [Habits(flat, seed) for flat in self.flats]
        self._fabric = [
            _Fabric(flat.radiator_w_per_k, flat.loss_w_per_k, flat.capacity_j_per_k, beside)
            for flat, beside in zip(self.flats, neighbours(self.flats), strict=True)
        ]
        self.temperatures_c = [FLAT_START_C] * len(self.flats)
        self._rng = Random(f"{seed}/common")  # noqa: S311 - a simulation, not a secret
        self._gas_day_ml = GAS_ML_PER_DAY
        self._planned_day = -1
        self._steps = 0
        self.advance(start)

    def advance(self, now_ms: int) -> None:
        """Simulate up to the end of the step that holds `now_ms`; going back does nothing."""
        steps = (now_ms - self.scenario.start_ms) // STEP_MS + 1
        if steps > self._steps:
            self.climate.extend(steps)
            while self._steps < steps:
                self._step(self._steps)
                self._steps += 1
        self.room.advance(now_ms)

    def heat_j(self, flat: int, t_ms: int) -> int:
        """Heat the flat has taken since the start, in joules, at an instant reached."""
        return self._heat[flat].at(t_ms)

    def volume_ml(self, flat: int, t_ms: int) -> int:
        """Heating water that has run through the flat, in millilitres."""
        return self._volume[flat].at(t_ms)

    def room_heat_j(self, t_ms: int) -> int:
        """Heat the public room has taken since the start."""
        return self.room.controlled.heat_j.at(t_ms)

    def pipe_loss_j(self, t_ms: int) -> int:
        """Heat lost between the building meter and the users."""
        return self._pipes.at(t_ms)

    def building_heat_j(self, t_ms: int) -> int:
        """What passed the building meter: flats, public room and pipe losses."""
        flats = sum(ledger.at(t_ms) for ledger in self._heat)
        return flats + self.room_heat_j(t_ms) + self.pipe_loss_j(t_ms)

    def building_volume_ml(self, t_ms: int) -> int:
        """Heating water that has run through the building meter."""
        return self._branch_volume.at(t_ms) + self.room_heat_j(t_ms) // ROOM_J_PER_ML

    def gas_ml(self, t_ms: int) -> int:
        """Gas the building has burnt since the start."""
        return self._gas.at(t_ms)

    def electricity_j(self, t_ms: int) -> int:
        """Electricity of the common parts since the start."""
        return self._electricity.at(t_ms)

    def heat_rate_w(self, flat: int, t_ms: int) -> int:
        """The flat's heat flow in the step that holds `t_ms`."""
        return self._heat[flat].rate_per_hour(t_ms) // 3600

    def building_rate_w(self, t_ms: int) -> int:
        """The heat flow at the building meter."""
        ledgers = [*self._heat, self.room.controlled.heat_j, self._pipes]
        return sum(ledger.rate_per_hour(t_ms) for ledger in ledgers) // 3600

    def gas_rate_l_per_h(self, t_ms: int) -> int:
        """The gas flow in the step that holds `t_ms`."""
        return self._gas.rate_per_hour(t_ms) // 1000

    def electricity_rate_w(self, t_ms: int) -> int:
        """The common parts' power in the step that holds `t_ms`."""
        return self._electricity.rate_per_hour(t_ms) // 3600

    def _step(self, step: int) -> None:
        climate = self.climate
        t_ms = self.scenario.start_ms + step * STEP_MS
        hour = climate.civil_hour(t_ms)
        day = climate.civil_day(t_ms)
        if day != self._planned_day:
            self._planned_day = day
            for habits in self._habits:
                habits.plan()
            self._gas_day_ml = len(self.flats) * round(GAS_ML_PER_DAY * self._rng.uniform(0.8, 1.2))
        self._heat_flats(step, hour, climate.civil_minute(t_ms) // (1440 // STEPS_PER_DAY))
        self._gas.add(self._gas_day_ml * GAS_SHARES[hour] // (100 * 12))
        lamps_w = 0 if 8 <= hour < 17 else LAMP_W
        lift_w = LIFT_W * LIFT_SHARES[hour] * self._rng.randint(50, 150) // 10_000
        self._electricity.add((BASE_W + lamps_w + lift_w) * STEP_S)

    def _heat_flats(self, step: int, hour: int, step_of_day: int) -> None:
        outdoor_c = self.climate.outdoor_c[step]
        flow_c = self.climate.flow_c[step]
        cooling_k = max(COOLING_MIN_K, flow_c - self.climate.return_c[step])
        water_j_per_ml = WATER_J_PER_L_K * cooling_k / 1000
        sun_w = SUN_M2 * SUN_W_PER_M2[hour]
        water_c = flow_c - cooling_k / 2
        total_j = pipes_j = int(PIPE_W_PER_K * (water_c - CELLAR_C) * STEP_S)
        before = self.temperatures_c
        after: list[float] = []
        for index, fabric in enumerate(self._fabric):
            habits = self._habits[index]
            room_c = before[index]
            opening = (habits.set_point_c[hour] - room_c) / THROTTLE_BAND_K + 0.5
            heat_j = 0
            if opening > 0 and water_c > room_c:
                share_w_per_k = fabric.radiator_w_per_k * min(opening, 1.0)
                heat_j = int(share_w_per_k * (water_c - room_c) * STEP_S)
            loss_w_per_k = fabric.loss_w_per_k
            if step_of_day in habits.airing:
                loss_w_per_k += AIRING_W_PER_K
            gained_w = habits.gains_w[hour] + sun_w - loss_w_per_k * (room_c - outdoor_c)
            for other, conductance in fabric.neighbours:
                gained_w += conductance * (before[other] - room_c)
            after.append(room_c + (heat_j + gained_w * STEP_S) / fabric.capacity_j_per_k)
            self._heat[index].add(heat_j)
            self._volume[index].add(int(heat_j / water_j_per_ml))
            total_j += heat_j
        self._pipes.add(pipes_j)
        self._branch_volume.add(int(total_j / water_j_per_ml))
        self.temperatures_c = after
