"""Journal entries as they came, and what is known about each node's journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from nuan_gateway.store.dialect import insert_ignore
from nuan_gateway.store.schema import conflict, entry, tombstone


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One row of `entry`; `raw` are the canonical bytes that `digest` stands for."""

    id: int
    node: str
    epoch: str
    seq: int
    kind: int
    time: int
    clock: int
    slot: int | None
    raw: bytes
    digest: bytes
    received_at: int


_COLUMNS = [entry.c[name] for name in StoredEntry.__slots__]


def by_id(connection: Connection, entry_id: int) -> StoredEntry | None:
    """The entry with this row id."""
    row = connection.execute(select(*_COLUMNS).where(entry.c.id == entry_id)).first()
    return StoredEntry(*row) if row else None


def by_number(connection: Connection, node: str, epoch: str, seq: int) -> StoredEntry | None:
    """The entry with this number in this journal."""
    query = select(*_COLUMNS).where(
        entry.c.node == node, entry.c.epoch == epoch, entry.c.seq == seq
    )
    row = connection.execute(query).first()
    return StoredEntry(*row) if row else None


def digests_between(connection: Connection, start_ms: int, end_ms: int) -> list[bytes]:
    """Digests of entries with start <= received_at < end, in the order of a day's leaves."""
    query = (
        select(entry.c.digest)
        .where(entry.c.received_at >= start_ms, entry.c.received_at < end_ms)
        .order_by(entry.c.node, entry.c.epoch, entry.c.seq)
    )
    return list(connection.scalars(query))


def digests_of(
    connection: Connection, node: str, epoch: str, first: int, last: int
) -> dict[int, bytes]:
    """Number -> digest of the committed entries first..last of a journal."""
    query = select(entry.c.seq, entry.c.digest).where(
        entry.c.node == node, entry.c.epoch == epoch, entry.c.seq.between(first, last)
    )
    return {row.seq: row.digest for row in connection.execute(query)}


def last_id(connection: Connection) -> int:
    """The highest row id so far; 0 for an empty database."""
    return connection.scalar(select(func.max(entry.c.id))) or 0


def first_received(connection: Connection, from_ms: int) -> int | None:
    """The earliest received_at that is not before `from_ms`."""
    query = select(func.min(entry.c.received_at)).where(entry.c.received_at >= from_ms)
    earliest: int | None = connection.scalar(query)
    return earliest


def count(connection: Connection) -> int:
    """How many entries are committed."""
    return connection.scalar(select(func.count()).select_from(entry)) or 0


def add_tombstones(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what tombstone entries say, beside the entries themselves."""
    if rows:
        connection.execute(insert(tombstone), list(rows))


def add_conflicts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep entries that contradict what is committed; the same one again adds nothing."""
    insert_ignore(connection, conflict, rows)
