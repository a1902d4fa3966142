"""The tables of Modbus meters met in China's heating stations, one small table a model.

From the makers' documents, not from nuan's profiles; addresses as on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from nuan_emulator.meters.device import ElectricityState, GasState, HeatState
from nuan_emulator.meters.dlt645_registers import apparent_dva, factor_permille
from nuan_emulator.meters.modbus_table import ABSENT, Field, Model, Moment, Number

UTC_OFFSET_S = 8 * 3600
WATT_HOUR_J = 3_600
GIGAJOULE_J = 10**9
REGISTER_U32 = 2**32

Heat = Moment[HeatState]
Gas = Moment[GasState]
Electricity = Moment[ElectricityState]


def _heat(address: int, form: str, value: Callable[[Heat], Number]) -> Field[HeatState]:
    return Field(address, form, value)


def _gas(address: int, form: str, value: Callable[[Gas], Number]) -> Field[GasState]:
    return Field(address, form, value)


def _electric(
    address: int, form: str, value: Callable[[Electricity], Number]
) -> Field[ElectricityState]:
    return Field(address, form, value)


def _civil(at: Heat) -> datetime:
    return datetime.fromtimestamp(at.now_ms // 1000, UTC) + timedelta(seconds=UTC_OFFSET_S)


def _clock_word(high: str, low: str) -> Callable[[Heat], int]:
    return lambda at: int(_civil(at).strftime(high + low))


TUF2000_UNITS_J = {"GJ": (0, GIGAJOULE_J), "kcal": (1, 4_184), "kWh": (2, 3_600_000)}


def tuf2000(*, unit: str = "GJ", volume_n: int = 3, heat_n: int = 4) -> Model[HeatState]:
    """TUF-2000, Haifeng and Xianchao ultrasonic heat meters: low word first.

    Totals are (integer + fraction) x 10^(n-3) m3 for volume, x 10^(n-4) of the unit for heat.
    """
    code, unit_j = TUF2000_UNITS_J[unit]
    litre = Fraction(1, 1000)

    def volume(at: Heat) -> Fraction:
        return at.state.volume_ml * litre * litre / Fraction(10) ** (volume_n - 3)

    def heat(at: Heat) -> Fraction:
        return Fraction(at.state.energy_j, unit_j) / Fraction(10) ** (heat_n - 4)

    def whole(total: Callable[[Heat], Fraction]) -> Callable[[Heat], int]:
        return lambda at: total(at).__floor__()

    def rest(total: Callable[[Heat], Fraction]) -> Callable[[Heat], Fraction]:
        return lambda at: total(at) % 1

    fields: list[Field[HeatState]] = [
        _heat(0, "f32", lambda at: at.state.flow_l_per_h * litre),
        _heat(2, "f32", lambda at: Fraction(at.state.power_w * 3600, GIGAJOULE_J)),
        # A pipe of DN25 has about 1/566 m2: m3/h to m/s.
        _heat(4, "f32", lambda at: at.state.flow_l_per_h * litre * 566 / 3600),
        _heat(8, "i32", whole(volume)),
        _heat(10, "f32", rest(volume)),
        _heat(16, "i32", whole(heat)),
        _heat(18, "f32", rest(heat)),
        _heat(24, "i32", whole(volume)),
        _heat(26, "f32", rest(volume)),
        _heat(28, "i32", whole(heat)),
        _heat(30, "f32", rest(heat)),
        _heat(32, "f32", lambda at: Fraction(at.state.flow_temperature_cc, 100)),
        _heat(34, "f32", lambda at: Fraction(at.state.return_temperature_cc, 100)),
        _heat(52, "bcd4", _clock_word("%M", "%S")),
        _heat(53, "bcd4", _clock_word("%d", "%H")),
        _heat(54, "bcd4", _clock_word("%y", "%m")),
        _heat(71, "u16", lambda _: 0),
        _heat(91, "u16", lambda _: 90),
        _heat(104, "u32", lambda at: at.state.on_time_s),
        _heat(112, "f32", volume),
        _heat(114, "f32", volume),
        _heat(118, "f32", heat),
        _heat(120, "f32", heat),
        _heat(1437, "u16", lambda _: 0),
        _heat(1438, "u16", lambda _: volume_n),
        _heat(1439, "u16", lambda _: heat_n),
        _heat(1440, "u16", lambda _: code),
        _heat(1490, "u16", lambda _: 0b1001),
    ]
    return Model("TUF-2000", fields, low_word_first=True)


def _mag11() -> Model[HeatState]:
    def heat_wh(at: Heat) -> int:
        return at.state.energy_j // WATT_HOUR_J

    def since(form: str) -> Callable[[Heat], int]:
        def value(at: Heat) -> int:
            begin = datetime.strptime(_civil(at).strftime(form), form).replace(tzinfo=UTC)
            state = at.source(int(begin.timestamp() - UTC_OFFSET_S) * 1000)
            return heat_wh(at) - (0 if state is None else state.energy_j // WATT_HOUR_J)

        return value

    fields: list[Field[HeatState]] = [
        # Codes of the units in which it shows flow (m3/h) and power (kW).
        _heat(0x041, "u16", lambda _: 0x13),
        _heat(0x62D, "u16", lambda _: 0x7F),
        _heat(0x200, "u32", lambda at: at.state.volume_ml // 1000 // REGISTER_U32),
        _heat(0x202, "u32", lambda at: at.state.volume_ml // 1000 % REGISTER_U32),
        _heat(0x204, "u32", lambda at: heat_wh(at) // REGISTER_U32),
        _heat(0x206, "u32", lambda at: heat_wh(at) % REGISTER_U32),
        _heat(0x208, "u32", since("%Y-%m-%d")),
        _heat(0x20A, "u32", since("%Y-%m")),
        _heat(0x20C, "u32", since("%Y")),
        _heat(0x212, "u32", lambda at: at.state.cooling_j // WATT_HOUR_J // REGISTER_U32),
        _heat(0x214, "u32", lambda at: at.state.cooling_j // WATT_HOUR_J % REGISTER_U32),
        _heat(0x400, "f32", lambda at: Fraction(at.state.flow_l_per_h, 1000)),
        _heat(0x402, "f32", lambda at: Fraction(at.state.flow_temperature_cc, 100)),
        _heat(0x404, "f32", lambda at: Fraction(at.state.return_temperature_cc, 100)),
        _heat(0x406, "f32", lambda at: Fraction(_difference_cc(at.state), 100)),
        _heat(0x408, "f32", lambda at: Fraction(at.state.power_w, 1000)),
        _heat(0x500, "u16", lambda at: at.state.on_time_s // 3600 % 2**16),
        _heat(0x503, "u16", lambda _: 0),
    ]
    return Model("MAG-11", fields)


def _difference_cc(state: HeatState) -> int:
    return state.flow_temperature_cc - state.return_temperature_cc


MAG11 = _mag11()
"""2flow MAG-11; how its high and low halves combine is not documented: 2^32 is assumed."""

_KAMSTRUP: list[Field[HeatState]] = [
    _heat(0x0, "f32", lambda at: Fraction(at.state.flow_l_per_h)),
    _heat(0x2, "f32", lambda _: ABSENT),
    _heat(0x4, "f32", lambda at: Fraction(at.state.power_w, 1000)),
    _heat(0x6, "f32", lambda at: Fraction(at.state.flow_temperature_cc, 100)),
    _heat(0x8, "f32", lambda at: Fraction(at.state.return_temperature_cc, 100)),
    _heat(0xA, "f32", lambda _: ABSENT),
    _heat(0xC, "f32", lambda _: ABSENT),
]
KAMSTRUP_HC003_67 = Model("Kamstrup HC-003-67", _KAMSTRUP, functions=(3, 4))
"""MULTICAL 403, 603, 803 with the Modbus module: what isn't there reads FFFFFFFF."""


