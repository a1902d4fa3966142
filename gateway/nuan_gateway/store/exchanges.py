"""Meters and nodes that were replaced, as told at the nodes' consoles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from nuan_gateway.store.dialect import insert_ignore
from nuan_gateway.store.schema import meter_exchange


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """One row; slot 0 is the node itself, texts are as somebody typed them, "" where he didn't.

    `entry_id` is the journal entry that proves it. `read_seq` is the number, in the same journal,
    of the telegram that the node read then, None if none; `read_of` says of which meter: old, new.
    """

    entry_id: int
    node: str
    epoch: str
    seq: int
    slot: int
    time: int
    clock: int
    old_serial: str
    old_register: str
    new_serial: str
    new_register: str
    seals: str
    who: str
    note: str
    read_seq: int | None
    read_of: str


_COLUMNS = [meter_exchange.c[name] for name in StoredExchange.__slots__]


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows with the columns of StoredExchange; one that is there already stays."""
    insert_ignore(connection, meter_exchange, rows)


def load_all(connection: Connection) -> list[StoredExchange]:
    """All of them, in the order in which they came in."""
    rows = connection.execute(select(*_COLUMNS).order_by(meter_exchange.c.entry_id))
    return [StoredExchange(*row) for row in rows]
