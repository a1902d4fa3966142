"""From two register readings to a quantity of heat, exactly, in the meter's own unit.

Rule "nearest": the reading closest in time to a period's boundary stands for the boundary; of two
equally close the earlier; valid ones only, within a tolerance. The same reading closes one period
and opens the next, so nothing is billed twice or never.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from nuan_gateway.billing.decimals import exact_text, rounded_text, scaled
from nuan_gateway.billing.problem import Place, Problem, Source

READING_RULE = "nearest"
TOLERANCE_S_DEFAULT = 24 * 3600
CLOCK_QUALITY_MIN = 1
HEAT_KWH_DIGITS = 6

HEAT_UNITS = ("Wh", "J")
EnergyUnit = Literal["kWh", "GJ"]
JOULES_PER = {"Wh": 3600, "J": 1, "kWh": 3_600_000, "GJ": 1_000_000_000}


@dataclass(frozen=True)
class Worth:
    """What one of a maker's own units is worth: exactly `factor` of a unit everybody knows."""

    factor: Fraction
    unit: str

    def document(self) -> dict[str, str]:
        """Return the JSON form used in statements."""
        return {"factor": exact_text(self.factor), "unit": self.unit}


@dataclass(frozen=True)
class Register:
    """One reading of a billing register: integer * 10**exponent in `unit`, at `time` (UTC s).

    `serial` is the meter's number as the telegram states it (M-Bus: the last eight digits of the
    number on the meter), None where the protocol has none. `worth` is None unless the unit is of
    the meter model's own making.
    """

    time: int
    clock: int
    integer: int
    exponent: int
    unit: str
    serial: str | None
    source: Source
    worth: Worth | None = None

    @property
    def value(self) -> Fraction:
        """The register's value in its own unit, exact."""
        return scaled(self.integer, self.exponent)

    def common(self, value: Fraction) -> tuple[Fraction, str]:
        """Return a quantity in this register's unit, exactly, in a unit everybody knows."""
        if self.worth is None:
            return value, self.unit
        return value * self.worth.factor, self.worth.unit

    def document(self) -> dict[str, object]:
        """Return the JSON form used in statements."""
        worth = {} if self.worth is None else {"worth": self.worth.document()}
        return {
            "time": self.time,
            "clock": self.clock,
            "value": exact_text(self.value),
            "integer": self.integer,
            "exponent": self.exponent,
            "unit": self.unit,
            **worth,
            "entry": self.source.document(),
        }


@dataclass(frozen=True)
class Heat:
    """A quantity of energy in the unit it was measured in, or that its own is counted in.

    That is "Wh" or "J".
    """

    value: Fraction
    unit: str

    @property
    def joules(self) -> Fraction:
        """The common measure for comparison and for flats plus loss; never a billing quantity."""
        return self.value * JOULES_PER[self.unit]

    def in_unit(self, unit: EnergyUnit) -> Fraction:
        """Return the exact quantity in a tariff's unit; a price is never converted."""
        return self.joules * Fraction(1, JOULES_PER[unit])

    @property
    def kwh_text(self) -> str:
        """Kilowatt hours as decimal text: exact where decimals end, else half up to 6 digits."""
        return kwh_text(self.joules)


def kwh_text(joules: Fraction) -> str:
    """Return `joules` in kWh as text: exact where decimals end, else half up to 6 digits."""
    kwh = joules * Fraction(1, JOULES_PER["kWh"])
    text = exact_text(kwh)
    return rounded_text(kwh, HEAT_KWH_DIGITS) if "/" in text else text


def nearest(times: Sequence[int], boundary_s: int, tolerance_s: int) -> int | None:
    """Return the index of the nearest of `times` (ascending), None if none is near enough.

    A tie goes to the earlier time, equal times to the first of them.
    """
    after = bisect_left(times, boundary_s)
    best: int | None = None
    if after > 0:
        best = bisect_left(times, times[after - 1])
    if after < len(times) and (
        best is None or times[after] - boundary_s < boundary_s - times[best]
    ):
        best = after
    if best is None or abs(times[best] - boundary_s) > tolerance_s:
        return None
    return best


def difference(
    opening: Register, closing: Register, serial: str | None
) -> tuple[Fraction | None, list[Problem]]:
    """Return what the meter `serial` counted between two readings, in their unit, exactly.

    None, with all that bars it, when the readings aren't of that meter or don't fit each other.
    """
    problems = _serial_problems(opening, "opening", serial)
    problems += _serial_problems(closing, "closing", serial)
    if (opening.unit, opening.worth) != (closing.unit, closing.worth):
        detail = f"opening in {opening.unit}, closing in {closing.unit}"
        problems.append(Problem("unit_changed", "closing", detail, closing.source))
    elif closing.value < opening.value:
        detail = f"from {exact_text(opening.value)} to {exact_text(closing.value)} {opening.unit}"
        problems.append(Problem("register_decreased", "closing", detail, closing.source))
    if problems:
        return None, problems
    return closing.value - opening.value, []


def consumption(
    opening: Register, closing: Register, serial: str | None
) -> tuple[Heat | None, list[Problem]]:
    """Return the heat between two readings of the meter `serial`, or None and what bars it."""
    value, problems = difference(opening, closing, serial)
    if value is None:
        return None, problems
    heat, unit = opening.common(value)
    if unit not in HEAT_UNITS:
        detail = f"{unit} is no unit of heat; known are {' and '.join(HEAT_UNITS)}"
        return None, [Problem("unknown_unit", "opening", detail, opening.source)]
    return Heat(heat, unit), []


def _serial_problems(register: Register, place: Place, serial: str | None) -> list[Problem]:
    if serial is None or not register.serial or serial.endswith(register.serial):
        return []
    detail = f"the telegram is from meter {register.serial}, the point has meter {serial}"
    return [Problem("serial_mismatch", place, detail, register.source)]
