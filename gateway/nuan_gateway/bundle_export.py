"""From the store to a tenant's bundle: one bill with everything that proves it, and nothing else.

What the bundle shows of other entries is a hash in a proof: each digest is salted with a secret of
its node, so that nobody can guess a neighbour's reading and test the guess.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from nuan_gateway.errors import GatewayError
from nuan_gateway.evidence.documents import BUNDLE_FORMAT, BUNDLE_KIND
from nuan_gateway.evidence.merkle import MerkleTree
from nuan_gateway.evidence.reread import reread
from nuan_gateway.store import entries, statements
from nuan_gateway.store.entries import StoredEntry
from nuan_gateway.store.schema import entry, reading
from nuan_protocols.uplink.keys import NodeKeys

DAY_MS = 86_400_000


class ExportError(GatewayError):
    """There is no bundle to be had; one line says why and what to do."""


@dataclass
class _Day:
    tree: MerkleTree
    leaf_of: dict[bytes, int]


def export_bundle(
    engine: Engine,
    season: str,
    unit: str,
    node_keys: Mapping[str, bytes],
    public_key: bytes,
) -> dict[str, Any]:
    """Return the bundle of the unit's newest bill; raises ExportError."""
    with engine.connect() as connection:
        bill = statements.latest_bill(connection, season, unit)
        if bill is None:
            raise ExportError(no_bill_text(connection, season, unit))
        statement = json.loads(bill.statement)
        tariff = statements.tariff_of(connection, statement["tariff"]["digest"])
        if tariff is None:
            raise ExportError(f"the tariff {statement['tariff']['digest']} isn't in the database")
        held = _held_entries(connection, statement)
        roots = _roots(connection, [_day_of(found) for found in held])
        return {
            "format": BUNDLE_FORMAT,
            "kind": BUNDLE_KIND,
            "public_key": public_key.hex(),
            "statement": statement,
            "signature": bill.signature.hex(),
            "tariff": json.loads(tariff),
            "roots": roots,
            "entries": _entry_documents(connection, held, statement, node_keys),
        }


def bundle_text(bundle: Mapping[str, Any]) -> str:
    """Return the bundle as the JSON text of its file."""
    return json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"


def no_bill_text(connection: Connection, season: str, unit: str) -> str:
    """Return the line that says why a unit has no bill."""
    known = [bill.unit for bill in statements.latest_bills(connection, season)]
    if not known:
        return f"season {season} has no bills yet; run: nuan bill run"
    return f"no bill for unit {unit!r} in season {season}; it has {', '.join(known)}"


def _held_entries(connection: Connection, statement: Mapping[str, Any]) -> list[StoredEntry]:
    """The entries that the statement names, in its order."""
    wanted = [bytes.fromhex(text) for text in statement["entries"]]
    if not wanted:
        return []
    season, tolerance_s = statement["season"], statement["reading_rule"]["tolerance_s"]
    query = (
        select(entry.c.digest, entry.c.id)
        .join(reading, reading.c.entry_id == entry.c.id)
        .where(
            reading.c.point == statement["point"],
            reading.c.time.between(
                season["start_utc"] - tolerance_s, season["end_utc"] + tolerance_s
            ),
        )
    )
    ids = {row.digest: row.id for row in connection.execute(query)}
    found = [entries.by_id(connection, ids[digest]) for digest in wanted if digest in ids]
    held = [item for item in found if item is not None]
    if len(held) != len(wanted):
        raise ExportError(f"{len(wanted) - len(held)} entries of the bill aren't in the database")
    return held


def _day_of(found: StoredEntry) -> str:
    return datetime.fromtimestamp(found.received_at // 1000, UTC).date().isoformat()


def _roots(connection: Connection, days: Sequence[str]) -> list[dict[str, Any]]:
    if not days:
        return []
    roots = statements.roots_between(connection, min(days), max(days))
    missing = sorted(set(days) - {root.day for root in roots})
    if missing:
        raise ExportError(
            f"the root of {missing[0]} isn't sealed yet: that is done once the day is over (UTC) "
            "and the gateway runs; export again then"
        )
    return [
        {"statement": json.loads(root.statement), "signature": root.signature.hex()}
        for root in roots
    ]


def _entry_documents(
    connection: Connection,
    held: Sequence[StoredEntry],
    statement: Mapping[str, Any],
    node_keys: Mapping[str, bytes],
) -> list[dict[str, Any]]:
    days: dict[str, _Day] = {}
    keys: dict[str, NodeKeys] = {}
    documents: list[dict[str, Any]] = []
    for found in held:
        day = _day_of(found)
        if day not in days:
            days[day] = _load_day(connection, day)
        if found.node not in keys:
            if found.node not in node_keys:
                raise ExportError(f"keys.toml has no key of node {found.node}")
            keys[found.node] = NodeKeys(node_keys[found.node])
        leaf = days[day].leaf_of[found.digest]
        reads = reread(found.raw, statement["meter"]["model"])
        documents.append(
            {
                "raw": found.raw.hex(),
                "salt": keys[found.node].salt(bytes.fromhex(found.epoch), found.seq).hex(),
                "digest": found.digest.hex(),
                "day": day,
                "leaf": leaf,
                "proof": [step.hex() for step in days[day].tree.proof(leaf)],
                "reads": reads.document(),
            }
        )
    return documents


def _load_day(connection: Connection, day: str) -> _Day:
    start_ms = (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_MS
    digests = entries.digests_between(connection, start_ms, start_ms + DAY_MS)
    return _Day(MerkleTree(digests), {digest: index for index, digest in enumerate(digests)})
