"""Which boots have been dated, and the readings that got their time from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, literal_column, select, update

from nuan_gateway.store.dialect import upsert
from nuan_gateway.store.schema import dating, entry, reading
from nuan_protocols.uplink.entry import KIND_EVENT, KIND_EXCHANGE, KIND_TOMBSTONE

OPEN = "open"
"""The rule of a boot whose time isn't known yet."""


@dataclass(frozen=True, slots=True)
class StoredDating:
    """Entries first_seq..last_seq with clock 0 count from `boot_s`, which lies between `earliest_s`
    and `latest_s`; all three are None while the rule is OPEN."""

    node: str
    epoch: str
    first_seq: int
    last_seq: int
    rule: str
    boot_s: int | None
    earliest_s: int | None
    latest_s: int | None
    event_seq: int | None
    made_at: int


_COLUMNS = [dating.c[name] for name in StoredDating.__slots__]
# Enough for every meter to have spoken: a clock that was read more often says no more.
_EXCHANGES_MAX = 1000
_TELLING = (KIND_EVENT, KIND_TOMBSTONE)


def load_open(connection: Connection) -> list[StoredDating]:
    """All boots whose time isn't known yet."""
    return [
        StoredDating(*row)
        for row in connection.execute(select(*_COLUMNS).where(dating.c.rule == OPEN))
    ]


def covering(connection: Connection, node: str, epoch: str, seq: int) -> StoredDating | None:
    """The boot that this number belongs to, if it is known."""
    row = connection.execute(
        select(*_COLUMNS)
        .where(dating.c.node == node, dating.c.epoch == epoch, dating.c.first_seq <= seq)
        .order_by(dating.c.first_seq.desc())
        .limit(1)
    ).first()
    found = StoredDating(*row) if row else None
    return found if found is not None and seq <= found.last_seq else None


def save(connection: Connection, rows: Sequence[StoredDating]) -> None:
    """Keep these, instead of what was known of the same numbers."""
    for row in rows:
        connection.execute(
            delete(dating).where(
                dating.c.node == row.node,
                dating.c.epoch == row.epoch,
                dating.c.first_seq <= row.last_seq,
                dating.c.last_seq >= row.first_seq,
            )
        )
    upsert(
        connection,
        dating,
        [{name: getattr(row, name) for name in StoredDating.__slots__} for row in rows],
    )


def lines_from(
    connection: Connection, node: str, epoch: str, seq: int
) -> Iterator[tuple[int, int, int, int, bytes]]:
    """(seq, kind, time, clock, raw) from this number on; raw only of events and tombstones."""
    mine = and_(entry.c.node == node, entry.c.epoch == epoch, entry.c.seq >= seq)
    raws = {
        row.seq: row.raw
        for row in connection.execute(
            select(entry.c.seq, entry.c.raw).where(mine, entry.c.kind.in_(_TELLING))
        )
    }
    columns = (entry.c.seq, entry.c.kind, entry.c.time, entry.c.clock)
    for row in connection.execute(select(*columns).where(mine).order_by(entry.c.seq)):
        yield row.seq, row.kind, row.time, row.clock, raws.get(row.seq, b"")


def telling_before(
    connection: Connection, node: str, epoch: str, seq: int, limit: int
) -> list[tuple[int, int, bytes]]:
    """(seq, kind, raw) of the last events and tombstones up to this number, the latest first."""
    query = (
        select(entry.c.seq, entry.c.kind, entry.c.raw)
        .where(
            entry.c.node == node,
            entry.c.epoch == epoch,
            entry.c.seq <= seq,
            entry.c.kind.in_(_TELLING),
        )
        .order_by(entry.c.seq.desc())
        .limit(limit)
    )
    return [(row.seq, row.kind, row.raw) for row in connection.execute(query)]


def last_before(
    connection: Connection, node: str, epoch: str, seq: int
) -> tuple[int, int, int] | None:
    """(seq, time, clock) of the entry before this number."""
    query = (
        select(entry.c.seq, entry.c.time, entry.c.clock)
        .where(entry.c.node == node, entry.c.epoch == epoch, entry.c.seq < seq)
        .order_by(entry.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (row.seq, row.time, row.clock) if row else None


def date_readings(connection: Connection, boot: StoredDating) -> list[tuple[int, int]]:
    """Give the boot's readings their time; (seq, UTC seconds) of each entry that has any."""
    mine = _undated(boot)
    entry_time = select(entry.c.time).where(entry.c.id == reading.c.entry_id).scalar_subquery()
    connection.execute(
        update(reading)
        .where(reading.c.entry_id.in_(select(entry.c.id).where(mine)))
        .values(time=entry_time + boot.boot_s, dated=boot.rule)
    )
    query = (
        select(entry.c.seq, reading.c.time)
        .select_from(entry.join(reading, reading.c.entry_id == entry.c.id))
        .where(mine, reading.c.idx == literal_column("0"))
        .order_by(entry.c.seq)
    )
    return [(row.seq, row.time) for row in connection.execute(query)]


def meter_clocks(connection: Connection, boot: StoredDating) -> list[tuple[int, str, str, int]]:
    """(seq, meter, what its clock showed, seconds since boot) of the boot's readings of clocks."""
    query = (
        select(entry.c.seq, reading.c.meter, reading.c.text, entry.c.time)
        .select_from(entry.join(reading, reading.c.entry_id == entry.c.id))
        .where(
            _undated(boot),
            reading.c.quantity == "datetime",
            reading.c.storage == 0,
            reading.c.tariff == 0,
            reading.c.subunit == 0,
            reading.c.function == "instantaneous",
            reading.c.meter.is_not(None),
            reading.c.text.is_not(None),
        )
    )
    return [(row.seq, row.meter, row.text, row.time) for row in connection.execute(query)]


def exchanges(connection: Connection, boot: StoredDating) -> list[bytes]:
    """Canonical bytes of the boot's exchanges that have no time of their own."""
    query = select(entry.c.raw).where(_undated(boot)).order_by(entry.c.seq).limit(_EXCHANGES_MAX)
    return list(connection.scalars(query))


def _undated(boot: StoredDating) -> Any:
    return and_(
        entry.c.node == boot.node,
        entry.c.epoch == boot.epoch,
        entry.c.seq >= boot.first_seq,
        entry.c.seq <= boot.last_seq,
        entry.c.clock == 0,
        entry.c.kind == KIND_EXCHANGE,
    )
