"""Writing many rows at once; the one place where SQLite and PostgreSQL are told apart.

Each statement is compiled once, and the driver gets the values as they are: the tables hold nothing
that SQLAlchemy would have to convert, and passing its conversions by is several times faster.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

INSERT = "insert"
IGNORE = "ignore"
UPDATE = "update"


def insert_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; one that collides with a unique key is left out."""
    _write(connection, table, rows, IGNORE)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; one whose primary key exists replaces the other columns it names."""
    _write(connection, table, rows, UPDATE)


def insert_tuples(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given in the order of the table's columns; IntegrityError when one exists."""
    if not rows:
        return
    names = _column_names(table)
    sql, order = _statement(connection.dialect.name, table, names, INSERT)
    if order == names:
        connection.exec_driver_sql(sql, list(rows))
    else:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(sql, named)


def _write(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], conflict: str
) -> None:
    if not rows:
        return
    sql, order = _statement(connection.dialect.name, table, tuple(rows[0]), conflict)
    if order:
        connection.exec_driver_sql(sql, [tuple(row[name] for name in order) for row in rows])
    else:
        connection.exec_driver_sql(sql, [dict(row) for row in rows])


@lru_cache(maxsize=64)
def _column_names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


@lru_cache(maxsize=256)
def _statement(
    dialect_name: str, table: Table, names: tuple[str, ...], conflict: str
) -> tuple[str, tuple[str, ...]]:
    """The SQL, and the names in the order of its marks; no names when the marks are named."""
    on_postgresql = dialect_name == "postgresql"
    statement: Any = (postgresql if on_postgresql else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    if conflict == IGNORE:
        statement = statement.on_conflict_do_nothing()
    elif conflict == UPDATE:
        changed = {name: statement.excluded[name] for name in names if name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    dialect: Dialect = (postgresql if on_postgresql else sqlite).dialect()
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    return str(compiled), tuple(compiled.positiontup or ())
