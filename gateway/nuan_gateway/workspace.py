"""What a command needs of a gateway that may be running or at rest: opened from its settings."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from nuan_gateway.bill_files import prepare_folder, write_files
from nuan_gateway.bill_run import BillRun, run_bills
from nuan_gateway.clock import open_clock
from nuan_gateway.errors import GatewayError
from nuan_gateway.evidence.signing import Signer, open_signer
from nuan_gateway.forward.csv_export import CsvEncoding
from nuan_gateway.ingest.seal import Sealer
from nuan_gateway.settings import Settings, load_keys, load_settings
from nuan_gateway.site import Site, load_site
from nuan_gateway.store.engine import DATABASE_NAME, begin_write, open_database
from nuan_gateway.tariff_file import load_tariff

SETTINGS_NAME = "gateway.toml"
LOCK_NAME = "gateway.lock"
"""The file in the data folder that a running gateway holds locked."""


@dataclass(frozen=True)
class Workspace:
    """A gateway's settings, site and database, and the key it signs with."""

    settings: Settings
    site: Site
    engine: Engine
    signer: Signer

    @property
    def node_keys(self) -> dict[str, bytes]:
        """Node id -> 32-byte key; raises SettingsError."""
        return load_keys(self.settings.keys)

    @property
    def csv_folder(self) -> Path:
        """Where CSV files go: the settings' folder, or `out` in the data folder."""
        return self.settings.forward.csv_dir or self.settings.data_dir / "out"

    def now_ms(self) -> int:
        """The time on the gateway's clock."""
        return open_clock(self.settings.clock.file).now_ms()

    def seal(self) -> None:
        """Seal the days that are over, unless the gateway runs: then it does so itself."""
        with (self.settings.data_dir / LOCK_NAME).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
            sealer = Sealer(self.site.site.id, self.signer)
            with begin_write(self.engine) as connection:
                sealer.seal_until(connection, self.now_ms())

    def bill(self, encoding: CsvEncoding = "utf-8") -> tuple[BillRun, list[Path]]:
        """Bill the season and write its CSV files; raises GatewayError before any change."""
        tariff = load_tariff(self.site.tariff.file)
        prepare_folder(self.csv_folder)
        self.seal()
        run = run_bills(self.engine, self.site, tariff, self.signer, self.now_ms())
        return run, write_files(run, self.csv_folder, encoding)


@contextmanager
def open_workspace(path: Path) -> Generator[Workspace]:
    """Open the gateway of a settings file, or of a folder that holds gateway.toml.

    Raises GatewayError when there is no database yet: a command never makes an empty one.
    """
    settings = load_settings(path / SETTINGS_NAME if path.is_dir() else path)
    site = load_site(settings.site)
    database = settings.data_dir / DATABASE_NAME
    if not database.exists():
        raise GatewayError(f"{database}: no database; run the gateway first, or name its folder")
    engine = open_database(database)
    try:
        yield Workspace(settings, site, engine, open_signer(settings.data_dir))
    finally:
        engine.dispose()
