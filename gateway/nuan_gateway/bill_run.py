"""The bill run: from what the store holds to signed bills, written with their outbox messages.

Running it again changes nothing while its inputs stay the same. When they have changed (a late
reading, another tariff or area), a new version is made that says what it corrects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sqlalchemy import Connection, Engine

from nuan_gateway.billing.balance import Balance, balance
from nuan_gateway.billing.bill import (
    Bill,
    BillInput,
    Season,
    Unit,
    bill_statement,
    compute_bill,
    correction_of,
)
from nuan_gateway.billing.consumption import TOLERANCE_S_DEFAULT, Heat, difference
from nuan_gateway.billing.decimals import exact_text
from nuan_gateway.billing.problem import Problem
from nuan_gateway.billing.tariff import Tariff
from nuan_gateway.errors import GatewayError
from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.evidence.roots import statement_digest
from nuan_gateway.evidence.signing import Signer
from nuan_gateway.periods import midnights_utc_s
from nuan_gateway.readings_at import SeasonReadings, season_readings
from nuan_gateway.site import Point, Site
from nuan_gateway.store import outbox, statements
from nuan_gateway.store.engine import begin_write
from nuan_gateway.store.statements import StoredBill

WH_PER_KWH = 1000
QUANTITY_OF_ROLE = {
    "household_heat": "energy",
    "building_heat": "energy",
    "electricity": "energy",
    "gas": "volume",
    "water": "volume",
}


class BillRunError(GatewayError):
    """The run can't start; one line says what to mend."""


@dataclass(frozen=True)
class MadeBill:
    """A unit's bill in its current version; `is_new` when this run made that version."""

    bill: Bill
    version: int
    is_new: bool

    @property
    def unit(self) -> str:
        """The unit's id."""
        return self.bill.input.unit.id


@dataclass(frozen=True)
class PointUse:
    """What a point's meter counted over the season, in `unit`; None and why when nobody can say.

    A maker's own unit has been converted, exactly.
    """

    point: str
    role: str
    value: Fraction | None
    unit: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class BillRun:
    """A season's bills, the other points' use, and the building's balance where it has one."""

    season: Season
    tariff: Tariff
    bills: tuple[MadeBill, ...]
    uses: tuple[PointUse, ...]
    balance: Balance | None

    @property
    def gas_m3(self) -> str | None:
        """Decimal text of the gas burnt, None if no meter says."""
        gas = self.use("gas")
        return None if gas is None else exact_text(gas)

    @property
    def electricity_kwh(self) -> str | None:
        """Decimal text of the electricity used, None if no meter says."""
        wh = self.use("electricity")
        return None if wh is None else exact_text(wh * Fraction(1, WH_PER_KWH))

    def use(self, role: str) -> Fraction | None:
        """Return the sum of all points of a role in their base unit, None if none is known."""
        known = [use.value for use in self.uses if use.role == role and use.value is not None]
        return sum(known, Fraction(0)) if known else None


def season_of(site: Site) -> Season:
    """Return the site's season with its boundaries in UTC seconds."""
    marks = midnights_utc_s(site.season.start, site.season.end, site.time_zone)
    return Season(
        site.season.name,
        site.season.start,
        site.season.end,
        site.site.timezone,
        marks[0],
        marks[-1],
    )


def run_bills(
    engine: Engine,
    site: Site,
    tariff: Tariff,
    signer: Signer,
    now_ms: int,
    tolerance_s: int = TOLERANCE_S_DEFAULT,
) -> BillRun:
    """Bill the site's season; bills and outbox messages are committed together or not at all."""
    season = season_of(site)
    if not tariff.covers(season.start, season.end):
        raise BillRunError(
            f"tariff {tariff.id} {tariff.version} isn't in force over {season.start}..{season.end};"
            " set valid_from and valid_to, or name another tariff in the site file"
        )
    if now_ms < season.end_s * 1000:
        raise BillRunError(
            f"the season ends on {season.end}, which is still to come; run the bills after that day"
        )
    with engine.connect() as connection:
        found = _read(connection, site, season, tolerance_s)
    bills = [
        compute_bill(_bill_input(site, season, unit, found, tariff, tolerance_s))
        for unit in _units(site)
    ]
    with begin_write(engine) as connection:
        made = tuple(_write(connection, bill, signer, now_ms) for bill in bills)
        statements.keep_tariff(connection, tariff.digest, tariff.canonical())
    uses = tuple(_use(point, seen) for point, seen in found if point.role in QUANTITY_OF_ROLE)
    return BillRun(season, tariff, made, uses, _balance(uses, bills))


