"""Daily signed roots and the bills: the statements the gateway has put its name to."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from nuan_gateway.store.dialect import insert_ignore
from nuan_gateway.store.schema import bill, root, tariff


@dataclass(frozen=True, slots=True)
class StoredRoot:
    """The signed statement over all digests received on one UTC day ("2026-11-20")."""

    day: str
    leaf_count: int
    root: bytes
    previous: bytes
    statement: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class StoredBill:
    """One version of one flat's bill for one season."""

    id: str
    version: int
    season: str
    unit: str
    statement: str
    signature: bytes
    created_at: int


_ROOT = [root.c[name] for name in StoredRoot.__slots__]
_BILL = [bill.c[name] for name in StoredBill.__slots__]


def add_root(connection: Connection, sealed: StoredRoot) -> None:
    """Keep a day's root; a day is sealed once."""
    connection.execute(
        insert(root), [{name: getattr(sealed, name) for name in StoredRoot.__slots__}]
    )


def root_of(connection: Connection, day: str) -> StoredRoot | None:
    """The root of a UTC day, None while it isn't sealed."""
    row = connection.execute(select(*_ROOT).where(root.c.day == day)).first()
    return StoredRoot(*row) if row else None


def last_root(connection: Connection) -> StoredRoot | None:
    """The latest sealed day."""
    row = connection.execute(select(*_ROOT).order_by(root.c.day.desc()).limit(1)).first()
    return StoredRoot(*row) if row else None


def roots_between(connection: Connection, first: str, last: str) -> list[StoredRoot]:
    """The roots of the UTC days first..last, both included, in order."""
    query = select(*_ROOT).where(root.c.day.between(first, last)).order_by(root.c.day)
    return [StoredRoot(*row) for row in connection.execute(query)]


def keep_tariff(connection: Connection, digest: str, document: str) -> None:
    """Keep a tariff's canonical text under its digest, for as long as bills name it."""
    insert_ignore(connection, tariff, [{"digest": digest, "document": document}])


def tariff_of(connection: Connection, digest: str) -> str | None:
    """The canonical text of the tariff that a bill names."""
    return connection.scalar(select(tariff.c.document).where(tariff.c.digest == digest))


def add_bill(connection: Connection, made: StoredBill) -> None:
    """Keep a bill; versions are never overwritten."""
    connection.execute(insert(bill), [{name: getattr(made, name) for name in StoredBill.__slots__}])


def latest_bill(connection: Connection, season: str, unit: str) -> StoredBill | None:
    """The newest version of the flat's bill for the season."""
    query = select(*_BILL).where(bill.c.season == season, bill.c.unit == unit)
    row = connection.execute(query.order_by(bill.c.version.desc()).limit(1)).first()
    return StoredBill(*row) if row else None


def latest_bills(connection: Connection, season: str) -> list[StoredBill]:
    """The newest version of every bill of the season, by flat."""
    newest = (
        select(bill.c.id, func.max(bill.c.version).label("version"))
        .where(bill.c.season == season)
        .group_by(bill.c.id)
        .subquery()
    )
    query = select(*_BILL).join(
        newest, (bill.c.id == newest.c.id) & (bill.c.version == newest.c.version)
    )
    return [StoredBill(*row) for row in connection.execute(query.order_by(bill.c.unit))]
