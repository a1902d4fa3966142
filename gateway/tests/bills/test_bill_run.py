"""The bill run on a real database: right to the fen, repeatable, versioned, never half-done."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import text

from nuan_gateway.bill_run import BillRun, BillRunError
from nuan_gateway.billing.decimals import half_up
from nuan_gateway.evidence.signing import signature_holds
from nuan_gateway.site import load_site

START_S = 1_761_926_400
DAY_S = 86_400


def rows(world: Any, sql: str) -> list[tuple[Any, ...]]:
    return world.bench.rows(sql)


def statements(world: Any) -> dict[str, dict[str, Any]]:
    found = rows(world, "SELECT unit, statement FROM bill ORDER BY unit, version")
    return {unit: json.loads(statement) for unit, statement in found}


def bill_of(run: BillRun, unit: str) -> Any:
    return next(made.bill for made in run.bills if made.unit == unit)


def test_every_bill_equals_a_recomputation(world: Any) -> None:
    run = world.run()
    assert [made.unit for made in run.bills] == ["101", "102", "201"]
    for slot, made in enumerate(run.bills, 1):
        area = Fraction(made.bill.input.unit.area_m2)
        kwh = world.heat_kwh(slot)
        base, metered, prepaid = (
            half_up(amount * 100) for amount in (area * 12, kwh * 16 / 100, area * 24)
        )
        assert made.bill.heat is not None
        assert Fraction(made.bill.heat.kwh_text) == kwh
        assert made.bill.charge.amount_fen("base") == base
        assert made.bill.charge.amount_fen("metered") == metered
        assert made.bill.charge.settlement_fen == base + metered - prepaid


def test_flats_and_loss_equal_the_building_meter(world: Any) -> None:
    run = world.run()
    assert run.balance is not None
    assert Fraction(run.balance.building_kwh) == world.heat_kwh(8)
    flats = sum(world.heat_kwh(slot) for slot in (1, 2, 3))
    assert Fraction(run.balance.loss_kwh) == world.heat_kwh(8) - flats
    assert run.use("gas") == Fraction(7 * 9 * 4 * 5, 100)
    assert run.use("electricity") is None


def test_statements_are_signed_and_queued_in_the_same_transaction(world: Any) -> None:
    world.run()
    bills = rows(world, "SELECT id, version, statement, signature FROM bill ORDER BY id")
    queued = dict(rows(world, "SELECT key, payload FROM outbox WHERE kind = 'bill'"))
    assert len(bills) == len(queued) == 3
    for name, version, statement, signature in bills:
        assert signature_holds(world.signer.public, signature, statement.encode())
        payload = json.loads(queued[f"bill-t1-{name}-{version}"])
        assert payload == {
            "type": "bill",
            "site": "t1",
            "statement": statement,
            "signature": signature.hex(),
        }


def test_a_statement_leads_back_to_its_entries(world: Any) -> None:
    world.run()
    statement = statements(world)["102"]
    assert statement["basis"] == "two_part"
    assert statement["problems"] == []
    assert statement["meter"] == {
        "serial": "10000002",
        "model": "mbus_heat",
        "places": [{"node": "6e75616e00000001", "config_version": 7, "slot": 2}],
    }
    assert statement["opening"]["time"] == START_S
    assert statement["closing"]["time"] == world.end_s
    assert len(statement["entries"]) == 6  # five days have six midnights
    assert statement["entries"][0] == statement["opening"]["entry"]["digest"]
    assert statement["entries"][-1] == statement["closing"]["entry"]["digest"]
    digests = {digest.hex() for (digest,) in rows(world, "SELECT digest FROM entry WHERE slot = 2")}
    assert set(statement["entries"]) <= digests


def test_a_second_run_changes_nothing(world: Any) -> None:
    first = world.run()
    before = rows(world, "SELECT * FROM bill") + rows(world, "SELECT * FROM outbox")
    world.bench.clock.ms += 1_000_000
    again = world.run()
    assert [made.is_new for made in first.bills] == [True] * 3
    assert [made.is_new for made in again.bills] == [False] * 3
    assert rows(world, "SELECT * FROM bill") + rows(world, "SELECT * FROM outbox") == before


def test_a_changed_input_makes_a_version_that_says_what_it_corrects(world: Any) -> None:
    world.run()
    units = tuple(
        unit.model_copy(update={"area_m2": unit.area_m2 + 1}) if unit.id == "102" else unit
        for unit in world.site.units
    )
    run = world.run(site=world.site.model_copy(update={"units": units}))
    assert [(made.unit, made.version, made.is_new) for made in run.bills] == [
        ("101", 1, False),
        ("102", 2, True),
        ("201", 1, False),
    ]
    correction = statements(world)["102"]["correction"]
    assert correction["corrects_version"] == 1
    assert correction["changes"] == {
        "total_fen": 1200,
        "prepaid_fen": 2400,
        "settlement_fen": -1200,
    }
    assert rows(world, "SELECT count(*) FROM outbox WHERE kind = 'bill'") == [(4,)]


def test_a_late_reading_makes_a_new_version(make_world: Callable[..., Any]) -> None:
    world = make_world()
    world.fill(last_s=world.end_s - 12 * 3600)
    first = bill_of(world.run(), "101")
    world.read(world.end_s)
    second = bill_of(world.run(), "101")
    assert first.heat.value < second.heat.value == world.heat_kwh(1) * 1000
    assert statements(world)["101"]["version"] == 2


def test_nearest_takes_the_earlier_of_two(make_world: Callable[..., Any]) -> None:
    world = make_world()
    world.fill(first_s=START_S - 3 * 3600)
    statement_times = {
        unit: (statement["opening"]["time"], statement["closing"]["time"])
        for unit, statement in (world.run(), statements(world))[1].items()
    }
    assert statement_times["101"] == (START_S - 3 * 3600, world.end_s - 3 * 3600)


PROBLEMS: dict[str, tuple[Callable[[Any], None], str, str]] = {}


def problem(code: str, place: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    def keep(make: Callable[[Any], None]) -> Callable[[Any], None]:
        PROBLEMS[make.__name__] = (make, code, place)
        return make

    return keep


@problem("no_reading", "opening")
def too_late_a_start(world: Any) -> None:
    world.fill(first_s=START_S + 2 * DAY_S)


@problem("no_reading", "closing")
def too_early_an_end(world: Any) -> None:
    world.fill(last_s=world.end_s - 2 * DAY_S)


@problem("register_decreased", "closing")
def a_register_that_fell(world: Any) -> None:
    for slot in (1, 2, 3):
        world.answers[slot, world.end_s] = telegram_of(slot, 5)
    world.fill()


@problem("serial_mismatch", "closing")
def another_meter_in_the_slot(world: Any) -> None:
    for slot in (1, 2, 3):
        world.answers[slot, world.end_s] = telegram_of(slot, 90_000, "76543210")
    world.fill()


@problem("unit_changed", "closing")
def a_register_in_another_unit(world: Any) -> None:
    for slot in (1, 2, 3):
        world.answers[slot, world.end_s] = telegram_of(slot, 90_000, vif=0x0E)
    world.fill()


@problem("meter_exchanged", "period")
def a_meter_exchanged_in_the_season(world: Any) -> None:
    middle = START_S + 2 * DAY_S
    world.fill(last_s=middle)
    world.bench.clock.ms = (middle + 60) * 1000
    renamed = {"10000001": "20000001", "10000002": "20000002", "10000003": "20000003"}
    text = (world.folder / "site.toml").read_text("utf-8").replace("version = 7", "version = 8")
    for old, new in renamed.items():
        text = text.replace(old, new)
    (world.folder / "site.toml").write_text(text, "utf-8")
    world.bench.site = load_site(world.folder / "site.toml")
    world.bench.restart()
    world.config_version = 8
    world.fill(first_s=middle + 6 * 3600)


@problem("no_reading", "opening")
def a_clock_that_was_never_set(world: Any) -> None:
    for time in range(START_S - DAY_S, START_S + DAY_S + 1, DAY_S // 2):
        world.read(time, clock=0)
    world.fill(first_s=START_S + 2 * DAY_S)


def telegram_of(slot: int, value: int, serial: str | None = None, vif: int = 0x05) -> bytes:
    from nuan_protocols.mbus.frame import long_frame

    header = bytes.fromhex(serial or f"1000000{slot}")[::-1] + bytes.fromhex("2d2c010400000000")
    digits = bytes.fromhex(f"{value:08d}")[::-1]
    return bytes(long_frame(0x08, slot, 0x72, header + bytes((0x0C, vif)) + digits))


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_bars_the_register_is_billed_by_area(
    make_world: Callable[..., Any], name: str
) -> None:
    make, code, place = PROBLEMS[name]
    world = make_world()
    make(world)
    run = world.run()
    assert run.balance is None
    statement = statements(world)["102"]
    assert statement["basis"] == "area"
    assert statement["total_fen"] == statement["prepaid_fen"] == 182_880
    assert (code, place) in {(found["code"], found["place"]) for found in statement["problems"]}
    assert statement["problems"][0]["detail"]


def test_a_register_in_megajoules_is_billed_exactly(make_world: Callable[..., Any]) -> None:
    world = make_world()
    for slot in (1, 2, 3):
        world.answers[slot, START_S] = telegram_of(slot, 5, vif=0x0E)
        world.answers[slot, world.end_s] = telegram_of(slot, 12, vif=0x0E)
    world.fill()
    bill = bill_of(world.run(), "101")
    assert bill.heat.value == 7_000_000
    assert bill.heat.kwh_text == "1.944444"
    assert bill.charge.lines[1].arithmetic == ("35/18 kWh x 0.16 CNY/kWh = 14/45 CNY, rounded 0.31")
    assert statements(world)["101"]["opening"]["value"] == "5000000"


def test_readings_of_the_meters_own_error_state_are_passed_over(
    make_world: Callable[..., Any],
) -> None:
    world = make_world()
    for slot in (1, 2, 3):
        world.answers[slot, world.end_s] = b""
    world.fill()
    bill = bill_of(world.run(), "101")
    assert bill.input.closing.time == world.end_s - 6 * 3600
    assert bill.problems == ()


def test_a_point_without_meter_bills_by_area(world: Any) -> None:
    points = tuple(point for point in world.site.points if point.unit != "101")
    run = world.run(site=world.site.model_copy(update={"points": points}))
    bill = bill_of(run, "101")
    assert [found.code for found in bill.problems] == ["no_point"]
    assert bill.charge.settlement_fen == 0


def test_a_tariff_that_is_not_in_force_stops_the_run(world: Any) -> None:
    expired = world.tariff.model_copy(update={"valid_to": world.site.season.start})
    with pytest.raises(BillRunError, match="isn't in force over 2025-11-01"):
        world.run(tariff=expired)
    assert rows(world, "SELECT count(*) FROM bill") == [(0,)]


def test_an_unfinished_season_stops_the_run(world: Any) -> None:
    world.bench.clock.ms = world.end_s * 1000 - 1
    with pytest.raises(BillRunError, match="still to come"):
        world.run()


def test_a_failure_half_way_leaves_nothing(world: Any) -> None:
    with world.bench.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER stop BEFORE INSERT ON outbox WHEN NEW.key LIKE '%201-1' "
                "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )
    with pytest.raises(Exception, match="disk full"):
        world.run()
    assert rows(world, "SELECT count(*) FROM bill") == [(0,)]
    assert rows(world, "SELECT count(*) FROM outbox WHERE kind = 'bill'") == [(0,)]


def test_a_stored_reading_that_differs_from_its_bytes_is_not_billed(world: Any) -> None:
    with world.bench.engine.begin() as connection:
        connection.execute(text("UPDATE reading SET value = value + 1 WHERE point = 'heat-101'"))
    bill = bill_of(world.run(), "101")
    assert bill.heat is None
    assert {found.code for found in bill.problems} == {"stored_reading_differs"}


def test_gigajoule_prices_bill_converted_quantities(world: Any) -> None:
    metered = world.tariff.metered.model_copy(update={"price": "44.45", "unit": "CNY/GJ"})
    run = world.run(tariff=world.tariff.model_copy(update={"metered": metered}))
    for slot, made in enumerate(run.bills, 1):
        gj = world.heat_kwh(slot) * Fraction(36, 10_000)
        assert made.bill.charge.amount_fen("metered") == half_up(gj * 4445)


def test_the_run_is_reproducible(make_world: Callable[..., Any]) -> None:
    found: list[dict[str, Any]] = []
    for name in ("a", "b"):
        world = make_world(name=name)
        world.fill()
        world.run()
        found.append(statements(world))
    assert found[0] == found[1]


def test_replaced_inputs_leave_the_old_bill_untouched(world: Any) -> None:
    world.run()
    old = rows(world, "SELECT * FROM bill WHERE unit = '101'")
    changed = replace(world, tariff=world.tariff.model_copy(update={"version": "2025-2"}))
    changed.run()
    assert rows(world, "SELECT * FROM bill WHERE unit = '101' AND version = 1") == old
    assert rows(world, "SELECT count(*) FROM tariff") == [(2,)]
