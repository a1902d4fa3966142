"""A short season of the sample building: bills against bytes, against the truth, and run twice."""

import sqlite3
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from struct import unpack_from

import pytest

from nuan_tools.season.outcome import Outcome, settle
from nuan_tools.season.sample import SampleSeason

DAYS = 3
J_PER_KWH = 3_600_000
BUILDING_SLOT = 13
# The prices of the sample tariff, yuan.
BASE_PER_M2 = Decimal("12.00")
METERED_PER_KWH = Decimal("0.16")
PREPAID_PER_M2 = Decimal("24.00")


class Ran:
    """A season that has passed, with what its database and its flash held at the end."""

    def __init__(self, folder: Path, seed: int, days: int) -> None:
        print(f"seed {seed}, {days} days in {folder}")
        folder.mkdir()
        self.season = SampleSeason(folder, seed=seed, days=days)
        try:
            self.season.run(lambda _: None)
            self.outcome: Outcome = settle(self.season)
            self.traffic = self.season.node.traffic_digest()
        finally:
            self.season.close()
        self.image = self.season.node.spec.image.read_bytes()
        self._database = folder / "data" / "nuan.db"

    def query(self, text: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self._database)) as database:
            return database.execute(text).fetchall()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, seed: int) -> Ran:
    return Ran(tmp_path_factory.mktemp("season") / "run", seed, DAYS)


def fen(yuan: Decimal) -> int:
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


def registers_kwh(ran: Ran, slot: int) -> list[tuple[int, int]]:
    """(time, kWh) of a meter, out of the telegrams: eight BCD digits behind DIF 0C, VIF 06."""
    found = []
    query = f"SELECT time, raw FROM entry WHERE kind = 1 AND slot = {slot} AND clock > 0"
    for time, raw in ran.query(query + " ORDER BY time"):
        assert isinstance(raw, bytes)
        telegram = raw[36 + unpack_from(">H", raw, 34)[0] :]
        assert telegram[19:21] == b"\x0c\x06"
        found.append((int(str(time)), int(telegram[21:25][::-1].hex())))
    return found


def billed_kwh(ran: Ran, slot: int) -> tuple[int, int, int]:
    """Heat between the registers nearest to both ends of the season, and their instants."""
    series = registers_kwh(ran, slot)
    span = ran.season.span
    first, last = (
        min(series, key=lambda at: abs(at[0] - end_ms // 1000))
        for end_ms in (span.start_ms, span.end_ms)
    )
    return last[1] - first[1], first[0], last[0]


def test_every_bill_equals_its_recomputation_from_the_telegrams(ran: Ran) -> None:
    units = {unit.id: unit for unit in ran.season.site.units}
    assert len(ran.outcome.bills) == len(units) == 12
    for slot, bill in enumerate(ran.outcome.bills, 1):
        heat, _, _ = billed_kwh(ran, slot)
        area = units[bill.unit].area_m2
        base, metered = fen(area * BASE_PER_M2), fen(heat * METERED_PER_KWH)
        prepaid = fen(area * PREPAID_PER_M2)
        assert (bill.heat_kwh, bill.base_fen, bill.metered_fen) == (str(heat), base, metered)
        assert bill.total_fen == base + metered
        assert bill.settlement_fen == base + metered - prepaid


def test_flats_and_loss_are_the_building(ran: Ran) -> None:
    building, _, _ = billed_kwh(ran, BUILDING_SLOT)
    flats = sum(Fraction(str(bill.heat_kwh)) for bill in ran.outcome.bills)
    assert Fraction(str(ran.outcome.building_heat_kwh)) == building
    assert flats + Fraction(str(ran.outcome.loss_kwh)) == building
    assert Fraction(str(ran.outcome.loss_kwh)) > 0


def test_billed_heat_is_within_a_register_step_of_the_truth(ran: Ran) -> None:
    model = ran.season.metered.building
    for slot, bill in enumerate(ran.outcome.bills, 1):
        heat, opening_s, closing_s = billed_kwh(ran, slot)
        # The building's own ledger at the two instants, within the seconds a read-out takes.
        true_j = model.heat_j(slot - 1, closing_s * 1000) - model.heat_j(slot - 1, opening_s * 1000)
        assert abs(heat - Fraction(true_j, J_PER_KWH)) < Fraction(101, 100)
        assert bill.error_kwh < 1


def test_all_of_it_arrived(ran: Ran) -> None:
    outcome = ran.outcome
    assert (outcome.entries_lost, outcome.entries_duplicated) == (0, 0)
    assert outcome.received["bill"] == 12
    assert outcome.received["root"] >= DAYS
    assert ran.query("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == [(0,)]
    # 12 flats hourly, building and gas and two parts of electricity each quarter, a room sensor.
    assert outcome.telegrams >= DAYS * (12 * 24 + 4 * 96 + 288)


def test_one_seed_gives_the_same_bytes_again(tmp_path: Path, seed: int) -> None:
    runs = [Ran(tmp_path / f"run{number}", seed, 1) for number in range(2)]
    for query in (
        "SELECT * FROM entry ORDER BY id",
        "SELECT * FROM reading ORDER BY entry_id, idx",
        "SELECT id, version, unit, statement FROM bill ORDER BY id",
        "SELECT day, leaf_count, root FROM root ORDER BY day",
    ):
        first, second = (run.query(query) for run in runs)
        assert first
        assert first == second, query
    assert runs[0].outcome == runs[1].outcome
    assert runs[0].traffic == runs[1].traffic
    assert runs[0].image == runs[1].image, "the journal on flash differs"
