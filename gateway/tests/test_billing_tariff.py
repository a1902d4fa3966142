"""Tariffs: published cases to the fen, both settlement doctrines, the document's canonical form."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nuan_gateway.billing.consumption import Heat
from nuan_gateway.billing.money import shares
from nuan_gateway.billing.tariff import Tariff, charge

GOLDEN = Path(__file__).parents[3] / "shared" / "data" / "billing" / "golden.json"
needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="../shared/data isn't here")

DOCUMENT: dict[str, Any] = {
    "format": 1,
    "id": "beijing-network",
    "version": "1",
    "title": "Two-part heat price",
    "legal_reference": "2010-98",
    "valid_from": date(2010, 11, 15),
    "valid_to": None,
    "base": {"price": "12", "unit": "CNY/m2.season"},
    "metered": {"price": "0.16", "unit": "CNY/kWh"},
    "prepayment": {"price": "24", "unit": "CNY/m2.season"},
    "settlement": {"policy": "refund_and_charge"},
}


def tariff(
    base: str = "12",
    metered: str = "0.16",
    prepay: str = "24",
    unit: str = "CNY/kWh",
    policy: str = "refund_and_charge",
) -> Tariff:
    return Tariff.model_validate(
        DOCUMENT
        | {
            "base": {"price": base, "unit": "CNY/m2.season"},
            "metered": {"price": metered, "unit": unit},
            "prepayment": {"price": prepay, "unit": "CNY/m2.season"},
            "settlement": {"policy": policy},
        }
    )


def kwh(text: str) -> Heat:
    return Heat(Fraction(text) * 1000, "Wh")


def gj(text: str) -> Heat:
    return Heat(Fraction(text) * 10**9, "J")


def golden(case: str) -> dict[str, Any]:
    cases = json.loads(GOLDEN.read_text("utf-8"))
    return next(found for found in cases if found["id"] == case)


def fen(yuan: str) -> int:
    whole = Fraction(yuan) * 100
    assert whole.denominator == 1
    return whole.numerator


@needs_golden
@pytest.mark.parametrize("policy", ["refund_and_charge", "refund_only"])
def test_g01_beijing(policy: str) -> None:
    case = golden("G01")
    found = charge(tariff(policy=policy), case["inputs"]["area"], kwh(case["inputs"]["kwh"]))
    expected = case["outputs"]
    assert found.amount_fen("base") == fen(expected["base"])
    assert found.amount_fen("metered") == fen(expected["metered"])
    assert found.total_fen == fen(expected["total"])
    assert found.prepaid_fen == fen(expected["prepaid"])
    assert found.settlement_fen == fen(expected["settle_refund_and_charge"])


@needs_golden
def test_g03_a_price_is_never_converted() -> None:
    case = golden("G03")
    by_kwh = charge(tariff(), "1", gj(case["inputs"]["gj"]))
    by_gj = charge(tariff(metered="44.45", unit="CNY/GJ"), "1", kwh(case["inputs"]["kwh"]))
    assert by_kwh.amount_fen("metered") == fen(case["outputs"]["by_kwh"])
    assert by_gj.amount_fen("metered") == fen(case["outputs"]["by_gj_4445"])


@needs_golden
def test_g04_tianjin_without_its_late_fee() -> None:
    case = golden("G04")
    corrected = Fraction(case["inputs"]["kwh"]) * Fraction(case["inputs"]["k"])
    prices = tariff(base="7.5", metered="0.13", prepay="25")
    found = charge(prices, case["inputs"]["area"], Heat(corrected * 1000, "Wh"))
    assert found.amount_fen("base") == fen(case["outputs"]["base"])
    assert found.amount_fen("metered") == fen(case["outputs"]["metered"])
    assert found.total_fen == fen(case["outputs"]["total"])
    assert -found.settlement_fen == fen(case["outputs"]["refund"])


@needs_golden
def test_g06_harbin_in_gigajoules() -> None:
    case = golden("G06")
    prices = tariff("16.54", "44.41", case["inputs"]["area_price"], "CNY/GJ", "refund_only")
    found = charge(prices, case["inputs"]["usable_area"], gj(case["inputs"]["gj"]))
    assert found.amount_fen("base") == fen(case["outputs"]["base"])
    assert found.amount_fen("metered") == fen(case["outputs"]["metered"])
    assert found.prepaid_fen == fen(case["outputs"]["area_fee"])
    assert found.total_fen == fen(case["outputs"]["payable_capped"])
    assert -found.settlement_fen == fen(case["outputs"]["refund"])


@needs_golden
def test_g07_without_a_meter_the_area_fee_is_due() -> None:
    case = golden("G07")
    found = charge(tariff(prepay=case["inputs"]["area_price"]), case["inputs"]["area"], None)
    assert found.total_fen == fen(case["outputs"]["payable"])
    assert [line.item for line in found.lines] == ["area"]
    assert found.settlement_fen == 0


@needs_golden
def test_g12_shares_of_a_building() -> None:
    case = golden("G12")
    areas = {unit: Fraction(area) for unit, area in case["inputs"]["areas"].items()}
    found = shares(fen(case["outputs"]["building_metered"]), areas)
    assert found == {unit: fen(yuan) for unit, yuan in case["outputs"]["metered_share"].items()}


@needs_golden
def test_g12b_ties_go_to_the_first_id() -> None:
    case = golden("G12b")
    equal = {unit: Fraction(weight) for unit, weight in case["inputs"]["weights"].items()}
    found = shares(fen(case["inputs"]["total"]), equal)
    assert found == {unit: fen(yuan) for unit, yuan in case["outputs"].items()}


def test_refund_only_caps_at_the_area_fee() -> None:
    found = charge(tariff(policy="refund_only"), "100", kwh("10000"))
    assert [line.item for line in found.lines] == ["base", "metered", "cap"]
    assert found.lines[-1].arithmetic == "min(2800.00, 2400.00) - 2800.00 = -400.00"
    assert (found.total_fen, found.settlement_fen) == (240000, 0)
    assert charge(tariff(), "100", kwh("10000")).settlement_fen == 40000


def test_lines_spell_out_their_arithmetic() -> None:
    found = charge(tariff(), "89.37", kwh("5432.6"))
    assert [line.arithmetic for line in found.lines] == [
        "89.37 m2 x 12 CNY/m2.season = 1072.44 CNY",
        "5432.6 kWh x 0.16 CNY/kWh = 869.216 CNY, rounded 869.22",
    ]
    endless = charge(tariff(), "1", Heat(Fraction(10**6), "J")).lines[1].arithmetic
    assert endless == "5/18 kWh x 0.16 CNY/kWh = 2/45 CNY, rounded 0.04"


areas = st.integers(0, 10**6).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
prices = st.integers(0, 10**5).map(lambda mils: f"{mils // 1000}.{mils % 1000:03d}")
heats = st.builds(Heat, st.fractions(min_value=0, max_value=10**8), st.sampled_from(["Wh", "J"]))


@given(areas, prices, prices, prices, heats, st.booleans(), st.booleans())
def test_every_charge_equals_a_recomputation(
    area: str, base: str, metered: str, prepay: str, heat: Heat, in_gj: bool, capped: bool
) -> None:
    policy = "refund_only" if capped else "refund_and_charge"
    unit = "CNY/GJ" if in_gj else "CNY/kWh"
    found = charge(tariff(base, metered, prepay, unit, policy), area, heat)

    def to_fen(yuan: Fraction) -> int:
        return (yuan * 100 + Fraction(1, 2)).__floor__()

    joules = heat.value * (3600 if heat.unit == "Wh" else 1)
    quantity = joules / (10**9 if in_gj else 3600 * 1000)
    two_part = to_fen(Fraction(area) * Fraction(base)) + to_fen(quantity * Fraction(metered))
    fee = to_fen(Fraction(area) * Fraction(prepay))
    assert found.total_fen == (min(two_part, fee) if capped else two_part)
    assert found.total_fen == sum(line.amount_fen for line in found.lines)
    assert found.settlement_fen == found.total_fen - fee


def test_the_canonical_form_reads_back_to_the_same_digest() -> None:
    first = Tariff.model_validate(DOCUMENT)
    again = Tariff.model_validate_json(first.canonical())
    assert again == first
    assert again.digest == first.digest
    assert tariff(metered="0.160").digest != first.digest


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"version": ""},
        {"currency": "EUR"},
        {"surprise": 1},
        {"valid_to": date(2010, 11, 15)},
        {"base": {"price": 12, "unit": "CNY/m2.season"}},
        {"base": {"price": 12.5, "unit": "CNY/m2.season"}},
        {"base": {"price": "-1", "unit": "CNY/m2.season"}},
        {"base": {"price": "12", "unit": "CNY/m2"}},
        {"metered": {"price": "0.16", "unit": "CNY/MWh"}},
        {"settlement": {"policy": "refund"}},
    ],
)
def test_a_bad_tariff_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Tariff.model_validate(DOCUMENT | change)


def test_a_tariff_covers_a_season_or_not() -> None:
    dated = Tariff.model_validate(DOCUMENT | {"valid_to": date(2026, 4, 1)})
    assert dated.covers(date(2025, 11, 1), date(2026, 4, 1))
    assert not dated.covers(date(2025, 11, 1), date(2026, 4, 2))
    assert not dated.covers(date(2010, 11, 14), date(2011, 4, 1))
    assert Tariff.model_validate(DOCUMENT).covers(date(2030, 1, 1), date(2031, 1, 1))
