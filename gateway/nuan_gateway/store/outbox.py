"""The outbox: messages that must leave the house, each put there with what it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from nuan_gateway.store.dialect import insert_ignore
from nuan_gateway.store.schema import outbox


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
    """The oldest undelivered messages whose next attempt is due, in order of their making."""
    columns = [outbox.c[name] for name in Message.__slots__]
    rows = connection.execute(
        select(*columns)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_at <= now_ms)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [Message(*row) for row in rows]


def next_due(connection: Connection) -> int | None:
    """When the next attempt is due (UTC ms); None when everything is delivered."""
    query = select(func.min(outbox.c.next_at)).where(outbox.c.delivered_at.is_(None))
    earliest: int | None = connection.scalar(query)
    return earliest


def waiting(connection: Connection) -> int:
    """How many messages aren't delivered yet."""
    count = select(func.count()).select_from(outbox).where(outbox.c.delivered_at.is_(None))
    return connection.scalar(count) or 0


def mark_delivered(connection: Connection, ids: Sequence[int], now_ms: int) -> None:
    """The receiver has taken these messages."""
    if ids:
        connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(ids))
            .values(delivered_at=now_ms, attempts=outbox.c.attempts + 1)
        )


def mark_failed(connection: Connection, message_id: int, next_at_ms: int) -> None:
    """The receiver hasn't taken this message; try again at `next_at_ms`."""
    connection.execute(
        update(outbox)
        .where(outbox.c.id == message_id)
        .values(next_at=next_at_ms, attempts=outbox.c.attempts + 1)
    )
