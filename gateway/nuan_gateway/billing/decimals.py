"""Decimal text and exact fractions, both ways; no float stands between register and fen."""

from __future__ import annotations

import re
from fractions import Fraction

DECIMAL_CHARACTERS_MAX = 40
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")


def decimal(text: str) -> Fraction:
    """Return the exact value of "89.37"; a sign, exponent or leading zero raises ValueError."""
    if not _DECIMAL.fullmatch(text) or len(text) > DECIMAL_CHARACTERS_MAX:
        raise ValueError(f"{text!r} is no plain decimal number such as 89.37")
    return Fraction(text)


def scaled(integer: int, exponent: int) -> Fraction:
    """Return integer * 10**exponent exactly."""
    return Fraction(integer) * Fraction(10) ** exponent


def half_up(value: Fraction) -> int:
    """Round to the nearest whole number; a half goes away from zero, so credits mirror charges."""
    magnitude = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return magnitude if value >= 0 else -magnitude


def rounded_text(value: Fraction, digits: int) -> str:
    """Return `value` rounded half up to exactly `digits` decimals, as text."""
    whole = half_up(value * 10**digits)
    sign = "-" if whole < 0 else ""
    if digits == 0:
        return f"{sign}{abs(whole)}"
    padded = str(abs(whole)).rjust(digits + 1, "0")
    return f"{sign}{padded[:-digits]}.{padded[-digits:]}"


def exact_text(value: Fraction) -> str:
    """Return `value` without loss: "5432.6" where decimals end, "2500/9" where they never do."""
    digits = _decimals_needed(value.denominator)
    if digits is None:
        return f"{value.numerator}/{value.denominator}"
    return rounded_text(value, digits)


def _decimals_needed(denominator: int) -> int | None:
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None
