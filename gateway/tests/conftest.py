"""A small site, a node's journal and a writer, for every test of the gateway."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from gateway_kit import (  # needs the path
    KEY,
    NODE,
    SETTINGS,
    SITE,
    Bench,
    NodeJournal,
    exchange_body,
    heat_exchange,
    room_exchange,
    tombstone_body,
)

from nuan_gateway.site import load_site


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """A folder with site.toml, gateway.toml and keys.toml."""
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "gateway.toml").write_text(SETTINGS)
    (tmp_path / "keys.toml").write_text(f'"{NODE}" = "{KEY.hex()}"\n')
    return tmp_path


@pytest.fixture
def journal() -> NodeJournal:
    """An empty journal of the site's node."""
    return NodeJournal()


@pytest.fixture
def bench(site_folder: Path) -> Iterator[Bench]:
    """A writer for the site."""
    bench = Bench(site_folder, load_site(site_folder / "site.toml"))
    yield bench
    bench.stop()


@pytest.fixture(scope="session")
def site_text() -> str:
    """The text of the small site."""
    return SITE


@pytest.fixture(scope="session")
def make_journal() -> type[NodeJournal]:
    """NodeJournal itself, for tests that need several."""
    return NodeJournal


@pytest.fixture(scope="session")
def make_bench() -> type[Bench]:
    """Bench itself, for tests that make their own folders."""
    return Bench


@pytest.fixture
def bodies() -> "Bodies":
    """Bodies of journal entries."""
    return Bodies()


class Bodies:
    """Makes the bodies that tests put into journals."""

    room = staticmethod(room_exchange)
    heat = staticmethod(heat_exchange)
    exchange = staticmethod(exchange_body)
    tombstone = staticmethod(tombstone_body)
