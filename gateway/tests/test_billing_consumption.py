"""Which reading stands for a boundary, what bars a difference, and the balance of a building."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.billing.balance import balance
from nuan_gateway.billing.bill import (
    BillInput,
    Meter,
    Season,
    SlotPlace,
    Unit,
    bill_statement,
    compute_bill,
    correction_of,
)
from nuan_gateway.billing.consumption import (
    Heat,
    Register,
    consumption,
    difference,
    kwh_text,
    nearest,
)
from nuan_gateway.billing.problem import Problem, Source
from nuan_gateway.billing.tariff import Tariff

DAY_S = 86400
SEASON = Season("2025-2026", date(2025, 11, 1), date(2026, 4, 1), "Asia/Shanghai", 10**6, 2 * 10**6)
METER = Meter("10000001", "mbus_heat", 1, (SlotPlace("6e75616e00000001", 1, 1),))
TARIFF = Tariff.model_validate(
    {
        "format": 1,
        "id": "sample",
        "version": "1",
        "title": "Two-part",
        "legal_reference": "none",
        "valid_from": date(2020, 1, 1),
        "base": {"price": "12", "unit": "CNY/m2.season"},
        "metered": {"price": "0.16", "unit": "CNY/kWh"},
        "prepayment": {"price": "24", "unit": "CNY/m2.season"},
        "settlement": {"policy": "refund_and_charge"},
    }
)


def register(
    integer: int, exponent: int = 3, unit: str = "Wh", serial: str | None = "10000001"
) -> Register:
    source = Source("6e75616e00000001", "00" * 8, integer + 1, "aa" * 32)
    return Register(1000, 2, integer, exponent, unit, serial, source)


def given_bill(opening: Register | None, closing: Register | None, *found: Problem) -> BillInput:
    return BillInput(
        site="sample",
        season=SEASON,
        unit=Unit("1-101", "", "89.37"),
        point="heat-1-101",
        meter=METER,
        opening=opening,
        closing=closing,
        tolerance_s=DAY_S,
        tariff=TARIFF,
        problems=found,
    )


@pytest.mark.parametrize(
    ("times", "boundary", "expected"),
    [
        ([], 100, None),
        ([100], 100, 0),
        ([90, 110], 100, 0),  # a tie goes to the earlier
        ([90, 109], 100, 1),
        ([91, 109], 100, 0),
        ([80, 90, 90, 120], 100, 1),  # of equal times the first
        ([100, 100], 100, 0),
        ([40], 100, None),
        ([50], 100, 0),
        ([150], 100, 0),
        ([151], 100, None),
    ],
)
def test_the_nearest_reading_stands_for_the_boundary(
    times: list[int], boundary: int, expected: int | None
) -> None:
    assert nearest(times, boundary, 50) == expected


@given(st.lists(st.integers(0, 400)).map(sorted), st.integers(0, 400), st.integers(0, 100))
def test_nearest_equals_a_search_of_all(times: list[int], boundary: int, tolerance: int) -> None:
    ranked = [(abs(time - boundary), time, i) for i, time in enumerate(times)]
    near = [found for found in ranked if found[0] <= tolerance]
    assert nearest(times, boundary, tolerance) == (min(near)[2] if near else None)


def test_consumption_is_the_exact_difference_in_the_meters_unit() -> None:
    heat, problems = consumption(register(12, 3), register(5444, 2), "10000001")
    assert heat == Heat(Fraction(532400), "Wh")
    assert problems == []
    assert heat.kwh_text == "532.4"


def test_gigajoules_stay_exact() -> None:
    heat, _ = consumption(register(1, 6, "J"), register(2, 6, "J"), "10000001")
    assert heat is not None
    assert heat.in_unit("kWh") == Fraction(5, 18)
    assert heat.in_unit("GJ") == Fraction(1, 1000)
    assert heat.kwh_text == "0.277778"


@pytest.mark.parametrize(
    ("closing", "code"),
    [
        (register(11), "register_decreased"),
        (register(13, 6, "J"), "unit_changed"),
        (register(13, serial="10000002"), "serial_mismatch"),
    ],
)
def test_what_bars_the_difference_is_collected(closing: Register, code: str) -> None:
    heat, problems = consumption(register(12), closing, "10000001")
    assert heat is None
    assert [(problem.code, problem.place) for problem in problems] == [(code, "closing")]
    assert problems[0].source == closing.source


def test_a_telegram_carries_the_last_digits_of_a_long_serial() -> None:
    heat, problems = consumption(register(1), register(2), "KAM-2019-10000001")
    assert (heat, problems) == (Heat(Fraction(1000), "Wh"), [])


def test_gas_is_a_difference_as_well() -> None:
    opening, closing = register(1000, -2, "m3"), register(1234, -2, "m3")
    assert difference(opening, closing, "10000001") == (Fraction("2.34"), [])


def test_several_problems_are_all_told() -> None:
    heat, problems = consumption(register(12, serial="8"), register(11, serial="9"), "10000001")
    assert heat is None
    assert [problem.code for problem in problems] == [
        "serial_mismatch",
        "serial_mismatch",
        "register_decreased",
    ]


def test_a_meter_without_serial_in_its_protocol_is_taken_at_its_slot() -> None:
    heat, problems = consumption(register(1, serial=None), register(2, serial=None), "10000001")
    assert (heat, problems) == (Heat(Fraction(1000), "Wh"), [])


def test_a_register_of_volume_is_no_heat() -> None:
    heat, problems = consumption(register(1, 0, "m3"), register(2, 0, "m3"), None)
    assert heat is None
    assert [problem.code for problem in problems] == ["unknown_unit"]


def test_a_bill_by_meter() -> None:
    bill = compute_bill(given_bill(register(0), register(1000)))
    statement = bill_statement(bill, 1, None)
    assert statement["basis"] == "two_part"
    assert statement["heat_kwh"] == "1000"
    assert statement["total_fen"] == 107244 + 16000
    assert statement["settlement_fen"] == 107244 + 16000 - 214488


@pytest.mark.parametrize(
    "broken",
    [
        given_bill(register(5), register(4)),
        given_bill(None, register(4), Problem("no_reading", "opening", "none within 24 h")),
        given_bill(register(4), None, Problem("no_reading", "closing", "none within 24 h")),
        replace(
            given_bill(None, None, Problem("no_point", "period", "no point")),
            meter=None,
            point=None,
        ),
        given_bill(register(1), register(2), Problem("meter_exchanged", "period", "two meters")),
    ],
)
def test_what_bars_the_register_bills_by_area_and_says_so(broken: BillInput) -> None:
    statement = bill_statement(compute_bill(broken), 1, None)
    assert statement["basis"] == "area"
    assert statement["heat_kwh"] is None
    assert statement["total_fen"] == statement["prepaid_fen"] == 214488
    assert statement["problems"]


def test_missing_readings_without_a_told_problem_never_bill_as_zero() -> None:
    bill = compute_bill(given_bill(register(4), None))
    assert bill.heat is None
    assert [problem.code for problem in bill.problems] == ["no_reading"]


def test_a_correction_names_every_difference() -> None:
    first = bill_statement(compute_bill(given_bill(register(0), register(1000))), 1, None)
    better = compute_bill(given_bill(register(0), register(1100)))
    correction = correction_of(first, "ab" * 32, better)
    assert correction == {
        "corrects_version": 1,
        "statement_digest": "ab" * 32,
        "changes": {"total_fen": 1600, "prepaid_fen": 0, "settlement_fen": 1600},
    }


heats = st.builds(Heat, st.fractions(min_value=0, max_value=10**9), st.sampled_from(["Wh", "J"]))


@given(heats, st.lists(heats, max_size=20))
def test_flats_plus_loss_equal_the_building(building: Heat, flats: list[Heat]) -> None:
    found = balance(building, flats)
    assert found.flats_j + found.loss_j == building.joules
    assert found.flats_j == sum(heat.joules for heat in flats)


@given(st.integers(-(10**9), 10**9))
def test_kwh_text_is_exact_for_watt_hours(watt_hours: int) -> None:
    assert Fraction(kwh_text(Fraction(watt_hours * 3600))) * 1000 == watt_hours


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=8).map(sorted))
def test_periods_that_share_readings_bill_everything_once(registers: list[int]) -> None:
    readings = [register(integer) for integer in registers]
    parts = [consumption(a, b, None)[0] for a, b in pairwise(readings)]
    whole, _ = consumption(readings[0], readings[-1], None)
    assert whole is not None
    assert sum(part.value for part in parts if part) == whole.value
