"""Opening the database: connection rules, and the schema brought up to date.

SQLite runs in WAL with synchronous=FULL: a commit that has returned survives a power cut. A
transaction that writes begins with BEGIN IMMEDIATE, so that it waits for its turn instead of
failing half-way; one that reads takes no lock at all.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from nuan_gateway.errors import StoreError

DATABASE_NAME = "nuan.db"
SCHEMA_HEAD = "0005"
BUSY_TIMEOUT_MS = 30_000
CACHE_KIB = 32_768
# A checkpoint costs two more syncs and writes each changed page once, however often it changed.
CHECKPOINT_PAGES = 8_000
MIGRATIONS = Path(__file__).parent / "migrations"

_WRITES = "nuan_writes"
_turns: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()


def open_database(path: Path) -> Engine:
    """The engine of the SQLite file, made and migrated as needed; raises StoreError."""
    try:
        return open_url(URL.create("sqlite", database=str(path)))
    except DatabaseError as error:
        raise StoreError(f"{path}: {error.orig}; check the folder's owner and free space") from None


def open_url(url: URL | str) -> Engine:
    """The engine of any SQLAlchemy address (SQLite or PostgreSQL), migrated to SCHEMA_HEAD."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def begin_write(engine: Engine) -> Generator[Connection]:
    """A transaction that may write: committed at the end, rolled back when the body raises."""
    # In one process writers queue here: SQLite itself would have them sleep and ask again.
    with _turns.setdefault(engine, Lock()), _writing(engine).begin() as connection:
        yield connection


def _writing(engine: Engine) -> Engine:
    return engine.execution_options(**{_WRITES: True})


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # None hands BEGIN to _begin_sqlite; the driver would otherwise open transactions by itself.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    """Bring the schema to SCHEMA_HEAD; costs one query when it is there already."""
    found = _schema_version(engine)
    if found == SCHEMA_HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"{engine.url.database}: the database has schema {found}, this nuan knows up to "
            f"{SCHEMA_HEAD}; install the newer nuan that wrote it"
        )
    with begin_write(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _schema_version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
