"""M-Bus heat and gas meters: which records they send, in which unit and width."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from nuan_emulator.meters.device import GasSource, HeatSource
from nuan_emulator.meters.mbus_layout import Header, RecordKind
from nuan_emulator.meters.mbus_slave import MBusSlave, Traits

REGISTER_STEPS = 10**8
"""Registers show eight digits and begin again at zero."""

MEDIUM_GAS = 0x03
MEDIUM_HEAT_RETURN = 0x04
"""Heat, volume measured in the return pipe."""
MEDIUM_HEAT_FLOW = 0x0C
"""Heat, volume measured in the flow pipe."""

GAS_STEP_ML = 10_000


class EnergyUnit(NamedTuple):
    """The value information block of a heat register and the joules of one step."""

    vib: bytes
    step_j: int


ENERGY_UNITS: Mapping[str, EnergyUnit] = {
    "1 Wh": EnergyUnit(b"\x03", 3_600),
    "0.01 kWh": EnergyUnit(b"\x04", 36_000),
    "0.1 kWh": EnergyUnit(b"\x05", 360_000),
    "1 kWh": EnergyUnit(b"\x06", 3_600_000),
    "10 kWh": EnergyUnit(b"\x07", 36_000_000),
    "0.1 MWh": EnergyUnit(b"\xfb\x00", 360_000_000),
    "1 MJ": EnergyUnit(b"\x0e", 1_000_000),
    "0.001 GJ": EnergyUnit(b"\x0e", 1_000_000),
    "0.01 GJ": EnergyUnit(b"\x0f", 10_000_000),
    "0.1 GJ": EnergyUnit(b"\xfb\x08", 100_000_000),
}
"""EN 13757-3 tables 10 and 14: 10^(n-3) Wh, 10^n J, and the extension's MWh and GJ."""


def civil_stamp(now_ms: int, utc_offset_s: int) -> int:
    """Type F, 32 bits: minute, hour, day, year and month of the meter's own clock."""
    at = datetime.fromtimestamp(now_ms // 1000, UTC) + timedelta(seconds=utc_offset_s)
    year = at.year % 100
    first = at.minute | at.hour << 8
    last = (at.day | (year & 7) << 5) | (at.month | (year >> 3) << 4) << 8
    return first | last << 16


def civil_day(day: date) -> int:
    """Type G, 16 bits: day, year and month."""
    year = day.year % 100
    return (day.day | (year & 7) << 5) | (day.month | (year >> 3) << 4) << 8


class MBusHeatMeter(MBusSlave):
    """A heat meter by EN 1434: energy, volume, on time, temperatures, power, flow, clock, due day.

    The energy register is floor(true joules / joules of a step) plus `start_register`.
    With `two_telegrams` the clock and the due-day registers come in a second telegram.
    """

    def __init__(
        self,
        serial: str,
        address: int,
        source: HeatSource,
        *,
        unit: str = "1 kWh",
        coding: str = "bcd8",
        manufacturer: str | int = "NUA",
        version: int = 1,
        medium: int = MEDIUM_HEAT_RETURN,
        start_register: int = 0,
        start_volume_ml: int = 0,
        large_pipe: bool = False,
        two_telegrams: bool = False,
        utc_offset_s: int = 8 * 3600,
        traits: Traits | None = None,
    ) -> None:
        """`large_pipe`: power in 100 W and volume in 0.1 m3, as building meters show them."""
        if unit not in ENERGY_UNITS:
            raise ValueError(f"unknown energy unit {unit!r}: one of {', '.join(ENERGY_UNITS)}")
        self._source = source
        self._step_j = ENERGY_UNITS[unit].step_j
        self._volume_step_ml = 100_000 if large_pipe else 10_000
        self._power_step_w = 100 if large_pipe else 1
        self._start_register = start_register
        self._start_volume_ml = start_volume_ml
        self._utc_offset_s = utc_offset_s
        vib = ENERGY_UNITS[unit].vib
        main = [
            RecordKind("energy", coding, vib),
            RecordKind("volume", coding, b"\x15" if large_pipe else b"\x14"),
            RecordKind("on_time_h", "int32", b"\x22"),
            RecordKind("flow_temperature", "int16", b"\x59"),
            RecordKind("return_temperature", "int16", b"\x5d"),
            RecordKind("temperature_difference", "int16", b"\x61"),
            RecordKind("power", "int32", b"\x2d" if large_pipe else b"\x2b"),
            RecordKind("volume_flow", "int32", b"\x3b"),
        ]
        due = [
            RecordKind("clock", "type_f", b"\x6d"),
            RecordKind("due_energy", coding, vib, storage=1),
            RecordKind("due_day", "type_g", b"\x6c", storage=1),
        ]
        super().__init__(
            address,
            Header(serial, manufacturer, version, medium),
            [main, due] if two_telegrams else [main + due],
            traits,
        )

    def register(self, energy_j: int) -> int:
        """What the energy register shows after `energy_j` joules."""
        return (energy_j // self._step_j + self._start_register) % REGISTER_STEPS

    def values(self, now_ms: int) -> Mapping[str, object] | None:
        """Every record by name in the steps its VIF says."""
        state = self._source(now_ms)
        if state is None:
            return None
        volume_ml = state.volume_ml + self._start_volume_ml
        due_energy, due_day = 0, 0xFFFF
        if state.settlement is not None:
            due_energy = self.register(state.settlement.energy_j)
            due_day = civil_day(state.settlement.day)
        return {
            "status": 0,
            "energy": self.register(state.energy_j),
            "volume": volume_ml // self._volume_step_ml % REGISTER_STEPS,
            "on_time_h": state.on_time_s // 3600,
            "flow_temperature": state.flow_temperature_cc,
            "return_temperature": state.return_temperature_cc,
            "temperature_difference": state.flow_temperature_cc - state.return_temperature_cc,
            "power": state.power_w // self._power_step_w,
            "volume_flow": state.flow_l_per_h,
            "clock": civil_stamp(now_ms, self._utc_offset_s),
            "due_energy": due_energy,
            "due_day": due_day,
        }


class MBusGasMeter(MBusSlave):
    """A gas meter with an M-Bus encoder: volume in 0.01 m3, flow and clock."""

    def __init__(
        self,
        serial: str,
        address: int,
        source: GasSource,
        *,
        manufacturer: str | int = "NUA",
        version: int = 1,
        start_register: int = 0,
        utc_offset_s: int = 8 * 3600,
        traits: Traits | None = None,
    ) -> None:
        """`start_register`: what the meter showed before the run, in 0.01 m3."""
        self._source = source
        self._start_register = start_register
        self._utc_offset_s = utc_offset_s
        kinds = [
            RecordKind("volume", "bcd8", b"\x14"),
            RecordKind("volume_flow", "int32", b"\x3b"),
            RecordKind("clock", "type_f", b"\x6d"),
        ]
        super().__init__(
            address, Header(serial, manufacturer, version, MEDIUM_GAS), [kinds], traits
        )

    def register(self, volume_ml: int) -> int:
        """What the volume register shows after `volume_ml` millilitres."""
        return (volume_ml // GAS_STEP_ML + self._start_register) % REGISTER_STEPS

    def values(self, now_ms: int) -> Mapping[str, object] | None:
        """Every record by name in the steps its VIF says."""
        state = self._source(now_ms)
        if state is None:
            return None
        return {
            "status": 0,
            "volume": self.register(state.volume_ml),
            "volume_flow": state.flow_l_per_h,
            "clock": civil_stamp(now_ms, self._utc_offset_s),
        }
