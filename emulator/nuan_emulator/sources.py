"""Connects the building's truth to the meters: a register source for every meter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from nuan_emulator.building import Building
from nuan_emulator.climate import STEP_MS
from nuan_emulator.meters.device import (
    ElectricityState,
    GasState,
    HeatState,
    RoomState,
    Settlement,
)

VOLTAGES_DV = (2301, 2297, 2310)
POWER_FACTOR_PCT = 93
HUMIDITY_PERMILLE = 420


class FlatHeat:
    """What the heat meter of one flat measures."""

    def __init__(self, building: Building, flat: int) -> None:
        """`flat`: index into the building's flats."""
        self._building = building
        self._flat = flat
        self._due = _DueDay(building, lambda t_ms: building.heat_j(flat, t_ms))

    def __call__(self, now_ms: int) -> HeatState:
        """The state at `now_ms`, simulating up to there when needed."""
        building = self._building
        building.advance(now_ms)
        return _heat_state(
            building,
            now_ms,
            building.heat_j(self._flat, now_ms),
            building.volume_ml(self._flat, now_ms),
            building.heat_rate_w(self._flat, now_ms),
            self._due.at(now_ms),
        )


class BuildingHeat:
    """What the meter at the building's thermal entrance measures."""

    def __init__(self, building: Building) -> None:
        """One for the whole building."""
        self._building = building
        self._due = _DueDay(building, building.building_heat_j)

    def __call__(self, now_ms: int) -> HeatState:
        """The state at `now_ms`, simulating up to there when needed."""
        building = self._building
        building.advance(now_ms)
        return _heat_state(
            building,
            now_ms,
            building.building_heat_j(now_ms),
            building.building_volume_ml(now_ms),
            building.building_rate_w(now_ms),
            self._due.at(now_ms),
        )


class BuildingGas:
    """What the gas meter measures."""

    def __init__(self, building: Building) -> None:
        """One for the whole building."""
        self._building = building

    def __call__(self, now_ms: int) -> GasState:
        """The state at `now_ms`, simulating up to there when needed."""
        self._building.advance(now_ms)
        return GasState(self._building.gas_ml(now_ms), self._building.gas_rate_l_per_h(now_ms))


class CommonElectricity:
    """What the electricity meter of the common parts measures."""

    def __init__(self, building: Building) -> None:
        """One for the whole building."""
        self._building = building

    def __call__(self, now_ms: int) -> ElectricityState:
        """The state at `now_ms`, simulating up to there when needed."""
        self._building.advance(now_ms)
        power_w = self._building.electricity_rate_w(now_ms)
        first = power_w * 5
        second = power_w * 3
        powers_dw = (first, second, power_w * 10 - first - second)
        currents = [p * 100_000 // (v * POWER_FACTOR_PCT) for p, v in _pairs(powers_dw)]
        return ElectricityState(
            import_j=self._building.electricity_j(now_ms),
            export_j=0,
            voltage_dv=VOLTAGES_DV,
            current_ma=(currents[0], currents[1], currents[2]),
            power_dw=powers_dw,
            reactive_dvar=(first * 2 // 5, second * 2 // 5, powers_dw[2] * 2 // 5),
            frequency_chz=4998 + now_ms // 60_000 % 5,
        )


class RoomClimate:
    """What the sensor in the public room measures."""

    def __init__(self, building: Building) -> None:
        """One for the controlled room."""
        self._building = building

    def __call__(self, now_ms: int) -> RoomState:
        """The state at `now_ms`, simulating up to there when needed."""
        room = self._building.room
        room.advance(now_ms)
        return RoomState(
            temperature_dc=(room.controlled.temperature_cc(now_ms) + 5) // 10,
            humidity_permille=HUMIDITY_PERMILLE - now_ms // STEP_MS % 7,
        )


class _DueDay:
    """The register at the first instant of the present civil month, where heat meters latch it."""

    def __init__(self, building: Building, energy_j: Callable[[int], int]) -> None:
        self._offset = timedelta(seconds=building.scenario.utc_offset_s)
        self._start_ms = building.scenario.start_ms
        self._energy_j = energy_j
        self._from_ms = self._until_ms = 0
        self._latched = Settlement(date(2000, 1, 1), 0)

    def at(self, now_ms: int) -> Settlement:
        """Day and register of the last due day; the simulation's start counts as one."""
        if not self._from_ms <= now_ms < self._until_ms:
            civil = datetime.fromtimestamp(now_ms // 1000, UTC) + self._offset
            first = civil.replace(day=1, hour=0, minute=0, second=0)
            self._from_ms = self._utc_ms(first)
            self._until_ms = self._utc_ms((first + timedelta(days=31)).replace(day=1))
            energy_j = self._energy_j(max(self._from_ms, self._start_ms))
            self._latched = Settlement(first.date(), energy_j)
        return self._latched

    def _utc_ms(self, civil: datetime) -> int:
        return int((civil - self._offset).timestamp()) * 1000


def _heat_state(
    building: Building,
    now_ms: int,
    energy_j: int,
    volume_ml: int,
    power_w: int,
    settlement: Settlement,
) -> HeatState:
    step = (now_ms - building.scenario.start_ms) // STEP_MS
    flow_cc = round(building.climate.flow_c[step] * 100)
    return_cc = round(building.climate.return_c[step] * 100)
    # 1 W cools 1 l/h by 0.86 K.
    flow_l_per_h = power_w * 86 // max(1, flow_cc - return_cc)
    return HeatState(
        energy_j,
        volume_ml,
        power_w,
        flow_l_per_h,
        flow_cc,
        return_cc,
        (now_ms - building.scenario.start_ms) // 1000,
        settlement,
    )


def _pairs(powers_dw: tuple[int, int, int]) -> list[tuple[int, int]]:
    return list(zip(powers_dw, VOLTAGES_DV, strict=True))
