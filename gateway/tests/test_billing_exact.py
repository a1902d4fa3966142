"""The billing core holds no float, and its texts and sums are exact."""

import ast
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.billing.decimals import decimal, exact_text, half_up, rounded_text, scaled
from nuan_gateway.billing.money import fen_text, round_fen, shares

BILLING = Path(__file__).parents[1] / "nuan_gateway" / "billing"

fractions = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)
weights = st.dictionaries(
    st.text(min_size=1, max_size=4),
    st.fractions(min_value=0, max_value=10**6, max_denominator=1000),
    min_size=1,
    max_size=12,
).filter(lambda found: any(found.values()))


def floats_in(source: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(f"line {node.lineno}: {node.value}")
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
            found.append(f"line {node.lineno}: /")
        if isinstance(node, ast.Name) and node.id in {"float", "round", "Decimal"}:
            found.append(f"line {node.lineno}: {node.id}")
    return found


@pytest.mark.parametrize("path", sorted(BILLING.glob("*.py")), ids=lambda path: path.name)
def test_no_float_touches_energy_or_money(path: Path) -> None:
    assert floats_in(path.read_text("utf-8")) == []


PURE = {
    "bisect", "collections", "dataclasses", "datetime", "fractions", "hashlib", "json", "pydantic",
    "re", "typing", "__future__",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(BILLING.glob("*.py")), ids=lambda path: path.name)
def test_billing_reaches_no_file_clock_or_database(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in PURE or name.startswith("nuan_gateway.billing."), name
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "today", "utcnow"}, f"line {node.lineno}"


def test_the_walk_would_find_a_float() -> None:
    assert floats_in("x = 1.5\ny = 3 / 2\nz = float('1')") == [
        "line 1: 1.5",
        "line 2: /",
        "line 3: float",
    ]


@pytest.mark.parametrize(
    ("exact", "whole"),
    [("1/2", 1), ("-1/2", -1), ("3/2", 2), ("5/2", 3), ("49/100", 0), ("-49/100", 0), ("0", 0)],
)
def test_a_half_goes_away_from_zero(exact: str, whole: int) -> None:
    assert half_up(Fraction(exact)) == whole


@given(fractions)
def test_rounding_is_nearest_and_mirrors(value: Fraction) -> None:
    whole = half_up(value)
    assert 2 * abs(whole - value) <= 1
    assert half_up(-value) == -whole


@given(fractions)
def test_exact_text_loses_nothing(value: Fraction) -> None:
    assert Fraction(exact_text(value)) == value


@given(st.integers(-(10**15), 10**15), st.integers(-9, 9))
def test_a_register_is_its_integer_and_exponent(integer: int, exponent: int) -> None:
    assert scaled(integer, exponent) == Fraction(f"{integer}e{exponent}")


@given(fractions, st.integers(0, 8))
def test_rounded_text_has_its_digits(value: Fraction, digits: int) -> None:
    text = rounded_text(value, digits)
    assert 2 * abs(Fraction(text) - value) * 10**digits <= 1
    assert len(text.partition(".")[2]) == digits


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "01", "1e3", "-1", "+1", "1,5", "NaN", "1 ", "１", "1\n"]
)
def test_only_plain_decimals_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="no plain decimal"):
        decimal(text)


@given(st.integers(-(10**12), 10**12))
def test_fen_text_reads_back(fen: int) -> None:
    assert Fraction(fen_text(fen)) * 100 == fen
    assert round_fen(Fraction(fen_text(fen))) == fen


@given(st.integers(-(10**9), 10**9), weights)
def test_shares_sum_to_the_total(total: int, parts: dict[str, Fraction]) -> None:
    found = shares(total, parts)
    whole = sum(parts.values())
    assert sum(found.values()) == total
    for name, weight in parts.items():
        assert abs(found[name] - total * weight / whole) < 1
        assert weight or not found[name]


@given(st.integers(0, 10**9), weights)
def test_shares_depend_on_no_order_and_mirror(total: int, parts: dict[str, Fraction]) -> None:
    backwards = dict(reversed(parts.items()))
    assert shares(total, parts) == shares(total, backwards)
    assert shares(-total, parts) == {name: -part for name, part in shares(total, parts).items()}


@pytest.mark.parametrize("parts", [{"a": Fraction(0)}, {}, {"a": Fraction(-1), "b": Fraction(2)}])
def test_shares_without_a_key_are_refused(parts: dict[str, Fraction]) -> None:
    with pytest.raises(ValueError, match="weight"):
        shares(100, parts)
