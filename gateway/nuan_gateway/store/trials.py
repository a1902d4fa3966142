"""How sure each meter's dialect is, and the readings that wait for it to be proved."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, literal_column, select, update

from nuan_gateway.store.dialect import upsert
from nuan_gateway.store.readings import UNPROVED
from nuan_gateway.store.schema import dialect_state, point_meter, reading

DENIED = "contradicted:dialect "
"""Begins the status of a reading that can't be what the dialect named behind it says."""


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """State ("confirmed", "unconfirmed", "contradicted") of one meter under one model, why, and
    what the judgement remembers, as JSON."""

    meter: str
    model: str
    state: str
    reason: str
    memory: str
    changed_at: int


_COLUMNS = [dialect_state.c[name] for name in StoredTrial.__slots__]


def load_all(connection: Connection) -> list[StoredTrial]:
    """All of them, by meter and model."""
    query = select(*_COLUMNS).order_by(dialect_state.c.meter, dialect_state.c.model)
    return [StoredTrial(*row) for row in connection.execute(query)]


def save(connection: Connection, trials: Sequence[StoredTrial]) -> None:
    """Keep these instead of what was known of the same meters."""
    rows = [{name: getattr(each, name) for name in StoredTrial.__slots__} for each in trials]
    upsert(connection, dialect_state, rows)


def accept_readings(connection: Connection, meter: str, dialect: str, decoder: int) -> int:
    """The meter has proved this dialect: readings decoded in it, which waited for that, are good.
    Returns how many."""
    points = select(point_meter.c.point).where(point_meter.c.meter == meter)
    head = reading.alias("head")
    # By the index of points and times, which has one row for each entry; 0 as the index has it.
    first = head.c.idx == literal_column("0")
    mine = select(head.c.entry_id).where(first, head.c.point.in_(points))
    accepted = connection.execute(
        update(reading)
        .where(
            reading.c.entry_id.in_(mine),
            reading.c.meter == meter,
            reading.c.decoder == decoder,
            reading.c.status == UNPROVED + dialect,
        )
        .values(status="ok")
    )
    return accepted.rowcount
