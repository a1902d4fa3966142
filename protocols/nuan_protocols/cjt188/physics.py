"""Whether a heat meter's answer can be true: power is flow times difference times 1.163 kWh/(m3 K).

Density times specific heat of water is 1.160 kWh/(m3 K) at 20 degC, 1.150 at 50 and 1.127 at 90;
meters compute with it, so a right answer lies within 3 % of the constant, plus what the last digits
leave open, plus what changed between the meter's measurement of flow and of temperatures. 20 % take
in all of that and a glycol mixture. A wrong reading is farther off: another unit is at least 3.6
(kJ for Wh), another decimal point 10, another byte order a power of 10 or worse. So within 20 %
proves, beyond a factor of 3 contradicts, and between them lies a meter in motion, which says
nothing.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.telegram import find
from nuan_protocols.reading import decimal_text

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.cjt188.telegram import Telegram
    from nuan_protocols.reading import Reading

    class Physics(NamedTuple):
        """state: "fits" | "contradicts" | "open", and why, in words."""

        state: str
        reason: str

else:
    from collections import namedtuple

    Physics = namedtuple("Physics", ("state", "reason"))

FITS = "fits"
CONTRADICTS = "contradicts"
OPEN = "open"

# EN 1434: heat meters measure up to 180 degC; below 3 K they need not be accurate.
CENTIDEGREES_MAX = 18000
CENTIKELVIN_MIN = 300
# Fewer last digits than this leave more than 5 % open.
STEPS_MIN = 20
TOLERANCE_PERCENT = 20
GROWTH_TOLERANCE_PERCENT = 30
FACTOR_MAX = 3
# 100 MW and 10000 m3/h: beyond any meter in a building or substation.
_WATTS_MAX = 10**8
_FLOW_MAX_M3_H = 10**4
# How some meters say that they have no such value.
_NINES = 99999999
# Read in the wrong byte order, seconds and minutes are a year.
_CLOCK_END = "2100"
_WATT_HOURS_PER_M3_K = 1163

# Fine enough for every unit: nothing is rounded.
_WATT_EXPONENT = -2
_FLOW_EXPONENT = -7
_VOLUME_EXPONENT = -6
_ENERGY_EXPONENT = -2
# Digits to drop from flow x hundredths of a kelvin for hundredths of a watt, and from volume x
# hundredths of a kelvin for hundredths of a watt-hour.
_POWER_DIGITS = 7
_HEAT_DIGITS = 6
# Both temperatures are rounded to 0.01 K.
_KELVIN_ROUNDED = 2
_JOULES_PER_WATT_HOUR = 3600


def scaled(reading: "Reading | None", exponent: int) -> "int | None":
    """The value as a whole number of 10**exponent, None without a number."""
    if reading is None or reading.integer is None:
        return None
    shift = reading.exponent - exponent
    if shift < 0:
        return reading.integer // _ten_to(-shift)
    return reading.integer * _ten_to(shift)


def watt_hours(reading: "Reading | None") -> "int | None":
    """An energy in hundredths of a watt-hour, None without a number."""
    number = scaled(reading, _ENERGY_EXPONENT)
    if number is not None and reading is not None and reading.unit == "J":
        return number // _JOULES_PER_WATT_HOUR
    return number


def temperatures(telegram: "Telegram") -> "tuple[int | None, int | None]":
    """Supply and return in hundredths of a degree."""
    supply = scaled(find(telegram, "flow_temperature"), -2)
    return supply, scaled(find(telegram, "return_temperature"), -2)


def range_problem(telegram: "Telegram") -> str:
    """What lies outside of what a meter can measure, "" when nothing does."""
    for name in ("flow_temperature", "return_temperature"):
        reading = find(telegram, name)
        number = scaled(reading, -2)
        if reading is not None and number is not None and number > CENTIDEGREES_MAX:
            return f"{name} {_said(reading)} is above 180 degC"
    for name, most in (("power", _WATTS_MAX), ("volume_flow", _FLOW_MAX_M3_H)):
        reading = find(telegram, name)
        number = scaled(reading, 0)
        if reading is not None and number is not None and number > most:
            return f"{name} {_said(reading)} is more than any meter measures"
    for record in telegram.records:
        if record.reading.integer == _NINES:
            return f"{record.reading.quantity} is nothing but nines: no value"
    clock = find(telegram, "datetime")
    if clock is not None and clock.status == "ok" and clock.text > _CLOCK_END:
        return f"its clock shows {clock.text}"
    return ""


def power_check(telegram: "Telegram") -> Physics:
    """Holds the power against flow and difference of temperatures."""
    flow, power = find(telegram, "volume_flow"), find(telegram, "power")
    supply, back = temperatures(telegram)
    flow_steps, power_steps = _steps(flow), _steps(power)
    if flow is None or power is None or supply is None or back is None:
        return Physics(OPEN, "power, flow or temperatures are missing")
    if flow_steps == 0 and power_steps == 0:
        return Physics(OPEN, "no flow and no power: an idle meter proves nothing")
    if power.integer is None:
        return Physics(OPEN, "its power can't be read")
    difference = abs(supply - back)
    if flow_steps < STEPS_MIN or power_steps < STEPS_MIN or difference < CENTIKELVIN_MIN:
        return Physics(OPEN, f"too little to tell: {_what(flow, difference, power)}")
    expected = _product(scaled(flow, _FLOW_EXPONENT), difference, _POWER_DIGITS)
    slack = _product(_ten_to(flow.exponent - _FLOW_EXPONENT), difference, _POWER_DIGITS)
    slack += _product(scaled(flow, _FLOW_EXPONENT), _KELVIN_ROUNDED, _POWER_DIGITS)
    slack += _ten_to(power.exponent - _WATT_EXPONENT)
    found = scaled(power, _WATT_EXPONENT) or 0
    said = _what(flow, difference, power)
    compared = _compared(found, expected, slack, TOLERANCE_PERCENT, said)
    if compared.state == FITS and min(_digits(flow_steps), _digits(power_steps)) < STEPS_MIN:
        return Physics(OPEN, f"{compared.reason}, but round numbers may fit by chance")
    return compared


def growth_check(before: "Telegram", after: "Telegram") -> Physics:
    """Holds the growth of heat between two answers against that of volume and the difference."""
    first, last = _counted(before), _counted(after)
    if first is None or last is None:
        return Physics(OPEN, "heat, volume or temperatures are missing")
    heat, volume = last[0] - first[0], last[1] - first[1]
    if heat < 0 or volume < 0:
        return Physics(OPEN, "a register went back")
    step_heat, step_volume = max(first[2], last[2]), max(first[3], last[3])
    if heat < STEPS_MIN * step_heat or volume < STEPS_MIN * step_volume:
        return Physics(OPEN, "heat and volume have not grown enough to tell")
    least, most = min(first[4], last[4]), max(first[4], last[4])
    if least < CENTIKELVIN_MIN or 2 * most > 3 * least:
        return Physics(OPEN, "the difference of temperatures is too small or changed too much")
    mean = (least + most) // 2
    expected = _product(volume, mean, _HEAT_DIGITS)
    slack = _product(step_volume, mean, _HEAT_DIGITS) + step_heat
    said = f"{heat // 100} Wh for {volume // 1000} l at {decimal_text(mean, -2)} K"
    return _compared(heat, expected, slack, GROWTH_TOLERANCE_PERCENT, said)


def _counted(telegram: "Telegram") -> "tuple[int, int, int, int, int] | None":
    """Heat and volume, the last digit of each, and the difference of temperatures."""
    energy, volume = find(telegram, "energy"), find(telegram, "volume")
    supply, back = temperatures(telegram)
    heat, water = watt_hours(energy), scaled(volume, _VOLUME_EXPONENT)
    if energy is None or volume is None or heat is None or water is None:
        return None
    if supply is None or back is None:
        return None
    step = _ten_to(energy.exponent - _ENERGY_EXPONENT)
    if energy.unit == "J":
        step = step // _JOULES_PER_WATT_HOUR + 1
    return heat, water, step, _ten_to(volume.exponent - _VOLUME_EXPONENT), abs(supply - back)


def _product(amount: "int | None", kelvin: int, digits: int) -> int:
    return (amount or 0) * kelvin * _WATT_HOURS_PER_M3_K // _ten_to(digits)


def _ten_to(exponent: int) -> int:
    power: int = 10**exponent
    return power


def _compared(found: int, expected: int, slack: int, percent: int, said: str) -> Physics:
    if abs(found - expected) <= expected * percent // 100 + slack:
        ratio = found * 1000 // expected if expected else 0
        return Physics(FITS, f"{said}: {decimal_text(ratio, -3)} of flow x difference x 1.163")
    times = _times(found, expected)
    if found > FACTOR_MAX * expected + slack or FACTOR_MAX * found + slack < expected:
        return Physics(CONTRADICTS, f"{said}: {times} what flow and difference give")
    return Physics(OPEN, f"{said}: {times} what flow and difference give; one of them may lag")


def _times(found: int, expected: int) -> str:
    if not expected:
        return "more than"
    return f"{decimal_text(found * 1000 // expected, -3)} times"


def _steps(reading: "Reading | None") -> int:
    return 0 if reading is None or reading.integer is None else reading.integer


def _digits(steps: int) -> int:
    """Without the zeros at the end: a few steps, read in the wrong byte order, end in many."""
    while steps and steps % 10 == 0:
        steps //= 10
    return steps


def _said(reading: "Reading") -> str:
    return f"{decimal_text(reading.integer or 0, reading.exponent)} {reading.unit}"


def _what(flow: "Reading", difference: int, power: "Reading") -> str:
    return f"{_said(power)} at {_said(flow)} and {decimal_text(difference, -2)} K"
