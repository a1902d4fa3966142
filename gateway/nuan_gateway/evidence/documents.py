"""The JSON documents of a bundle, as strict models: an unknown or missing key is an error.

bundle
  public_key     the gateway's, 64 hex digits
  statement      the bill (billing.bill.bill_statement); signature over its canonical bytes
  tariff         the tariff whose digest the statement names
  roots          the signed daily roots, a gapless run of the site's chain of statements
  entries        the tenant's own entries, in the order in which the statement names them
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from nuan_gateway.billing.problem import Place, ProblemCode
from nuan_gateway.billing.tariff import Tariff

BUNDLE_FORMAT = 1
BUNDLE_KIND = "nuan-bill-bundle"
BUNDLE_BYTES_MAX = 50_000_000


def _iso_day(value: object) -> date:
    """Read 2025-11-01 and no other spelling: Python's and pydantic's readers take several."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a date is written as 2025-11-01")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_iso_day)]
# A Literal would take true for 1.
FormatOne = Annotated[int, Field(ge=1, le=1)]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})*$")]
Hex8 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
Whole = Annotated[int, Field(ge=0, le=(1 << 63) - 1)]
Decimal = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,20})(\.[0-9]{1,18})?$")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EntryRef(_Document):
    """Names one journal entry."""

    node: Hex8
    epoch: Hex8
    seq: Whole
    digest: Hex32


class SeasonDoc(_Document):
    """The period billed."""

    name: str
    start: Day
    end: Day
    timezone: str
    start_utc: int
    end_utc: int


class UnitDoc(_Document):
    """The flat."""

    id: str
    name: str
    area_m2: Decimal


class PlaceDoc(_Document):
    """Where the meter's entries come from."""

    node: Hex8
    config_version: Whole
    slot: Whole


class MeterDoc(_Document):
    """The meter."""

    serial: str
    model: str
    places: list[PlaceDoc]


class RuleDoc(_Document):
    """How readings were chosen for the boundaries."""

    name: Literal["nearest"]
    tolerance_s: Whole


class WorthDoc(_Document):
    """What one of a maker's own units is worth in a unit everybody knows."""

    factor: str
    unit: str


class RegisterDoc(_Document):
    """An opening or closing reading; `worth` only where the unit is of the meter's own making."""

    time: Whole
    clock: Whole
    value: str
    integer: int
    exponent: int
    unit: str
    worth: WorthDoc | None = None
    entry: EntryRef


class LineDoc(_Document):
    """A bill line."""

    item: Literal["base", "metered", "area", "cap"]
    arithmetic: str
    amount_fen: int


class TariffRef(_Document):
    """Names the tariff."""

    id: str
    version: str
    digest: Hex32


class VersionsDoc(_Document):
    """The versions of the rules that read the bytes and made the amounts."""

    profile: int | None
    rules: int


class ProblemDoc(_Document):
    """What stood in the way of billing by meter."""

    code: ProblemCode
    place: Place
    detail: str
    entry: EntryRef | None


class ChangesDoc(_Document):
    """Differences to the version before."""

    total_fen: int
    prepaid_fen: int
    settlement_fen: int


class CorrectionDoc(_Document):
    """What this version corrects."""

    corrects_version: Whole
    statement_digest: Hex32
    changes: ChangesDoc


class StatementDoc(_Document):
    """A bill's statement."""

    format: FormatOne
    kind: Literal["bill"]
    site: str
    season: SeasonDoc
    unit: UnitDoc
    version: Annotated[int, Field(ge=1)]
    correction: CorrectionDoc | None
    point: str | None
    meter: MeterDoc | None
    reading_rule: RuleDoc
    opening: RegisterDoc | None
    closing: RegisterDoc | None
    heat_kwh: str | None
    basis: Literal["two_part", "area"]
    lines: list[LineDoc]
    total_fen: int
    prepaid_fen: int
    settlement_fen: int
    tariff: TariffRef
    versions: VersionsDoc
    entries: list[Hex32]
    problems: list[ProblemDoc]


class RootStatementDoc(_Document):
    """What the gateway signed about one UTC day."""

    day: Day
    format: FormatOne
    kind: Literal["root"]
    leaf_count: Whole
    previous: Hex32
    root: Hex32
    site: str


class RootDoc(_Document):
    """A day's signed root."""

    statement: RootStatementDoc
    signature: Hex64


class RegisterReadDoc(_Document):
    """One register of interest in an answer."""

    quantity: str
    value: str | None
    unit: str
    storage: Whole
    tariff: Whole
    subunit: Whole
    function: str
    status: str
    text: str


class ReadsDoc(_Document):
    """What an entry's bytes say."""

    node: Hex8
    epoch: Hex8
    seq: Whole
    time: Whole
    clock: Whole
    config_version: Whole
    slot: Whole
    question: Hex
    answer: Hex
    serial: str | None
    registers: list[RegisterReadDoc]


class EntryDoc(_Document):
    """An entry with its proof: leaf number `leaf` of the day's tree."""

    raw: Hex
    salt: Hex16
    digest: Hex32
    day: Day
    leaf: Whole
    proof: list[Hex32]
    reads: ReadsDoc


class BundleDoc(_Document):
    """A whole bundle."""

    format: FormatOne
    kind: Literal["nuan-bill-bundle"]
    public_key: Hex32
    statement: StatementDoc
    signature: Hex64
    tariff: Tariff
    roots: list[RootDoc]
    entries: list[EntryDoc]
