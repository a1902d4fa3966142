"""The daily root statement: what the gateway signs about one UTC day's entries.

    {"day":"2025-11-01","format":1,"kind":"root","leaf_count":1052,"previous":"<64 hex>",
     "root":"<64 hex>","site":"yq-07"}

`previous` is SHA-256 over the canonical bytes of the root statement sealed before this one (64
zeros for a site's first), so that the statements form a chain in which no day can be replaced,
left out or put in later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.evidence.merkle import merkle_root

ROOT_FORMAT = 1
NO_PREVIOUS = bytes(32)


@dataclass(frozen=True)
class SealedRoot:
    """One day's root, ready to be signed: `statement` is canonical JSON, the rest its fields."""

    day: str
    leaf_count: int
    root: bytes
    previous: bytes
    statement: str


def seal_day(
    site: str, day: str, leaves: Sequence[bytes], previous_statement: str | None
) -> SealedRoot:
    """Make the statement of `day` ("2025-11-01", UTC) over the digests received in it.

    The leaves are ordered by (node, epoch, seq).
    """
    previous = statement_digest(previous_statement) if previous_statement else NO_PREVIOUS
    root = merkle_root(leaves)
    statement = canonical_text(
        {
            "day": day,
            "format": ROOT_FORMAT,
            "kind": "root",
            "leaf_count": len(leaves),
            "previous": previous.hex(),
            "root": root.hex(),
            "site": site,
        }
    )
    return SealedRoot(day, len(leaves), root, previous, statement)


def statement_digest(statement: str) -> bytes:
    """Return SHA-256 over a statement's canonical text: how the next statement names it."""
    return hashlib.sha256(statement.encode("utf-8")).digest()