def _phases(
    address: int, step: Callable[[ElectricityState, int], Fraction]
) -> list[Field[ElectricityState]]:
    def value(phase: int) -> Callable[[Electricity], Fraction]:
        return lambda at: step(at.state, phase)

    return [Field(address + 2 * phase, "f32", value(phase)) for phase in range(3)]


_SDM630: list[Field[ElectricityState]] = [
    *_phases(0x00, lambda state, phase: Fraction(state.voltage_dv[phase], 10)),
    *_phases(0x06, lambda state, phase: Fraction(state.current_ma[phase], 1000)),
    *_phases(0x0C, lambda state, phase: Fraction(state.power_dw[phase], 10)),
    *_phases(0x12, lambda state, phase: Fraction(apparent_dva(state, phase), 10)),
    *_phases(0x18, lambda state, phase: Fraction(state.reactive_dvar[phase], 10)),
    *_phases(0x1E, lambda state, phase: Fraction(factor_permille(state, phase), 1000)),
    _electric(0x34, "f32", lambda at: Fraction(sum(at.state.power_dw), 10)),
    _electric(0x38, "f32", lambda at: Fraction(apparent_dva(at.state, None), 10)),
    _electric(0x3C, "f32", lambda at: Fraction(sum(at.state.reactive_dvar), 10)),
    _electric(0x3E, "f32", lambda at: Fraction(factor_permille(at.state, None), 1000)),
    _electric(0x46, "f32", lambda at: Fraction(at.state.frequency_chz, 100)),
    _electric(0x48, "f32", lambda at: Fraction(at.state.import_j // 3_600, 1000)),
    _electric(0x4A, "f32", lambda at: Fraction(at.state.export_j // 3_600, 1000)),
    _electric(
        0x156, "f32", lambda at: Fraction((at.state.import_j + at.state.export_j) // 3_600, 1000)
    ),
]
SDM630 = Model("Eastron SDM630", _SDM630, functions=(4,), registers_max=80)
"""Floats in whole units, high word first, by function 4 only; at most 40 numbers a request."""


def _words(
    address: int, form: str, step: int, value: Callable[[ElectricityState, int], int]
) -> list[Field[ElectricityState]]:
    def of(phase: int) -> Callable[[Electricity], int]:
        return lambda at: value(at.state, phase)

    return [Field(address + step * phase, form, of(phase)) for phase in range(3)]


_ADW300: list[Field[ElectricityState]] = [
    *_words(20, "u16", 1, lambda state, phase: state.voltage_dv[phase]),
    *_words(26, "u16", 1, lambda state, phase: state.current_ma[phase] // 10),
    *_words(30, "i32", 2, lambda state, phase: state.power_dw[phase] // 10),
    _electric(36, "i32", lambda at: sum(at.state.power_dw) // 10),
    _electric(62, "i32", lambda at: at.state.import_j // 36_000),
    _electric(64, "i32", lambda at: at.state.export_j // 36_000),
]
ADW300 = Model("Acrel ADW300", _ADW300)
"""0.1 V, 0.01 A, W and 0.01 kWh as whole numbers, high word first."""

_FUXIN: list[Field[GasState]] = [
    _gas(0x0A, "f32", lambda at: Fraction(at.state.volume_ml, 10**6)),
    _gas(0x0C, "f32", lambda at: Fraction(at.state.standard_volume_ml, 10**6)),
    _gas(0x0E, "f32", lambda _: 0),
    _gas(0x10, "f32", lambda at: Fraction(at.state.standard_flow_l_per_h, 1000)),
    _gas(0x12, "bcd12", lambda at: at.state.standard_volume_ml // 100),
    _gas(0x15, "f32", lambda at: Fraction(at.state.flow_l_per_h, 1000)),
    _gas(0x17, "bcd12", lambda at: at.state.volume_ml // 100),
    _gas(0x1A, "f32", lambda at: Fraction(at.state.temperature_cc, 100)),
    _gas(0x1C, "f32", lambda at: Fraction(at.state.pressure_pa, 1000)),
]
FUXIN_GAS = Model("Fuxin flow computer", _FUXIN, holes=None)
"""One block of 20 registers from 000A: floats, and both totals as 12 BCD digits of 0.0001 m3."""

_AOKE: list[Field[GasState]] = [
    _gas(0, "f32", lambda at: Fraction(at.state.temperature_cc, 100)),
    _gas(2, "f32", lambda at: Fraction(at.state.pressure_pa, 1000)),
    # Vortices come at one hertz for each cubic metre an hour here.
    _gas(4, "f32", lambda at: Fraction(at.state.flow_l_per_h, 1000)),
    _gas(6, "f32", lambda at: Fraction(at.state.standard_flow_l_per_h, 1000)),
    _gas(8, "f32", lambda at: at.state.standard_volume_ml // 10**8),
    _gas(10, "f32", lambda at: Fraction(at.state.standard_volume_ml % 10**8, 10**6)),
]
AOKE_VORTEX = Model("Aoke vortex meter", _AOKE, holes=None)
"""The total comes in two floats: hundreds of m3, and the rest."""
