"""The outbox: messages that must leave the house, each put there with what it tells of.

A message waits (`next_at` says until when), is delivered, or is parked: refused by the receiver for
good and kept until an operator releases it. They go out by (next_at, id), so that a message that
was never refused stays behind all older ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from nuan_gateway.store.dialect import insert_ignore
from nuan_gateway.store.schema import outbox

PARKED_AT_MS = 1 << 62
"""`next_at` of a parked message."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages are in which state."""

    waiting: int
    parked: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way; `key` is the receiver's means of telling a repetition."""

    id: int
    key: str
    kind: str
    payload: str
    created_at: int
    attempts: int


def put(connection: Connection, messages: Sequence[tuple[str, str, str]], now_ms: int) -> None:
    """Add (key, kind, payload JSON) messages, due at once; a key that exists stays as it is."""
    rows = [
        {"key": key, "kind": kind, "payload": payload, "created_at": now_ms, "next_at": now_ms}
        for key, kind, payload in messages
    ]
    insert_ignore(connection, outbox, rows)


def due(connection: Connection, now_ms: int, limit: int) -> list[Message]:
    """The oldest undelivered messages whose next attempt is due."""
    columns = [outbox.c[name] for name in Message.__slots__]
    rows = connection.execute(
        select(*columns)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_at <= now_ms)
        .order_by(outbox.c.next_at, outbox.c.id)
        .limit(limit)
    )
    return [Message(*row) for row in rows]


def backlog(connection: Connection) -> Backlog:
    """Count the messages by state."""
    done = outbox.c.delivered_at.is_not(None)
    parked = outbox.c.next_at == PARKED_AT_MS
    counts = {"waiting": 0, "parked": 0, "delivered": 0}
    query = select(done, parked, func.count()).group_by(done, parked)
    for is_done, is_parked, count in connection.execute(query):
        counts["delivered" if is_done else "parked" if is_parked else "waiting"] += count
    return Backlog(**counts)


def parked(connection: Connection, limit: int) -> list[str]:
    """The keys of the oldest parked messages."""
    query = (
        select(outbox.c.key)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_at == PARKED_AT_MS)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def mark_delivered(connection: Connection, ids: Sequence[int], now_ms: int) -> None:
    """The receiver has taken these messages."""
    _mark(connection, ids, delivered_at=now_ms)


def mark_tried(connection: Connection, ids: Sequence[int]) -> None:
    """The receiver wasn't there: that says nothing about these messages, they keep their turn."""
    _mark(connection, ids)


def mark_postponed(connection: Connection, next_at_ms: Mapping[int, int]) -> None:
    """The receiver hasn't taken these messages; try each again at its instant (id -> UTC ms)."""
    if next_at_ms:
        statement = (
            update(outbox)
            .where(outbox.c.id == bindparam("row"))
            .values(next_at=bindparam("at"), attempts=outbox.c.attempts + 1)
        )
        connection.execute(statement, [{"row": r, "at": at} for r, at in next_at_ms.items()])


def park(connection: Connection, ids: Sequence[int]) -> None:
    """The receiver refuses these messages: they wait for an operator and block no other."""
    _mark(connection, ids, next_at=PARKED_AT_MS)


def release_parked(connection: Connection, now_ms: int) -> int:
    """Put all parked messages back into the queue; returns how many there were."""
    statement = (
        update(outbox)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_at == PARKED_AT_MS)
        .values(next_at=now_ms)
    )
    return connection.execute(statement).rowcount


def _mark(connection: Connection, ids: Sequence[int], **values: int) -> None:
    if ids:
        changed = update(outbox).where(outbox.c.id.in_(ids))
        connection.execute(changed.values(attempts=outbox.c.attempts + 1, **values))
