"""What the tests of commands share: `nuan` in this process, and emulated lines."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nuan_tools import cli, i18n
from nuan_tools.console import out

sys.path.insert(0, str(Path(__file__).parent))

from field_lines import Nuan, Ran, connects, emulated


@pytest.fixture(scope="session")
def tcp_lines() -> Iterator[dict[str, str]]:
    """All sample lines behind TCP ports."""
    with emulated("--tcp") as lines:
        yield connects(lines)


@pytest.fixture
def nuan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Nuan]:
    """Runs a command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Ran:
        out.cache_clear()
        code = cli.run(list(arguments))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    yield run
    i18n.use("en")
    out.cache_clear()
