"""Modbus devices: the DTSU666 electricity meter and an SHT20 / XY-MD02 room sensor."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from pymodbus.simulator import DataType, SimData

from nuan_emulator.meters.device import ElectricitySource, ElectricityState, RoomSource
from nuan_emulator.meters.modbus_slave import ModbusSlave

DTSU666_CONFIGURATION = 0x0000
DTSU666_MEASURED = 0x2000
DTSU666_MEASURED_COUNT = 0x46
DTSU666_ENERGY = 0x101E
DTSU666_ENERGY_COUNT = 0x14
DTSU666_STEP_J = 36_000
"""The energy registers move in steps of 0.01 kWh."""
DTSU666_ROLLOVER_STEPS = 10**8

SENSOR_TEMPERATURE = 1
SENSOR_SETTINGS = 0x0101


def _measured(state: ElectricityState) -> dict[int, float]:
    """Chint's floats by register: 0.1 V, 0.001 A, 0.1 W, 0.1 var, 0.001 and 0.01 Hz."""
    total_w, total_var = sum(state.power_dw), sum(state.reactive_dvar)
    values: dict[int, float] = {0x2012: total_w, 0x201A: total_var, 0x2044: state.frequency_chz}
    for phase in range(3):
        voltage_dv = state.voltage_dv[phase]
        # Line-to-line: sqrt(3) as a ratio, the meter shows tenths of a volt anyway.
        values[0x2000 + 2 * phase] = voltage_dv * 1732 // 1000
        values[0x2006 + 2 * phase] = voltage_dv
        values[0x200C + 2 * phase] = state.current_ma[phase]
        values[0x2014 + 2 * phase] = state.power_dw[phase]
        values[0x201C + 2 * phase] = state.reactive_dvar[phase]
        apparent_uva = voltage_dv * state.current_ma[phase]
        values[0x202C + 2 * phase] = _power_factor(state.power_dw[phase], apparent_uva)
    apparent = sum(v * i for v, i in zip(state.voltage_dv, state.current_ma, strict=True))
    values[0x202A] = _power_factor(total_w, apparent)
    return values


def _power_factor(power_dw: int, apparent_uva: int) -> int:
    """Thousandths; `apparent_uva` is tenths of a volt times milliamperes."""
    return min(1000, power_dw * 1_000_000 // apparent_uva) if apparent_uva else 1000


class Dtsu666(ModbusSlave):
    """Chint's three-phase DTSU666: floats, high word first; import 101E, export 1028 in kWh.

    The energy is floor(joules / 36000) hundredths of a kWh plus `start_register`.
    """

    def __init__(
        self, serial: str, address: int, source: ElectricitySource, *, start_register: int = 0
    ) -> None:
        """`start_register`: what the import register showed before the run, in 0.01 kWh."""
        self.serial = serial
        self._source = source
        self._start_register = start_register
        configuration = [0x0200, 0x02BC, 0, 0, 0, 0, 1, 10] + [0] * 0x28
        super().__init__(
            address,
            [
                SimData(DTSU666_CONFIGURATION, values=configuration, datatype=DataType.REGISTERS),
                SimData(
                    DTSU666_ENERGY,
                    values=[0] * DTSU666_ENERGY_COUNT,
                    datatype=DataType.REGISTERS,
                    readonly=True,
                ),
                SimData(
                    DTSU666_MEASURED,
                    values=[0] * DTSU666_MEASURED_COUNT,
                    datatype=DataType.REGISTERS,
                    readonly=True,
                ),
            ],
            measured_function=3,
        )

    def register(self, energy_j: int) -> int:
        """What the import register shows after `energy_j` joules, in 0.01 kWh."""
        return (energy_j // DTSU666_STEP_J + self._start_register) % DTSU666_ROLLOVER_STEPS

    def measured(self, now_ms: int) -> Mapping[int, int] | None:
        """Measured values and energies as floats, high word first."""
        state = self._source(now_ms)
        if state is None:
            return None
        values = _measured(state)
        values[0x101E] = self.register(state.import_j) / 100
        values[0x1028] = state.export_j // DTSU666_STEP_J / 100
        values[0x1026] = values[0x101E] - values[0x1028]
        image: dict[int, int] = {}
        for address, value in values.items():
            image[address], image[address + 1] = struct.unpack(">HH", struct.pack(">f", value))
        return image


class RoomSensor(ModbusSlave):
    """An SHT20 / XY-MD02 sensor: input registers 1 (0.1 degC, signed) and 2 (0.1 % humidity)."""

    def __init__(self, serial: str, address: int, source: RoomSource) -> None:
        """`source` gives the room's state, None while the sensor is dead."""
        self.serial = serial
        self._source = source
        settings = [address, 9600, 0, 0]
        inputs = [SimData(SENSOR_TEMPERATURE, values=[0, 0], datatype=DataType.REGISTERS)]
        holding = [SimData(SENSOR_SETTINGS, values=settings, datatype=DataType.REGISTERS)]
        coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        discrete = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        super().__init__(address, (coils, discrete, holding, inputs), measured_function=4)

    def measured(self, now_ms: int) -> Mapping[int, int] | None:
        """Temperature and humidity; the other blocks keep what was written to them."""
        state = self._source(now_ms)
        if state is None:
            return None
        return {
            SENSOR_TEMPERATURE: state.temperature_dc & 0xFFFF,
            SENSOR_TEMPERATURE + 1: state.humidity_permille,
        }
