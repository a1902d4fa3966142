"""The one place where SQLite and PostgreSQL are told apart: inserting what may be there already."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_ignore(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; one that collides with a unique key is left out."""
    if rows:
        statement = _insert(connection)(table).on_conflict_do_nothing()
        connection.execute(statement, list(rows))


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows; one whose primary key exists replaces the other columns it names."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection)(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows)
    )


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


class BulkInsert:
    """Inserts many rows, given as tuples in the order of the table's columns.

    The driver gets the tuples as they are: the tables it serves hold nothing that SQLAlchemy would
    have to convert, and passing its conversions by makes the insert several times faster.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._names = [column.name for column in table.columns]
        self._sql: dict[str, tuple[str, bool]] = {}

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert the rows; raises IntegrityError when one exists."""
        if not rows:
            return
        sql, positional = self._compiled(connection)
        if positional:
            connection.exec_driver_sql(sql, list(rows))
        else:
            connection.exec_driver_sql(
                sql, [dict(zip(self._names, row, strict=True)) for row in rows]
            )

    def _compiled(self, connection: Connection) -> tuple[str, bool]:
        name = connection.dialect.name
        if name not in self._sql:
            compiled = self._table.insert().compile(
                dialect=connection.dialect, column_keys=self._names
            )
            self._sql[name] = (str(compiled), bool(getattr(compiled, "positional", False)))
        return self._sql[name]