def _read(
    connection: Connection, site: Site, season: Season, tolerance_s: int
) -> list[tuple[Point, SeasonReadings]]:
    marks = midnights_utc_s(season.start, season.end, site.time_zone)
    return [
        (
            point,
            season_readings(
                connection, point.id, QUANTITY_OF_ROLE[point.role], season, marks, tolerance_s
            ),
        )
        for point in site.points
        if point.role in QUANTITY_OF_ROLE
    ]


def _units(site: Site) -> list[Unit]:
    return [Unit(unit.id, unit.name, f"{unit.area_m2:f}") for unit in site.units]


def _bill_input(
    site: Site,
    season: Season,
    unit: Unit,
    found: Sequence[tuple[Point, SeasonReadings]],
    tariff: Tariff,
    tolerance_s: int,
) -> BillInput:
    given = BillInput(
        site=site.site.id,
        season=season,
        unit=unit,
        point=None,
        meter=None,
        opening=None,
        closing=None,
        tolerance_s=tolerance_s,
        tariff=tariff,
    )
    own = [
        (point, seen)
        for point, seen in found
        if point.role == "household_heat" and point.unit == unit.id
    ]
    if len(own) != 1:
        detail = f"unit {unit.id} has {len(own)} household heat points, a bill needs one"
        return replace(given, problems=(Problem("no_point", "period", detail),))
    point, seen = own[0]
    return replace(
        given,
        point=point.id,
        meter=seen.meter,
        opening=seen.opening,
        closing=seen.closing,
        entries=tuple(entry.digest.hex() for entry in seen.entries),
        problems=seen.problems,
    )


def bill_id(season: str, unit: str) -> str:
    """Return the name under which a unit's bill of a season keeps its versions."""
    return f"{season}/{unit}"


def _write(connection: Connection, bill: Bill, signer: Signer, now_ms: int) -> MadeBill:
    given = bill.input
    latest = statements.latest_bill(connection, given.season.name, given.unit.id)
    version, correction = 1, None
    if latest is not None:
        before = json.loads(latest.statement)
        again = bill_statement(bill, before["version"], before["correction"])
        if canonical_text(again) == latest.statement:
            return MadeBill(bill, latest.version, is_new=False)
        version = latest.version + 1
        correction = correction_of(before, statement_digest(latest.statement).hex(), bill)
    text = canonical_text(bill_statement(bill, version, correction))
    signature = signer.sign(text.encode())
    name = bill_id(given.season.name, given.unit.id)
    statements.add_bill(
        connection,
        StoredBill(name, version, given.season.name, given.unit.id, text, signature, now_ms),
    )
    payload = canonical_text(
        {"type": "bill", "site": given.site, "statement": text, "signature": signature.hex()}
    )
    outbox.put(connection, [(f"bill-{given.site}-{name}-{version}", "bill", payload)], now_ms)
    return MadeBill(bill, version, is_new=True)


def _use(point: Point, seen: SeasonReadings) -> PointUse:
    value: Fraction | None = None
    unit = seen.opening.unit if seen.opening else ""
    problems = list(seen.problems)
    if seen.meter and seen.opening and seen.closing and not problems:
        value, problems = difference(seen.opening, seen.closing, seen.meter.serial)
        if value is not None:
            value, unit = seen.opening.common(value)
    return PointUse(point.id, point.role, value, unit, tuple(problems))


def _balance(uses: Sequence[PointUse], bills: Sequence[Bill]) -> Balance | None:
    """The balance of a building with one heat meter whose flats are all billed by meter."""
    building = [use for use in uses if use.role == "building_heat" and use.value is not None]
    flats = [bill.heat for bill in bills if bill.heat is not None]
    if len(building) != 1 or len(flats) != len(bills):
        return None
    value = building[0].value
    return balance(Heat(value, building[0].unit), flats) if value is not None else None
