"""What came of a season: bills beside the truth, the building's balance, the room, the feed."""

import json
import time
import urllib.request
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection, Engine, func, select

from nuan_gateway.bill_run import BillRun, MadeBill
from nuan_gateway.billing.consumption import kwh_text
from nuan_gateway.billing.decimals import exact_text
from nuan_gateway.store import outbox
from nuan_gateway.store.schema import entry, tombstone
from nuan_gateway.workspace import open_workspace
from nuan_protocols.uplink.entry import KIND_EXCHANGE
from nuan_tools.errors import UserError
from nuan_tools.season.sample import SampleSeason

DELIVERY_TIMEOUT_S = 60


@dataclass(frozen=True)
class UnitBill:
    """One flat's bill beside the heat the building model really gave it."""

    unit: str
    area_m2: str
    heat_kwh: str | None
    true_heat_kwh: str | None
    base_fen: int
    metered_fen: int
    total_fen: int
    prepaid_fen: int
    settlement_fen: int

    @property
    def error_kwh(self) -> Fraction:
        """How far the billed heat is from the truth; 0 for a flat billed by area."""
        if self.heat_kwh is None or self.true_heat_kwh is None:
            return Fraction(0)
        return abs(Fraction(self.heat_kwh) - Fraction(self.true_heat_kwh))


@dataclass(frozen=True)
class Outcome:
    """A season's results; quantities are decimal text, money whole fen."""

    bills: tuple[UnitBill, ...]
    telegrams: int
    entries_lost: int
    entries_duplicated: int
    building_heat_kwh: str | None
    loss_kwh: str | None
    gas_m3: str | None
    electricity_kwh: str | None
    hours_above_limit: str
    hours_above_limit_uncontrolled: str
    received: dict[str, int]
    season_days: int

    @property
    def feed_delivered(self) -> int:
        """Different messages the heating company holds."""
        return sum(self.received.values())

    @property
    def max_heat_error_kwh(self) -> str:
        """The largest distance of a billed heat from the truth."""
        return exact_text(max((bill.error_kwh for bill in self.bills), default=Fraction(0)))


def settle(season: SampleSeason) -> Outcome:
    """Bill the season that has passed, wait until the feed is delivered, and gather the results."""
    with open_workspace(season.folder) as gateway:
        run, _ = gateway.bill()
        _await_delivery(gateway.engine, season)
        return _outcome(gateway.engine, season, run)


def _outcome(engine: Engine, season: SampleSeason, run: BillRun) -> Outcome:
    zone = season.site.zones[0]
    room = season.metered.building.room
    hours = room.hours_above(zone.legal_max_dc, season.span.start_ms, season.span.end_ms)
    with engine.connect() as connection:
        telegrams = _exchanges(connection)
        lost, duplicated = _lost(connection), _duplicated(connection)
    return Outcome(
        bills=tuple(_unit_bill(season, made) for made in run.bills),
        telegrams=telegrams,
        entries_lost=lost,
        entries_duplicated=duplicated,
        building_heat_kwh=run.balance.building_kwh if run.balance else None,
        loss_kwh=run.balance.loss_kwh if run.balance else None,
        gas_m3=run.gas_m3,
        electricity_kwh=run.electricity_kwh,
        hours_above_limit=f"{hours[0]:.1f}",
        hours_above_limit_uncontrolled=f"{hours[1]:.1f}",
        received=_received(season),
        season_days=season.span.days,
    )


def _unit_bill(season: SampleSeason, made: MadeBill) -> UnitBill:
    bill, given = made.bill, made.bill.input
    true_kwh: str | None = None
    if given.opening is not None and given.closing is not None:
        truth = season.metered.truth[given.unit.id]
        true_j = truth.heat_j(given.closing.time) - truth.heat_j(given.opening.time)
        true_kwh = kwh_text(Fraction(true_j))
    return UnitBill(
        unit=given.unit.id,
        area_m2=given.unit.area_m2,
        heat_kwh=bill.heat.kwh_text if bill.heat else None,
        true_heat_kwh=true_kwh,
        base_fen=bill.charge.amount_fen("base"),
        metered_fen=bill.charge.amount_fen("metered"),
        total_fen=bill.charge.total_fen,
        prepaid_fen=bill.charge.prepaid_fen,
        settlement_fen=bill.charge.settlement_fen,
    )


def _exchanges(connection: Connection) -> int:
    query = select(func.count()).where(entry.c.kind == KIND_EXCHANGE)
    return int(connection.scalar(query) or 0)


def _lost(connection: Connection) -> int:
    """Numbers up to each journal's highest that neither an entry nor a tombstone accounts for."""
    journals = connection.execute(
        select(entry.c.node, entry.c.epoch, func.max(entry.c.seq), func.count()).group_by(
            entry.c.node, entry.c.epoch
        )
    )
    missing = sum(int(highest) - int(count) for _node, _epoch, highest, count in journals)
    named = connection.scalar(select(func.sum(tombstone.c.last - tombstone.c.first + 1)))
    return missing - int(named or 0)


def _duplicated(connection: Connection) -> int:
    """Exchanges that stand under two numbers: same journal, slot, time, question and answer."""
    # Byte 22 on is what an entry says; before it stand version, kind, journal and number.
    content = func.substr(entry.c.raw, 23)
    groups = (
        select(func.count().label("times"))
        .where(entry.c.kind == KIND_EXCHANGE)
        .group_by(entry.c.node, entry.c.epoch, content)
        .having(func.count() > 1)
        .subquery()
    )
    return int(connection.scalar(select(func.sum(groups.c.times - 1))) or 0)


def _await_delivery(engine: Engine, season: SampleSeason) -> None:
    deadline = time.monotonic() + DELIVERY_TIMEOUT_S
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if not outbox.backlog(connection).waiting:
                return
        time.sleep(0.05)
    raise UserError(
        f"the feed was not delivered within {DELIVERY_TIMEOUT_S} s;"
        f" see {season.gateway.log if season.gateway else season.folder}"
    )


def _received(season: SampleSeason) -> dict[str, int]:
    with urllib.request.urlopen(f"{season.receiver.url}/status", timeout=10) as answer:  # noqa: S310
        kinds: dict[str, int] = json.load(answer)["kinds"]
    return kinds
