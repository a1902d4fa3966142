"""Decoded register values, found by metering point and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, distinct, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from nuan_gateway.store.schema import reading


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One row of `reading`: value * 10**exponent in `unit`, read at UTC second `time`.

    With clock 0 the node didn't know the time: `dated` is the rule that has given it one
    afterwards, or None, and then `time` is seconds since the node's boot.
    """

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
    dated: str | None = None


UNPROVED = "unconfirmed:dialect "
"""Begins the status of a reading whose meter had not yet proved the dialect named behind it."""

_COLUMNS = [reading.c[name] for name in StoredReading.__slots__]

# The first reading of an entry stands for all of them in the index of points and times.
_head = reading.alias("head")
_LATEST = (_head.c.time.desc(), _head.c.entry_id.desc(), reading.c.idx)
_EARLIEST = (_head.c.time, _head.c.entry_id, reading.c.idx)


def last_before(
    connection: Connection, point: str, quantity: str, time: int
) -> StoredReading | None:
    """The latest good current register value at or before UTC second `time`."""
    return _first(connection, _good(point, quantity, _head.c.time <= time).order_by(*_LATEST))


def first_after(
    connection: Connection, point: str, quantity: str, time: int
) -> StoredReading | None:
    """The earliest good current register value at or after UTC second `time`."""
    return _first(connection, _good(point, quantity, _head.c.time >= time).order_by(*_EARLIEST))


def series(
    connection: Connection, point: str, quantity: str, start: int, end: int
) -> Iterator[StoredReading]:
    """Good current register values with start <= time < end, in time order."""
    query = _good(point, quantity, _head.c.time >= start, _head.c.time < end)
    for row in connection.execute(query.order_by(*_EARLIEST)):
        yield StoredReading(*row)


def held_back(connection: Connection, point: str, start: int, end: int) -> int:
    """How many of the point's telegrams with start <= time < end wait for their meter's proof."""
    query = (
        select(func.count(distinct(_head.c.entry_id)))
        .select_from(_head.join(reading, reading.c.entry_id == _head.c.entry_id))
        .where(
            _head.c.idx == literal_column("0"),
            _head.c.point == point,
            _head.c.time >= start,
            _head.c.time < end,
            reading.c.status.startswith(UNPROVED, autoescape=True),
        )
    )
    return connection.scalar(query) or 0


def of_entry(connection: Connection, entry_id: int) -> list[StoredReading]:
    """Everything decoded from one entry, in the telegram's order."""
    query = select(*_COLUMNS).where(reading.c.entry_id == entry_id).order_by(reading.c.idx)
    return [StoredReading(*row) for row in connection.execute(query)]


def _good(point: str, quantity: str, *times: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    conditions: list[ColumnElement[bool]] = [
        # Written as the index has it, not as a parameter, or SQLite wouldn't use the index.
        _head.c.idx == literal_column("0"),
        _head.c.point == point,
        # A clock that was never set counts from the boot: that is no time of day.
        _head.c.clock > 0,
        *times,
        reading.c.quantity == quantity,
        reading.c.storage == 0,
        reading.c.tariff == 0,
        reading.c.subunit == 0,
        reading.c.function == "instantaneous",
        reading.c.status == "ok",
        reading.c.value.is_not(None),
    ]
    joined = _head.join(reading, reading.c.entry_id == _head.c.entry_id)
    return select(*_COLUMNS).select_from(joined).where(*conditions)


def _first(connection: Connection, query: Select[*tuple[Any, ...]]) -> StoredReading | None:
    row = connection.execute(query.limit(1)).first()
    return StoredReading(*row) if row else None
