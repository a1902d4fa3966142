"""Money is an integer of fen. Amounts are rounded once per bill line, half up."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from nuan_gateway.billing.decimals import half_up

FEN_PER_CNY = 100


def round_fen(amount_cny: Fraction) -> int:
    """Round an exact amount in yuan to whole fen, half up."""
    return half_up(amount_cny * FEN_PER_CNY)


def fen_text(fen: int) -> str:
    """Return fen as yuan text, 107244 -> "1072.44"."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // FEN_PER_CNY}.{abs(fen) % FEN_PER_CNY:02d}"


def shares(total: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """Split a whole total by weights so that the parts sum to it: the largest remainder method.

    Ties go to the greater weight, then to the id that sorts first. A negative total mirrors the
    positive one. Weights below zero, or none above zero, raise ValueError.
    """
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("a weight below zero cannot take a share")
    whole = sum(weights.values(), Fraction(0))
    if whole == 0:
        raise ValueError("no weight is above zero: nothing says how to split the total")
    if total < 0:
        return {name: -part for name, part in shares(-total, weights).items()}
    exact = {
        name: weight * total * Fraction(whole.denominator, whole.numerator)
        for name, weight in weights.items()
    }
    parts = {name: value.numerator // value.denominator for name, value in exact.items()}
    left = total - sum(parts.values())
    order = sorted(weights, key=lambda name: (parts[name] - exact[name], -weights[name], name))
    for name in order[:left]:
        parts[name] += 1
    return parts
