"""CJ/T 188 meters for heat, cooling, both, water and gas: states turned into their registers."""

from __future__ import annotations

from collections.abc import Mapping

from nuan_emulator.meters.cjt188_layout import (
    ENERGY_UNITS_J,
    FLOW_UNITS_L_PER_H,
    NO_VALUE,
    POWER_UNITS_W,
    TYPE_COOLING,
    TYPE_GAS,
    TYPE_HEAT,
    TYPE_HEAT_AND_COOLING,
    TYPE_WATER,
    VOLUME_UNITS_ML,
    Dialect,
    heat_layout,
    parts_layout,
    volume_layout,
)
from nuan_emulator.meters.cjt188_slave import Cjt188Slave, Station
from nuan_emulator.meters.declare import Layout
from nuan_emulator.meters.device import GasSource, GasState, HeatSource, WaterSource, WaterState

REGISTER_STEPS = 10**8
"""Eight digits, then from zero again."""
HUNDREDTHS = 100
FLOW_FRACTIONS = 10_000
"""Flow has four decimals, everything else two."""
HOURS_STEPS = 10**6
SHORT_TEMPERATURE_TAIL = 0x9A
"""The third byte of a short temperature is no BCD and means nothing."""

WATER_DEGREES = 12
"""What the one maker's meter with a thermometer shows."""

HEAT_TYPES = {"heat": TYPE_HEAT, "cooling": TYPE_COOLING, "both": TYPE_HEAT_AND_COOLING}


def _parts(dialect: Dialect, parts: int = HUNDREDTHS) -> int:
    """Steps of one unit."""
    return 1 if dialect.whole else parts


