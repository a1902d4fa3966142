"""The links from the two registers to the total: the statement is made again and compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nuan_gateway.billing.bill import (
    BillInput,
    Meter,
    Season,
    SlotPlace,
    Unit,
    bill_statement,
    compute_bill,
)
from nuan_gateway.billing.consumption import CLOCK_QUALITY_MIN, Register
from nuan_gateway.billing.problem import DERIVED, Problem, Source
from nuan_gateway.billing.tariff import RULES_VERSION
from nuan_gateway.evidence.differences import differences
from nuan_gateway.evidence.documents import (
    BundleDoc,
    EntryRef,
    ProblemDoc,
    RegisterDoc,
    SeasonDoc,
    StatementDoc,
)
from nuan_gateway.evidence.finding import Finding
from nuan_gateway.evidence.reread import RereadError, reread
from nuan_gateway.periods import midnight_utc_s, zone_of
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile


def check_bill(raw: dict[str, Any], bundle: BundleDoc) -> Iterator[Finding]:
    """The statement follows from its entries and its tariff, to the fen and to the letter."""
    statement = bundle.statement
    yield from _check_versions(statement)
    yield from _check_season(statement.season)
    if not bundle.tariff.covers(statement.season.start, statement.season.end):
        yield Finding("tariff", "isn't in force over the season")
    profile = _profile(statement)
    registers: dict[str, Register | None] = {}
    for place, document in (("opening", statement.opening), ("closing", statement.closing)):
        registers[place] = None
        if document is not None:
            found = _register(place, document, bundle, profile)
            if isinstance(found, Finding):
                yield found
                return
            registers[place] = found
            yield from _check_boundary(place, found, statement)
    given = _given(bundle, registers["opening"], registers["closing"])
    bill = compute_bill(given)
    expected = bill_statement(bill, statement.version, raw["correction"])
    for path, detail in differences(raw, expected, "statement"):
        yield Finding(_link(path), f"{path} {detail}")


def _check_versions(statement: StatementDoc) -> Iterator[Finding]:
    if statement.versions.rules != RULES_VERSION:
        made = statement.versions.rules
        yield Finding("versions", f"made by billing rules {made}, this nuan has {RULES_VERSION}")
    correction = statement.correction
    if (correction is None) != (statement.version == 1) or (
        correction is not None and correction.corrects_version != statement.version - 1
    ):
        yield Finding("correction", f"version {statement.version} must correct the one before it")


def _check_season(season: SeasonDoc) -> Iterator[Finding]:
    zone = zone_of(season.timezone)
    if zone is None:
        yield Finding("season", f"{season.timezone!r} is no time zone")
        return
    marks = (midnight_utc_s(season.start, zone), midnight_utc_s(season.end, zone))
    if marks != (season.start_utc, season.end_utc) or season.start >= season.end:
        yield Finding("season", f"its boundaries are {marks[0]} and {marks[1]} UTC seconds")


def _profile(statement: StatementDoc) -> Profile | None:
    """The profile the bill was made with: a later version might read the same bytes otherwise."""
    meter = statement.meter
    if meter is None:
        return None
    try:
        return registry.profile(meter.model, statement.versions.profile)
    except registry.UnknownModelError:
        return None


def _register(
    place: str, document: RegisterDoc, bundle: BundleDoc, profile: Profile | None
) -> Register | Finding:
    link = f"{place} register"
    meter = bundle.statement.meter
    if meter is None or profile is None:
        return Finding(link, "the statement names no meter of a known model and version")
    at = 0 if place == "opening" else -1
    if not bundle.entries or bundle.entries[at].digest != document.entry.digest:
        which = "first" if place == "opening" else "last"
        return Finding(link, f"its entry isn't the {which} of the bundle")
    entry = bundle.entries[at]
    try:
        found = reread(bytes.fromhex(entry.raw), meter.model, profile.version).register(
            profile, entry.digest
        )
    except RereadError as error:
        return Finding(link, f"its entry can't be read: {error}")
    return found or Finding(link, "its entry holds no good value of the billing register")


def _check_boundary(place: str, register: Register, statement: StatementDoc) -> Iterator[Finding]:
    season = statement.season
    boundary = season.start_utc if place == "opening" else season.end_utc
    if abs(register.time - boundary) > statement.reading_rule.tolerance_s:
        yield Finding(f"{place} register", "was read too far from the season's boundary")
    if register.clock < CLOCK_QUALITY_MIN:
        yield Finding(f"{place} register", "was read when the node's clock was never set")


def _given(bundle: BundleDoc, opening: Register | None, closing: Register | None) -> BillInput:
    statement = bundle.statement
    season, meter = statement.season, statement.meter
    profile = _profile(statement)
    return BillInput(
        site=statement.site,
        season=Season(
            season.name,
            season.start,
            season.end,
            season.timezone,
            season.start_utc,
            season.end_utc,
        ),
        unit=Unit(statement.unit.id, statement.unit.name, statement.unit.area_m2),
        point=statement.point,
        meter=None
        if meter is None
        else Meter(
            meter.serial,
            meter.model,
            profile.version if profile else 0,
            tuple(SlotPlace(p.node, p.config_version, p.slot) for p in meter.places),
        ),
        opening=opening,
        closing=closing,
        tolerance_s=statement.reading_rule.tolerance_s,
        tariff=bundle.tariff,
        entries=tuple(statement.entries),
        problems=tuple(_problem(p) for p in statement.problems if p.code not in DERIVED),
    )


def _problem(document: ProblemDoc) -> Problem:
    return Problem(document.code, document.place, document.detail, _source(document.entry))


def _source(entry: EntryRef | None) -> Source | None:
    return Source(entry.node, entry.epoch, entry.seq, entry.digest) if entry else None


def _link(path: str) -> str:
    """The link that a differing place of the statement belongs to."""
    step = path.removeprefix("statement.").split(".")[0].split("[")[0]
    return {
        "opening": "opening register",
        "closing": "closing register",
        "heat_kwh": "consumption",
        "basis": "consumption",
        "lines": "bill lines",
        "total_fen": "totals",
        "prepaid_fen": "totals",
        "settlement_fen": "totals",
        "tariff": "tariff",
        "versions": "versions",
    }.get(step, "statement")
