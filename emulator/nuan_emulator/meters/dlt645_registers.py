"""What an electricity meter by DL/T 645 holds: each data identifier and the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from nuan_emulator.meters import dlt645_layout as form
from nuan_emulator.meters.device import ElectricityState
from nuan_emulator.meters.dlt645_layout import Form

ENERGY_STEP_J = 36_000
"""0.01 kWh."""
REGISTER_STEPS = 10**8
TARIFFS = 4
SETTLEMENTS = 12
DAILY_FREEZES = 62


class Moment(NamedTuple):
    """All a register can depend on: what is measured now, was settled, and the meter itself."""

    state: ElectricityState
    settled: Callable[[int], ElectricityState | None]
    """State at the n-th last settlement, from 1."""
    frozen: Callable[[int], tuple[datetime, ElectricityState | None]]
    """Civil time and state of the n-th last midnight, from 1."""
    tariff_permille: Sequence[int]
    start_register: int
    clock: datetime
    demand: tuple[int, datetime]
    """Highest power in tenths of a watt, and when."""
    address: int

    def imported(self, tariff: int, back: int = 0) -> int:
        """Forward active energy in 0.01 kWh; tariff 0 is the total."""
        return self.imported_in(self.settled(back) if back else self.state, tariff)

    def exported(self, tariff: int, back: int = 0) -> int:
        """Reverse active energy in 0.01 kWh."""
        return self.exported_in(self.settled(back) if back else self.state, tariff)

    def imported_in(self, state: ElectricityState | None, tariff: int) -> int:
        """Forward active energy of any state; zero for none."""
        steps = 0 if state is None else state.import_j // ENERGY_STEP_J + self.start_register
        return _share(steps, tariff, self.tariff_permille)

    def exported_in(self, state: ElectricityState | None, tariff: int) -> int:
        """Reverse active energy of any state; zero for none."""
        steps = 0 if state is None else state.export_j // ENERGY_STEP_J
        return _share(steps, tariff, self.tariff_permille)


def _share(steps: int, tariff: int, permille: Sequence[int]) -> int:
    """A tariff's part of a total; the last one takes what rounding left over."""
    parts = [steps * each // 1000 for each in permille]
    parts[-1] = steps - sum(parts[:-1])
    return (steps if tariff == 0 else parts[tariff - 1]) % REGISTER_STEPS


Number = tuple[Form, int]
Value = Callable[[Moment], Sequence[Number]]


def _energy(direction: str, tariff: int, back: int = 0) -> Value:
    def value(at: Moment) -> Sequence[Number]:
        both = {
            "imported": at.imported(tariff, back),
            "exported": at.exported(tariff, back),
        }
        amount = sum(both.values()) if direction == "combined" else both[direction]
        return ((form.ENERGY, amount % REGISTER_STEPS),)

    return value


def _phase(form_of: Form, pick: Callable[[ElectricityState], int]) -> Value:
    return lambda at: ((form_of, pick(at.state)),)


def apparent_dva(state: ElectricityState, phase: int | None) -> int:
    """Apparent power in tenths of a volt-ampere; None is the sum of the phases."""
    # Tenths of a volt times milliamperes are tenths of a millivolt-ampere.
    phases = [v * abs(i) // 1000 for v, i in zip(state.voltage_dv, state.current_ma, strict=True)]
    return sum(phases) if phase is None else phases[phase]


def factor_permille(state: ElectricityState, phase: int | None) -> int:
    """Power factor in thousandths, with the power's sign; 1000 without a load."""
    apparent = apparent_dva(state, phase)
    power = sum(state.power_dw) if phase is None else state.power_dw[phase]
    permille = min(1000, abs(power) * 1000 // apparent) if apparent else 1000
    return -permille if power < 0 else permille


def _demand(at: Moment) -> Sequence[Number]:
    power_dw, when = at.demand
    return (form.POWER_UNSIGNED, power_dw), (form.DEMAND_TIME, int(when.strftime("%y%m%d%H%M")))


def _weekday(at: datetime) -> int:
    """0 is Sunday."""
    return at.isoweekday() % 7


def _date(at: Moment) -> Sequence[Number]:
    day = at.clock
    return ((form.DATE_AND_WEEKDAY, int(f"{day:%y%m%d}") * 100 + _weekday(day)),)


def _time(at: Moment) -> Sequence[Number]:
    return ((form.TIME, int(f"{at.clock:%H%M%S}")),)


def _address(at: Moment) -> Sequence[Number]:
    return ((form.ADDRESS, at.address),)


def _frozen_time(ago: int) -> Value:
    return lambda at: ((form.DEMAND_TIME, int(at.frozen(ago)[0].strftime("%y%m%d%H%M"))),)


def _frozen_energy(ago: int, tariff: int, *, exported: bool) -> Value:
    def value(at: Moment) -> Sequence[Number]:
        state = at.frozen(ago)[1]
        read = at.exported_in if exported else at.imported_in
        return ((form.ENERGY, read(state, tariff)),)

    return value


def _phases(
    form_of: Form, pick: Callable[[ElectricityState, int | None], int], *, total: bool
) -> list[Value]:
    def value(phase: int | None) -> Value:
        return _phase(form_of, lambda state: pick(state, phase))

    first = [value(None)] if total else []
    return first + [value(phase) for phase in range(3)]


def _power(state: ElectricityState, phase: int | None) -> int:
    return sum(state.power_dw) if phase is None else state.power_dw[phase]


def _reactive(state: ElectricityState, phase: int | None) -> int:
    return sum(state.reactive_dvar) if phase is None else state.reactive_dvar[phase]


def _voltage(state: ElectricityState, phase: int | None) -> int:
    return state.voltage_dv[phase or 0]


def _current(state: ElectricityState, phase: int | None) -> int:
    return state.current_ma[phase or 0]


def registers_2007() -> dict[int, Sequence[Value]]:
    """Identifier DI3 DI2 DI1 DI0 to its numbers; FF in one place names the whole block."""
    table: dict[int, Sequence[Value]] = {}
    directions = {0x0000_0000: "combined", 0x0001_0000: "imported", 0x0002_0000: "exported"}
    for base, direction in directions.items():
        for back in range(SETTLEMENTS + 1):
            tariffs = [_energy(direction, tariff, back) for tariff in range(TARIFFS + 1)]
            _block(table, base | back, tariffs, first=0)
        for tariff in range(TARIFFS + 1):
            every = [_energy(direction, tariff, back) for back in range(SETTLEMENTS + 1)]
            table[base | tariff << 8 | 0xFF] = every
    table[0x0101_0000] = [_demand]
    _block(table, 0x0201_0000, _phases(form.VOLTAGE, _voltage, total=False), first=1)
    _block(table, 0x0202_0000, _phases(form.CURRENT, _current, total=False), first=1)
    _block(table, 0x0203_0000, _phases(form.POWER, _power, total=True), first=0)
    _block(table, 0x0204_0000, _phases(form.POWER, _reactive, total=True), first=0)
    _block(table, 0x0205_0000, _phases(form.POWER, apparent_dva, total=True), first=0)
    _block(table, 0x0206_0000, _phases(form.FACTOR, factor_permille, total=True), first=0)
    table[0x0280_0002] = [_phase(form.FREQUENCY, lambda state: state.frequency_chz)]
    table[0x0400_0101] = [_date]
    table[0x0400_0102] = [_time]
    table[0x0400_0401] = [_address]
    status: list[Value] = [lambda _: ((form.STATUS_WORD, 0),)]
    for word in range(1, 8):
        table[0x0400_0500 | word] = status
    table[0x0400_05FF] = status * 7
    for ago in range(1, DAILY_FREEZES + 1):
        table[0x0506_0000 | ago] = [_frozen_time(ago)]
        for kind, exported in ((1, False), (2, True)):
            energies = [_frozen_energy(ago, t, exported=exported) for t in range(TARIFFS + 1)]
            table[0x0506_0000 | kind << 8 | ago] = energies
    return table


def _block(table: dict[int, Sequence[Value]], base: int, values: list[Value], first: int) -> None:
    """Numbers DI1 = first, first + 1, ... of a base, and all of them at DI1 = FF."""
    for offset, value in enumerate(values):
        table[base | (first + offset) << 8] = [value]
    table[base | 0xFF00] = values


def registers_1997() -> dict[int, Sequence[Value]]:
    """Identifier DI1 DI0 to its numbers; F in the last place names the whole block."""
    imported = [_energy("imported", tariff) for tariff in range(TARIFFS + 1)]
    exported = [_energy("exported", tariff) for tariff in range(TARIFFS + 1)]
    table: dict[int, Sequence[Value]] = {}
    _block_1997(table, 0x9010, imported, first=0)
    _block_1997(table, 0x9020, exported, first=0)
    # Whole volts and hundredths of an ampere.
    volts = _phases(form.VOLTAGE, lambda s, p: _voltage(s, p) // 10, total=False)
    amperes = _phases(form.CURRENT_1997, lambda s, p: _current(s, p) // 10, total=False)
    kilowatts = _phases(form.POWER_UNSIGNED, lambda s, p: abs(_power(s, p)), total=True)
    kilovars = _phases(form.REACTIVE_1997, lambda s, p: abs(_reactive(s, p)) // 100, total=True)
    factors = _phases(Form(2), lambda s, p: abs(factor_permille(s, p)), total=True)
    _block_1997(table, 0xB610, volts, first=1)
    _block_1997(table, 0xB620, amperes, first=1)
    _block_1997(table, 0xB630, kilowatts, first=0)
    _block_1997(table, 0xB640, kilovars, first=0)
    _block_1997(table, 0xB650, factors, first=0)
    table[0xC010] = [_date]
    table[0xC011] = [_time]
    table[0xC032] = [_address]
    return table


def _block_1997(
    table: dict[int, Sequence[Value]], base: int, values: list[Value], first: int
) -> None:
    for offset, value in enumerate(values):
        table[base | first + offset] = [value]
    table[base | 0x0F] = values


def packed(numbers: Sequence[Number]) -> bytes:
    """The numbers one behind the other, as their forms say; too large ones at their limit."""
    return b"".join(
        bytes(form_of.layout().build(form_of.clamped(value))) for form_of, value in numbers
    )
