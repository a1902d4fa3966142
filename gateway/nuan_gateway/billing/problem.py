"""What stands in the way of billing by meter: collected as values with their source, never raised.

A bill with a problem that bars the register difference is billed by area and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProblemCode = Literal[
    "no_point",  # the unit has no household heat point
    "no_meter",  # the point has no meter at a period boundary
    "meter_exchanged",  # the point's meter changed within the period
    "no_reading",  # no valid reading near enough to a boundary
    "unreadable",  # the entry's bytes give no billing register
    "stored_reading_differs",  # the stored reading isn't what the entry's bytes say
    "serial_mismatch",  # the telegram names another meter
    "unit_changed",  # the two readings are in different units
    "register_decreased",  # the closing reading is below the opening one
    "unknown_unit",  # the register's unit is no unit of heat
    "out_of_order",  # the closing entry is numbered before the opening one
]

DERIVED: frozenset[ProblemCode] = frozenset(
    {"serial_mismatch", "unit_changed", "register_decreased", "unknown_unit"}
)
"""Problems that follow from the two readings; the others were found in looking for them."""

Place = Literal["opening", "closing", "period"]


@dataclass(frozen=True)
class Source:
    """The journal entry a value stands on; node, epoch and digest in hex."""

    node: str
    epoch: str
    seq: int
    digest: str

    def document(self) -> dict[str, str | int]:
        """Return the JSON form."""
        return {"node": self.node, "epoch": self.epoch, "seq": self.seq, "digest": self.digest}


@dataclass(frozen=True)
class Problem:
    """One finding: what (`code`), where in the bill (`place`), in words, and the entry if any."""

    code: ProblemCode
    place: Place
    detail: str
    source: Source | None = None

    def document(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "code": self.code,
            "place": self.place,
            "detail": self.detail,
            "entry": self.source.document() if self.source else None,
        }
