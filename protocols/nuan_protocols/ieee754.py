"""Exact decimal values of IEEE 754 floats from their raw bits, in integers only.

The board's floats have 24 bits and the PC's 53: a float would say different things on the two.
"""

_FRACTION_BITS = 23
_HIDDEN_BIT = 1 << _FRACTION_BITS
_EXPONENTS = 0xFF
_EXPONENT_BIAS = 150
_FRACTION_BITS_64 = 52
_EXPONENTS_64 = 0x7FF
_EXPONENT_BIAS_64 = 1075


def shortest32(bits: int) -> tuple[int, int] | None:
    """Shortest decimal (integer, exponent) that reads back as the same binary32.

    0x3F35_0481 -> (7071, -4). None for infinities and NaN.
    """
    magnitude = _magnitude32(bits)
    if magnitude is None:
        return None
    mantissa, power = magnitude
    if mantissa == 0:
        return 0, 0
    # All that rounds to this float lies between half a step below it and half a step above; the
    # step below a power of two is half as wide. Everything in quarters of a step.
    below = 1 if mantissa == _HIDDEN_BIT and power > 1 - _EXPONENT_BIAS else 2
    above = 2
    value = 4 * mantissa
    inclusive = mantissa & 1 == 0
    numerator, denominator = _ratio(power - 2)
    # One place above the first digit: 9.9999999 may be 10.
    exponent = _decimal_exponent(value * numerator, denominator) + 1
    while True:
        scale_up, scale_down = _decimal_ratio(-exponent)
        up, down = numerator * scale_up, denominator * scale_down
        integer = _round_half_even(value * up, down)
        low, high = (value - below) * up, (value + above) * up
        exact = integer * down
        # Ends at the ninth digit at the latest: nine tell any two binary32 apart.
        if low < exact < high or (inclusive and low <= exact <= high):
            return (-integer if bits >> 31 else integer), exponent
        exponent -= 1


def quantised32(bits: int, exponent: int) -> int | None:
    """The exact binary32 value in units of 10**exponent, rounded half to even.

    None for infinities and NaN.
    """
    return _quantised(_magnitude32(bits), bits >> 31, exponent)


def quantised64(bits: int, exponent: int) -> int | None:
    """The exact binary64 value in units of 10**exponent, rounded half to even.

    None for infinities and NaN.
    """
    magnitude = _magnitude(bits, _FRACTION_BITS_64, _EXPONENTS_64, _EXPONENT_BIAS_64)
    return _quantised(magnitude, bits >> 63, exponent)


def _quantised(magnitude: tuple[int, int] | None, negative: int, exponent: int) -> int | None:
    if magnitude is None:
        return None
    mantissa, power = magnitude
    numerator, denominator = _ratio(power)
    scale_up, scale_down = _decimal_ratio(-exponent)
    integer = _round_half_even(mantissa * numerator * scale_up, denominator * scale_down)
    return -integer if negative else integer


def _magnitude32(bits: int) -> tuple[int, int] | None:
    return _magnitude(bits, _FRACTION_BITS, _EXPONENTS, _EXPONENT_BIAS)


def _magnitude(bits: int, fraction_bits: int, exponents: int, bias: int) -> tuple[int, int] | None:
    """(mantissa, power): the absolute value is mantissa * 2**power exactly."""
    biased = bits >> fraction_bits & exponents
    fraction = bits & ((1 << fraction_bits) - 1)
    if biased == exponents:
        return None
    if biased == 0:
        return fraction, 1 - bias
    return fraction | 1 << fraction_bits, biased - bias


def _ratio(power: int) -> tuple[int, int]:
    return (1 << power, 1) if power >= 0 else (1, 1 << -power)


def _decimal_ratio(exponent: int) -> tuple[int, int]:
    return (10**exponent, 1) if exponent >= 0 else (1, 10**-exponent)


def _decimal_exponent(numerator: int, denominator: int) -> int:
    """Exponent of the first decimal digit of numerator/denominator > 0."""
    if numerator >= denominator:
        return len(str(numerator // denominator)) - 1
    return -len(str((denominator - 1) // numerator))


def _round_half_even(numerator: int, denominator: int) -> int:
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient
