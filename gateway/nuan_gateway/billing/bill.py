"""One unit's heat bill for one season, as a statement that anyone can recompute.

`bill_statement` is the whole bill: everything in it is either given (site, unit, season, readings,
tariff) or follows from what is given by the rules of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from nuan_gateway.billing.consumption import (
    READING_RULE,
    Heat,
    Register,
    consumption,
)
from nuan_gateway.billing.problem import Problem
from nuan_gateway.billing.tariff import RULES_VERSION, Charge, Tariff, charge

STATEMENT_FORMAT = 1


@dataclass(frozen=True)
class Season:
    """The period billed: civil days [start, end) and the same boundaries in UTC seconds."""

    name: str
    start: date
    end: date
    timezone: str
    start_s: int
    end_s: int


@dataclass(frozen=True, order=True)
class SlotPlace:
    """Where a meter's entries come from: the slot of a node under a configuration version."""

    node: str
    config_version: int
    slot: int


@dataclass(frozen=True)
class Meter:
    """The meter a bill stands on, with the places whose entries the bill uses."""

    serial: str
    model: str
    profile_version: int
    places: tuple[SlotPlace, ...]


@dataclass(frozen=True)
class Unit:
    """A flat or shop: `area_m2` is decimal text, the chargeable area."""

    id: str
    name: str
    area_m2: str


@dataclass(frozen=True)
class BillInput:
    """All that a bill is made from; `problems` are those found while looking for the readings."""

    site: str
    season: Season
    unit: Unit
    point: str | None
    meter: Meter | None
    opening: Register | None
    closing: Register | None
    tolerance_s: int
    tariff: Tariff
    entries: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Bill:
    """A computed bill: the heat billed (None when by area), the charge, all problems."""

    input: BillInput
    heat: Heat | None
    charge: Charge
    problems: tuple[Problem, ...]


def compute_bill(given: BillInput) -> Bill:
    """Compute one bill; whatever bars the register difference makes it a bill by area."""
    heat: Heat | None = None
    problems = list(given.problems)
    if given.meter and given.opening and given.closing:
        heat, found = consumption(given.opening, given.closing, given.meter.serial)
        problems += found
    elif not problems:
        problems.append(Problem("no_reading", "period", "not both readings are there"))
    if problems:
        heat = None
    return Bill(given, heat, charge(given.tariff, given.unit.area_m2, heat), tuple(problems))


def bill_statement(
    bill: Bill, version: int, correction: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the bill's statement, ready for canonical JSON; keys and units: docs/billing.md."""
    given = bill.input
    meter = given.meter
    return {
        "format": STATEMENT_FORMAT,
        "kind": "bill",
        "site": given.site,
        "season": _season_document(given.season),
        "unit": {"id": given.unit.id, "name": given.unit.name, "area_m2": given.unit.area_m2},
        "version": version,
        "correction": correction,
        "point": given.point,
        "meter": _meter_document(meter) if meter else None,
        "reading_rule": {"name": READING_RULE, "tolerance_s": given.tolerance_s},
        "opening": given.opening.document() if given.opening else None,
        "closing": given.closing.document() if given.closing else None,
        "heat_kwh": bill.heat.kwh_text if bill.heat else None,
        "basis": "two_part" if bill.heat else "area",
        "lines": [line.document() for line in bill.charge.lines],
        "total_fen": bill.charge.total_fen,
        "prepaid_fen": bill.charge.prepaid_fen,
        "settlement_fen": bill.charge.settlement_fen,
        "tariff": {
            "id": given.tariff.id,
            "version": given.tariff.version,
            "digest": given.tariff.digest,
        },
        "versions": {
            "profile": meter.profile_version if meter else None,
            "rules": RULES_VERSION,
        },
        "entries": list(given.entries),
        "problems": [problem.document() for problem in bill.problems],
    }


def correction_of(
    previous_statement: Mapping[str, object], previous_digest: str, bill: Bill
) -> dict[str, object]:
    """Return what changed against the version before: the difference of every total, in fen."""
    changes = {
        key: new - _whole(previous_statement, key)
        for key, new in (
            ("total_fen", bill.charge.total_fen),
            ("prepaid_fen", bill.charge.prepaid_fen),
            ("settlement_fen", bill.charge.settlement_fen),
        )
    }
    return {
        "corrects_version": _whole(previous_statement, "version"),
        "statement_digest": previous_digest,
        "changes": changes,
    }


def _whole(document: Mapping[str, object], key: str) -> int:
    value = document[key]
    if not isinstance(value, int):
        raise TypeError(f"{key} is {value!r}, not a whole number")
    return value


def _season_document(season: Season) -> dict[str, object]:
    return {
        "name": season.name,
        "start": season.start.isoformat(),
        "end": season.end.isoformat(),
        "timezone": season.timezone,
        "start_utc": season.start_s,
        "end_utc": season.end_s,
    }


def _meter_document(meter: Meter) -> dict[str, object]:
    places = [
        {"node": place.node, "config_version": place.config_version, "slot": place.slot}
        for place in meter.places
    ]
    return {"serial": meter.serial, "model": meter.model, "places": places}
