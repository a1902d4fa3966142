"""Sources without a building: heat, water, gas and electricity that run evenly from a start on.

What they say is physically sound: power is flow times temperature difference, and everything
counted is what the powers and flows add up to, in whole joules and millilitres.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from nuan_emulator.meters.device import (
    ElectricityState,
    GasState,
    HeatState,
    RoomState,
    WaterState,
)

SEASON_MS = int(datetime(2025, 11, 1, tzinfo=UTC).timestamp() * 1000)
"""Since then everything runs; before, registers stand still."""
LITRE_KELVIN_MWH = 1163
"""Thousandths of a watt hour that a litre of water carries for each kelvin, at about 50 degC."""
STANDARD_TEMPERATURE_CC = 29_315
STANDARD_PRESSURE_PA = 101_325
KELVIN_OFFSET_CC = 27_315
CELSIUS_MIN_CC = 2_500


def _run_ms(now_ms: int) -> int:
    return max(0, now_ms - SEASON_MS)


class SteadyHeat:
    """A heat source for a meter: constant flow and temperatures, drawn from a seed."""

    def __init__(self, seed: int | str, *, scale: int = 1) -> None:
        """`scale`: 1 for a flat, some hundred for a building."""
        rng = Random(f"{seed}/heat")  # noqa: S311
        self.flow_l_per_h = rng.randint(120, 600) * scale
        self.return_cc = rng.randint(CELSIUS_MIN_CC, 3_800)
        self.flow_cc = self.return_cc + rng.randint(500, 1_500)
        self.start_j = rng.randint(10**10, 10**11) * scale
        self.start_ml = rng.randint(10**8, 10**9) * scale
        self.power_w = self.flow_l_per_h * (self.flow_cc - self.return_cc) * LITRE_KELVIN_MWH
        self.power_w //= 100_000

    def __call__(self, now_ms: int) -> HeatState:
        """The state at a UTC instant."""
        run_ms = _run_ms(now_ms)
        running = run_ms > 0
        return HeatState(
            energy_j=self.start_j + self.power_w * run_ms // 1000,
            volume_ml=self.start_ml + self.flow_l_per_h * run_ms // 3600,
            power_w=self.power_w if running else 0,
            flow_l_per_h=self.flow_l_per_h if running else 0,
            flow_temperature_cc=self.flow_cc,
            return_temperature_cc=self.return_cc,
            on_time_s=run_ms // 1000,
        )


class SteadyWater:
    """A water source for a meter."""

    def __init__(self, seed: int | str) -> None:
        rng = Random(f"{seed}/water")  # noqa: S311
        self.flow_l_per_h = rng.randint(2, 40)
        self.start_ml = rng.randint(10**7, 10**9)

    def __call__(self, now_ms: int) -> WaterState:
        """The state at a UTC instant."""
        run_ms = _run_ms(now_ms)
        return WaterState(self.start_ml + self.flow_l_per_h * run_ms // 3600, self.flow_l_per_h)


class SteadyGas:
    """A gas source for a corrector: under pressure, converted to 20 degC and 101.325 kPa."""

    def __init__(self, seed: int | str) -> None:
        rng = Random(f"{seed}/gas")  # noqa: S311
        self.flow_l_per_h = rng.randint(20_000, 90_000)
        self.temperature_cc = rng.randint(500, 1_800)
        self.pressure_pa = rng.randint(102_000, 140_000)
        self.start_ml = rng.randint(10**9, 10**11)

    def __call__(self, now_ms: int) -> GasState:
        """The state at a UTC instant."""
        volume_ml = self.start_ml + self.flow_l_per_h * _run_ms(now_ms) // 3600
        return GasState(
            volume_ml,
            self.flow_l_per_h,
            self.temperature_cc,
            self.pressure_pa,
            self._standard(volume_ml),
            self._standard(self.flow_l_per_h),
        )

    def _standard(self, gross: int) -> int:
        above = gross * self.pressure_pa * STANDARD_TEMPERATURE_CC
        return above // (STANDARD_PRESSURE_PA * (self.temperature_cc + KELVIN_OFFSET_CC))


class SteadyElectricity:
    """A three-phase load for an electricity meter."""

    def __init__(self, seed: int | str) -> None:
        rng = Random(f"{seed}/electricity")  # noqa: S311
        self.voltage_dv = (
            rng.randint(2250, 2350),
            rng.randint(2250, 2350),
            rng.randint(2250, 2350),
        )
        self.current_ma = (rng.randint(500, 9000), rng.randint(500, 9000), rng.randint(500, 9000))
        self.permille = rng.randint(850, 980)
        self.start_j = rng.randint(10**9, 10**11)

    def __call__(self, now_ms: int) -> ElectricityState:
        """The state at a UTC instant."""
        first, second, third = (
            volts * amperes * self.permille // 1_000_000
            for volts, amperes in zip(self.voltage_dv, self.current_ma, strict=True)
        )
        total_dw = first + second + third
        return ElectricityState(
            import_j=self.start_j + total_dw * _run_ms(now_ms) // 10_000,
            export_j=0,
            voltage_dv=self.voltage_dv,
            current_ma=self.current_ma,
            power_dw=(first, second, third),
            reactive_dvar=(first // 4, second // 4, third // 4),
            frequency_chz=5000,
        )


class SteadyRoom:
    """A room for its sensor."""

    def __init__(self, seed: int | str) -> None:
        rng = Random(f"{seed}/room")  # noqa: S311
        self.state = RoomState(rng.randint(180, 230), rng.randint(200, 500))

    def __call__(self, _now_ms: int) -> RoomState:
        """The state at a UTC instant."""
        return self.state
