"""Decoded register values, found by metering point and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.sql.elements import ColumnElement

from nuan_gateway.store.schema import reading


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One row of `reading`: value * 10**exponent in `unit`, read at UTC second `time`."""

    entry_id: int
    idx: int
    point: str | None
    meter: str | None
    quantity: str
    unit: str
    value: int | None
    exponent: int
    storage: int
    tariff: int
    subunit: int
    function: str
    status: str
    text: str | None
    time: int
    clock: int
    decoder: int


_COLUMNS = [reading.c[name] for name in StoredReading.__slots__]


def last_before(
    connection: Connection, point: str, quantity: str, time: int
) -> StoredReading | None:
    """The latest good current register value at or before UTC second `time`."""
    query = _good(point, quantity).where(reading.c.time <= time)
    return _first(connection, query.order_by(reading.c.time.desc(), reading.c.entry_id.desc()))


def first_after(
    connection: Connection, point: str, quantity: str, time: int
) -> StoredReading | None:
    """The earliest good current register value at or after UTC second `time`."""
    query = _good(point, quantity).where(reading.c.time >= time)
    return _first(connection, query.order_by(reading.c.time, reading.c.entry_id))


def series(
    connection: Connection, point: str, quantity: str, start: int, end: int
) -> Iterator[StoredReading]:
    """Good current register values with start <= time < end, in time order."""
    query = _good(point, quantity).where(reading.c.time >= start, reading.c.time < end)
    for row in connection.execute(query.order_by(reading.c.time, reading.c.entry_id)):
        yield StoredReading(*row)


def of_entry(connection: Connection, entry_id: int) -> list[StoredReading]:
    """Everything decoded from one entry, in the telegram's order."""
    query = select(*_COLUMNS).where(reading.c.entry_id == entry_id).order_by(reading.c.idx)
    return [StoredReading(*row) for row in connection.execute(query)]


def _good(point: str, quantity: str) -> Select[*tuple[Any, ...]]:
    conditions: list[ColumnElement[bool]] = [
        reading.c.point == point,
        reading.c.quantity == quantity,
        reading.c.storage == 0,
        reading.c.tariff == 0,
        reading.c.subunit == 0,
        reading.c.function == "instantaneous",
        reading.c.status == "ok",
        reading.c.value.is_not(None),
        # A clock that was never set counts from the boot: that is no time of day.
        reading.c.clock > 0,
    ]
    return select(*_COLUMNS).where(*conditions)


def _first(connection: Connection, query: Select[*tuple[Any, ...]]) -> StoredReading | None:
    row = connection.execute(query.limit(1)).first()
    return StoredReading(*row) if row else None
