"""Modbus devices: the DTSU666 electricity meter and an SHT20 / XY-MD02 room sensor."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from pymodbus.simulator import DataType, SimData

from nuan_emulator.meters.device import ElectricitySource, ElectricityState, RoomSource
from nuan_emulator.meters.modbus_slave import ModbusSlave, RegisterBlock

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


def _measured(state: ElectricityState) -> list[int]:
    """Registers 2000h on, Chint's floats: 0.1 V, 0.001 A, 0.1 W, 0.1 var, 0.001 and 0.01 Hz."""
    voltages, currents = state.voltage_dv, state.current_ma
    apparent = [v * i for v, i in zip(voltages, currents, strict=True)]
    # Line-to-line: sqrt(3) as a ratio, the meter shows tenths of a volt anyway.
    line_to_line = [v * 1732 // 1000 for v in voltages]
    factors = [_power_factor(p, a) for p, a in zip(state.power_dw, apparent, strict=True)]
    active, reactive = sum(state.power_dw), sum(state.reactive_dvar)
    values: list[float] = [0] * (DTSU666_MEASURED_COUNT // 2)
    values[0:3] = line_to_line
    values[3:6] = voltages
    values[6:9] = currents
    values[9:13] = (active, *state.power_dw)
    values[13:17] = (reactive, *state.reactive_dvar)
    values[21:25] = (_power_factor(active, sum(apparent)), *factors)
    values[34] = state.frequency_chz
    return _words(values)


def _words(values: Sequence[float]) -> list[int]:
    """Floats as registers, high word first."""
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


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
            measured_functions=(3,),
        )

    def register(self, energy_j: int) -> int:
        """What the import register shows after `energy_j` joules, in 0.01 kWh."""
        return (energy_j // DTSU666_STEP_J + self._start_register) % DTSU666_ROLLOVER_STEPS

    def measured(self, now_ms: int) -> Sequence[RegisterBlock] | None:
        """Measured values and energies."""
        state = self._source(now_ms)
        if state is None:
            return None
        imported = self.register(state.import_j) / 100
        exported = state.export_j // DTSU666_STEP_J / 100
        # Import, its three phases (not kept apart here), net, export.
        energies = _words((imported, 0, 0, 0, imported - exported, exported))
        return (DTSU666_ENERGY, energies), (DTSU666_MEASURED, _measured(state))


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
        super().__init__(address, (coils, discrete, holding, inputs), measured_functions=(4,))

    def measured(self, now_ms: int) -> Sequence[RegisterBlock] | None:
        """Temperature and humidity; the other blocks keep what was written to them."""
        state = self._source(now_ms)
        if state is None:
            return None
        return ((SENSOR_TEMPERATURE, (state.temperature_dc & 0xFFFF, state.humidity_permille)),)