class Cjt188HeatMeter(Cjt188Slave):
    """A heat meter (T = 20), cooling meter (21), or one for both (22): answer of 46 bytes.

    The energy register is floor(true joules / joules of 0.01 unit) plus `start_register`. It is
    latched at every civil month's beginning, by asking the source for that instant.
    """

    def __init__(
        self, station: Station, source: HeatSource, *, kind: str = "heat", start_register: int = 0
    ) -> None:
        """`kind`: "heat", "cooling" or "both"; `start_register` in hundredths of its unit."""
        if kind not in HEAT_TYPES:
            raise ValueError(f"kind {kind!r} is none of {', '.join(HEAT_TYPES)}")
        super().__init__(HEAT_TYPES[kind], station)
        self.source = source
        self._start_register = start_register

    def register(self, energy_j: int) -> int:
        """What the energy register shows after `energy_j` joules, in hundredths of its unit."""
        dialect = self.station.dialect
        _, unit_j = ENERGY_UNITS_J[dialect.energy_unit]
        return (energy_j * _parts(dialect) // unit_j + self._start_register) % REGISTER_STEPS

    def settled(self, months_ago: int, now_ms: int) -> tuple[int, int]:
        """The energy register at a settlement; zero before there was any."""
        state = self.source(self.clock.settlement_ms(months_ago, now_ms))
        code, _ = ENERGY_UNITS_J[self.station.dialect.energy_unit]
        return (0 if state is None else self.register(state.energy_j)), code

    def current(self, now_ms: int) -> tuple[Layout, Mapping[str, object]] | None:
        """The ten fields of 901F, in the dialect's units."""
        state = self.source(now_ms)
        if state is None:
            return None
        dialect = self.station.dialect
        energy_code, energy_j = ENERGY_UNITS_J[dialect.energy_unit]
        power_code, power_w = POWER_UNITS_W[dialect.power_unit]
        flow_code, flow_l_per_h = FLOW_UNITS_L_PER_H[dialect.flow_unit]
        volume_code, volume_ml = VOLUME_UNITS_ML[dialect.volume_unit]
        if dialect.cooling_first:
            first = state.cooling_j * _parts(dialect) // energy_j % REGISTER_STEPS
        elif state.settlement is not None:
            first = self.register(state.settlement.energy_j)
        else:
            first, _ = self.settled(0, now_ms)
        values: dict[str, object] = {
            "settled": first,
            "settled_unit": energy_code,
            "energy": self.register(state.energy_j),
            "energy_unit": energy_code,
            "power": max(0, state.power_w) * _parts(dialect) // power_w % REGISTER_STEPS,
            "power_unit": power_code if dialect.power_code is None else dialect.power_code,
            "flow": max(0, state.flow_l_per_h)
            * _parts(dialect, FLOW_FRACTIONS)
            // flow_l_per_h
            % REGISTER_STEPS,
            "flow_unit": flow_code,
            "volume": state.volume_ml * _parts(dialect) // volume_ml % REGISTER_STEPS,
            "volume_unit": volume_code,
            # The standard has no sign: such meters show zero below zero.
            "flow_temperature": max(0, state.flow_temperature_cc),
            "return_temperature": max(0, state.return_temperature_cc),
            "flow_temperature_tail": SHORT_TEMPERATURE_TAIL,
            "return_temperature_tail": SHORT_TEMPERATURE_TAIL,
            "hours": state.on_time_s // 3600 % HOURS_STEPS,
        }
        values |= dict.fromkeys(dialect.missing, NO_VALUE)
        return heat_layout(dialect), values


class _VolumeMeter(Cjt188Slave):
    """What water and gas meters have in common: answer of 22 bytes."""

    def __init__(
        self,
        meter_type: int,
        station: Station,
        source: WaterSource | GasSource,
        start_register: int,
    ) -> None:
        super().__init__(meter_type, station)
        self.source = source
        self._start_register = start_register

    def register(self, volume_ml: int) -> int:
        """What the register shows after `volume_ml` millilitres, in hundredths of its unit."""
        dialect = self.station.dialect
        _, unit_ml = VOLUME_UNITS_ML[dialect.volume_unit]
        return (volume_ml * _parts(dialect) // unit_ml + self._start_register) % REGISTER_STEPS

    def settled(self, months_ago: int, now_ms: int) -> tuple[int, int]:
        """The volume register at a settlement; zero before there was any."""
        state = self.source(self.clock.settlement_ms(months_ago, now_ms))
        code, _ = VOLUME_UNITS_ML[self.station.dialect.volume_unit]
        return (0 if state is None else self.register(state.volume_ml)), code

    def current(self, now_ms: int) -> tuple[Layout, Mapping[str, object]] | None:
        """Volume and settled volume."""
        state = self.source(now_ms)
        if state is None:
            return None
        if self.station.dialect.volume_in_parts:
            return parts_layout, self._in_parts(state, now_ms)
        settled, code = self.settled(0, now_ms)
        values: dict[str, object] = {
            "volume": self.register(state.volume_ml),
            "volume_unit": code,
            "settled": settled,
            "settled_unit": code,
        }
        values |= dict.fromkeys(self.station.dialect.missing & values.keys(), NO_VALUE)
        return volume_layout(self.station.dialect), values

    def _in_parts(self, state: WaterState | GasState, now_ms: int) -> Mapping[str, object]:
        shown = self.clock.shows(now_ms)
        return {
            "volume": state.volume_ml // 10**6 % REGISTER_STEPS,
            "millionths": state.volume_ml % 10**6,
            "flow": state.flow_l_per_h % 10**6,
            "temperature": WATER_DEGREES,
            "time": int(shown.strftime("%H%M%S")),
            "date": int(shown.strftime("%y%m%d")),
        }


class Cjt188WaterMeter(_VolumeMeter):
    """A water meter: cold (T = 10), hot (11), drinking (12) or reclaimed (13)."""

    def __init__(
        self,
        station: Station,
        source: WaterSource,
        *,
        meter_type: int = TYPE_WATER,
        start_register: int = 0,
    ) -> None:
        """`start_register` in hundredths of the dialect's volume unit."""
        super().__init__(meter_type, station, source, start_register)


class Cjt188GasMeter(_VolumeMeter):
    """A gas meter (T = 30), which sends what a water meter does."""

    def __init__(self, station: Station, source: GasSource, *, start_register: int = 0) -> None:
        """`start_register` in hundredths of the dialect's volume unit."""
        super().__init__(TYPE_GAS, station, source, start_register)
