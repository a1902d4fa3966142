"""The database: its migrations, its rules for transactions, and what it says when it can't."""

import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from nuan_gateway.errors import StoreError
from nuan_gateway.store import outbox, schema
from nuan_gateway.store.dialect import insert_ignore, insert_tuples, upsert
from nuan_gateway.store.engine import MIGRATIONS, SCHEMA_HEAD, begin_write, open_database
from nuan_gateway.store.schema import journal, metadata, unit


@pytest.fixture
def engine(tmp_path: Path):
    engine = open_database(tmp_path / "nuan.db")
    yield engine
    engine.dispose()


def waiting(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(schema.outbox)) or 0


def test_the_migrations_make_exactly_the_schema(engine: Engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == SCHEMA_HEAD


def test_schema_head_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_HEAD


def test_the_schema_is_also_postgresqls():
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_commits_survive_a_power_cut(engine: Engine):
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_opening_again_keeps_what_is_there(tmp_path: Path):
    for expected in (0, 1):
        engine = open_database(tmp_path / "nuan.db")
        with begin_write(engine) as connection:
            assert waiting(connection) == expected
            outbox.put(connection, [("k", "bill", "{}")], 5)
        engine.dispose()


def test_a_database_of_the_first_schema_keeps_its_rows(tmp_path: Path, monkeypatch):
    """With rows in the tables that others refer to, or that are made anew on the way."""
    path = tmp_path / "nuan.db"
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        open_database(path).dispose()
    rows = {
        "meter": ("10000001", "aoke", "6e75616e00000001", 7, "heat", 12),
        "unit": ("1-101", "89.5", "name"),
        "point": ("heat-1-101", "unit_heat", "1-101"),
        "point_meter": ("heat-1-101", "10000001", 1_761_955_200, None),
    }
    with closing(sqlite3.connect(path)) as old, old:
        for table, row in rows.items():
            old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    rows["meter"] = (*rows["meter"][:-1], "12")
    engine = open_database(path)
    with engine.connect() as connection:
        for table, row in rows.items():
            assert connection.execute(text(f"SELECT * FROM {table}")).fetchall() == [row]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("PRAGMA foreign_key_check")).fetchall() == []
    engine.dispose()


def test_the_migrations_are_also_postgresqls():
    config = Config(output_buffer=(made := StringIO()))
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    options = {"as_sql": True, "output_buffer": made}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        for revision in reversed(list(script.walk_revisions())):
            revision.module.upgrade()
    assert "ALTER TABLE meter ALTER COLUMN address TYPE TEXT" in made.getvalue()
    assert "CREATE TABLE dialect_state" in made.getvalue()


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "nuan.db"
    open_database(path).dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"has schema 9999, this nuan knows up to .*newer nuan"):
        open_database(path)


def test_a_file_that_is_no_database(tmp_path: Path):
    path = tmp_path / "nuan.db"
    path.write_bytes(b"this is no database at all, but it is long enough to look like one" * 10)
    with pytest.raises(StoreError, match=r"nuan\.db: file is not a database"):
        open_database(path)


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(StoreError, match="unable to open database file; check the folder"):
        open_database(tmp_path / "nowhere" / "nuan.db")


def test_a_failed_transaction_leaves_nothing(engine: Engine):
    def fail_half_way() -> None:
        with begin_write(engine) as connection:
            outbox.put(connection, [("k", "bill", "{}")], 5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with engine.connect() as connection:
        assert waiting(connection) == 0


def test_a_reader_sees_its_own_moment_while_another_writes(engine: Engine):
    with engine.connect() as reader:
        assert waiting(reader) == 0
        with begin_write(engine) as writer:
            outbox.put(writer, [("k", "bill", "{}")], 5)
        assert waiting(reader) == 0
        reader.rollback()
        assert waiting(reader) == 1


def test_a_writer_takes_its_turn_at_the_start(engine: Engine):
    with begin_write(engine), engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=1")
        other.rollback()
        with pytest.raises(OperationalError, match="locked"):
            other.exec_driver_sql("INSERT INTO unit VALUES ('a', '1', '')")


def test_insert_ignore_and_upsert(engine: Engine):
    with begin_write(engine) as connection:
        insert_ignore(connection, unit, [{"id": "a", "area_m2": "1", "name": "x"}])
        insert_ignore(connection, unit, [{"id": "a", "area_m2": "2", "name": "y"}])
        assert connection.execute(select(unit)).all() == [("a", "1", "x")]
        upsert(connection, unit, [{"id": "a", "area_m2": "3", "name": "z"}])
        upsert(connection, unit, [])
        assert connection.execute(select(unit)).all() == [("a", "3", "z")]


def test_tuples_are_inserted_in_column_order(engine: Engine):
    rows = [("n", f"e{n}", n, n + 1, b"chain", 7) for n in range(3)]
    with begin_write(engine) as connection:
        insert_tuples(connection, journal, [])
        insert_tuples(connection, journal, rows)
        assert connection.execute(select(journal).order_by(journal.c.epoch)).all() == rows
