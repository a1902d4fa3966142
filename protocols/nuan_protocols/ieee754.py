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
# log10(2), a trifle below: never too high for what a binary32 can hold.
_LOG10_2_BY_4096 = 1233


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
    up, down = _ratio(power - 2)
    if mantissa & _HIDDEN_BIT:
        # Six digits or five: no float has two decimals of six, so none is passed over.
        exponent = ((power + _FRACTION_BITS) * _LOG10_2_BY_4096 >> 12) - 4
    else:
        # One place above the first digit: 9.9999999 may be 10.
        exponent = _decimal_exponent(4 * mantissa * up, down) + 1
    below = 1 if mantissa == _HIDDEN_BIT and power > 1 - _EXPONENT_BIAS else 2
    integer, exponent = _shortest(mantissa, below, up, down, exponent)
    while integer % 10 == 0:
        integer //= 10
        exponent += 1
    return (-integer if bits >> 31 else integer), exponent


def _shortest(mantissa: int, below: int, up: int, down: int, exponent: int) -> tuple[int, int]:
    """The first decimal in units of 10**exponent, or of a finer power, that rounds to the float.

    All that does lies between half a step below it and half a step above; the step below a power
    of two is half as wide. Everything in quarters of a step, each of them up/down.
    """
    above = 2
    inclusive = mantissa & 1 == 0
    if exponent > 0:
        down *= 10**exponent
    else:
        up *= 10**-exponent
    while True:
        exact = 4 * mantissa * up
        integer = exact // down
        rest = exact - integer * down
        if 2 * rest > down or (2 * rest == down and integer & 1):
            integer += 1
            rest -= down
        # Ends at the ninth digit at the latest: nine tell any two binary32 apart.
        if -above * up < rest < below * up or (inclusive and -above * up <= rest <= below * up):
            return integer, exponent
        exponent -= 1
        if exponent >= 0:
            down //= 10
        else:
            up *= 10


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
    integer, power = magnitude
    denominator = 1
    if exponent < 0:
        integer *= 10**-exponent
    elif exponent:
        denominator = 10**exponent
    if power < 0:
        denominator <<= -power
    else:
        integer <<= power
    if denominator > 1:
        integer = _round_half_even(integer, denominator)
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
