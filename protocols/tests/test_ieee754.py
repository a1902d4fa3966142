"""binary32 to decimal, against the standard library's floats and fractions."""

import struct
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nuan_protocols.ieee754 import quantised32, shortest32

ALL_BITS = st.integers(0, 0xFFFFFFFF)


def float_of(bits: int) -> float:
    value: float = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
    return value


def bits_of(text: str) -> int:
    return int.from_bytes(struct.pack(">f", float(text)), "big")


def is_finite(bits: int) -> bool:
    return bits >> 23 & 0xFF != 0xFF


def neighbours(bits: int) -> tuple[Fraction, Fraction]:
    """Half-way points to the next floats of a positive one."""
    value, below = Fraction(float_of(bits)), Fraction(float_of(bits - 1))
    # The step above the largest float is as wide as the one below it.
    above = Fraction(float_of(bits + 1)) if is_finite(bits + 1) else 2 * value - below
    return (value + below) / 2, (value + above) / 2


@given(ALL_BITS.filter(is_finite))
@example(1)
@example(0x00800000)
@example(0x7F7FFFFF)
@example(0x3F800000)
@example(0x80000000)
def test_the_shortest_decimal_reads_back(bits: int) -> None:
    found = shortest32(bits)
    assert found is not None
    integer, exponent = found
    value = Fraction(integer) * Fraction(10) ** exponent
    magnitude = bits & 0x7FFFFFFF
    if magnitude == 0:
        assert found == (0, 0)
        return
    assert (value < 0) == bool(bits >> 31)
    low, high = neighbours(magnitude)
    assert low <= abs(value) <= high
    assert magnitude & 1 == 0 or low < abs(value) < high, "a tie goes to the even neighbour"
    assert integer % 10, "no needless zero"
    coarser = Fraction(10) ** (exponent + 1)
    for nearest in (low // coarser + 1) * coarser, (high // coarser) * coarser:
        assert not low < nearest < high, "no shorter decimal lies within"


@given(ALL_BITS.filter(is_finite), st.integers(-12, 6))
def test_quantising_rounds_the_exact_value_half_to_even(bits: int, exponent: int) -> None:
    exact = Fraction(float_of(bits)) / Fraction(10) ** exponent
    assert quantised32(bits, exponent) == round(exact)


@pytest.mark.parametrize(
    ("bits", "shortest"),
    [
        (0x3F350481, (7071, -4)),
        (0x43663333, (2302, -1)),
        (0x461C4000, (1, 4)),
        (0xC1480000, (-125, -1)),
        (0x00000001, (1, -45)),
        (0x7F7FFFFF, (34028235, 31)),
    ],
)
def test_known_values(bits: int, shortest: tuple[int, int]) -> None:
    assert shortest32(bits) == shortest
    assert bits_of(f"{shortest[0]}e{shortest[1]}") == bits


@pytest.mark.parametrize(
    ("value", "kept"), [("0.5", 0), ("1.5", 2), ("2.5", 2), ("-0.5", 0), ("-1.5", -2), ("0.75", 1)]
)
def test_ties_go_to_even(value: str, kept: int) -> None:
    assert quantised32(bits_of(value), 0) == kept


@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFFFFFFF, 0x7F800001])
def test_what_is_no_number_has_no_value(bits: int) -> None:
    assert shortest32(bits) is None
    assert quantised32(bits, -2) is None
