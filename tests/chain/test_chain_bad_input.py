"""Bad input through the real command line: one clear line, exit code 2, nothing half-written."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chain_site import NODE, small_site

from nuan_gateway.evidence.signing import open_signer
from nuan_gateway.store.engine import DATABASE_NAME, open_database
from nuan_tools.season.sample import sample_text

TIMEOUT_S = 60
SITE = small_site()
SETTINGS = """\
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
embedded = true
host = "127.0.0.1"
port = 0
"""
# A heat meter's answer whose last byte is half a byte.
ODD_HEX = "68 1F 1F 68 08 02 72 1"
SERIES = """\
METERID,ENERGY,VOLUME,HOURS,POWER1,FLOW,FLOW_TEMP,RETURN_TEMP,READ_DATE
10259,11.050,245.49,4549,23.2,553,73.82,37.97,2019-01-01 00:00:00
10259,11.072,245.99,4550,18.4,435,73.72,36.34,2019-01-01 01:00:00
10259,11.091,246.4"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gateway's folder in which everything is right, with an empty database."""
    folder = tmp_path / "gateway"
    (folder / "data").mkdir(parents=True)
    (folder / "site.toml").write_text(SITE, "utf-8")
    (folder / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
    (folder / "keys.toml").write_text(f'"{NODE}" = "{bytes(32).hex()}"\n')
    (folder / "gateway.toml").write_text(SETTINGS)
    (folder / "series.csv").write_text(SERIES)
    (folder / "file").write_text("a file, no folder\n")
    open_database(folder / "data" / DATABASE_NAME).dispose()
    open_signer(folder / "data")
    return folder


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def files(folder: Path) -> dict[str, bytes]:
    """Every file by its name; a lock that nobody holds says nothing."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "gateway.lock"
    }


def refused(folder: Path, *arguments: str, problems: int = 1) -> str:
    """Run `nuan` in the folder; what it says: one line a problem. It must change nothing."""
    before = files(folder)
    command = [sys.executable, "-m", "nuan_tools", "--lang", "en", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    print(f"$ nuan {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == problems, "one clear line for each"
    assert all(line.startswith("nuan: ") for line in lines)
    assert not done.stdout
    after = files(folder)
    assert sorted(after) == sorted(before), "files came or went"
    assert after == before
    return "\n".join(lines)


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "named", "problems"),
    [
        ('unit = "1-101"', 'flat = "1-101"', "flat", 1),
        ("baud = 2400", "baud = 2401", "baud", 1),
        ('serial = "10000002"', 'serial = "10000001"', "10000001", 2),
        ("start = 2025-11-01", "start = 2025-11-31", "", 1),
        ('area_m2 = "80.25"', "area_m2 = 80.25", "area_m2", 1),
    ],
    ids=["unknown key", "no such baud", "serial twice", "no such day", "area as a float"],
)
def test_a_bad_site_file_is_named_with_its_line(
    folder: Path, right: str, wrong: str, named: str, problems: int
) -> None:
    assert right in SITE
    bad = SITE.replace(right, wrong, 1)
    (folder / "site.toml").write_text(bad, "utf-8")
    said = refused(folder, "gateway", "run", "gateway.toml", problems=problems)
    assert f"site.toml:{line_of(SITE, right)}:" in said
    assert named in said


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('price = "0.16"', 'price = "-0.16"', "price"),
        ('price = "0.16"', "price = 0.16", "price"),
        ('unit = "CNY/kWh"', 'unit = "CNY/MW"', "CNY/MW"),
        ('policy = "refund_and_charge"', 'policy = "keep"', "policy"),
        ("valid_to = 2026-11-01", "valid_to = 2025-11-02", "in force"),
    ],
    ids=["negative", "a float", "no such unit", "no such policy", "not in force"],
)
def test_a_bad_tariff_makes_no_bill(folder: Path, right: str, wrong: str, named: str) -> None:
    text = sample_text("tariff.toml")
    assert right in text
    (folder / "tariff.toml").write_text(text.replace(right, wrong, 1), "utf-8")
    said = refused(folder, "bill", "run", "gateway.toml")
    assert named in said
    assert "tariff" in said


def test_a_port_in_use_is_told(folder: Path, taken_port: int) -> None:
    settings = SETTINGS.replace("port = 0", f"port = {taken_port}")
    (folder / "gateway.toml").write_text(settings)
    said = refused(folder, "gateway", "run", "gateway.toml")
    assert f"127.0.0.1:{taken_port}" in said


def test_a_port_in_use_leaves_a_new_folder_new(folder: Path, taken_port: int) -> None:
    shutil.rmtree(folder / "data")
    settings = SETTINGS.replace("port = 0", f"port = {taken_port}")
    (folder / "gateway.toml").write_text(settings)
    refused(folder, "gateway", "run", "gateway.toml")


@pytest.mark.parametrize(
    "arguments",
    [
        ("gateway", "run", "gateway.toml"),
        ("demo", "--json", "--days", "1", "--keep", "file/below"),
        ("replay", "whole.csv", "--keep", "file/below"),
    ],
    ids=["gateway", "demo", "replay"],
)
def test_a_folder_that_cannot_be_written_is_named(folder: Path, arguments: tuple[str, ...]) -> None:
    settings = SETTINGS.replace('data_dir = "data"', 'data_dir = "file/below"')
    (folder / "gateway.toml").write_text(settings)
    (folder / "whole.csv").write_text(SERIES.rpartition("\n")[0] + "\n")
    said = refused(folder, *arguments)
    assert "file" in said
    assert "directory" in said.lower()


def test_a_truncated_csv_is_told_with_its_line(folder: Path) -> None:
    said = refused(folder, "replay", "series.csv", "--keep", "kept")
    assert "series.csv" in said
    assert "line 4" in said or "series.csv:4" in said
    assert not (folder / "kept").exists()


@pytest.mark.parametrize("text", [ODD_HEX, "68 zz", "10 5B 01"], ids=["odd", "no hex", "cut"])
def test_hexadecimal_that_is_none_is_told(folder: Path, text: str) -> None:
    said = refused(folder, "decode", text)
    assert "telegram" in said


Break = Callable[[Path], object]


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "gateway.toml").unlink(), "gateway.toml"),
        (lambda folder: (folder / "gateway.toml").write_text("format = "), "gateway.toml:1"),
        (lambda folder: (folder / "keys.toml").write_text(f'"{NODE}" = "00"\n'), "keys.toml:1"),
        (lambda folder: (folder / "site.toml").unlink(), "site.toml"),
        (lambda folder: (folder / "site.toml").write_bytes(b"\xff\xfe\x00"), "site.toml"),
    ],
    ids=["no settings", "no TOML", "short key", "no site", "not text"],
)
def test_bad_settings_are_named(folder: Path, damage: Break, named: str) -> None:
    damage(folder)
    assert named in refused(folder, "gateway", "run", "gateway.toml")


def test_a_database_that_is_none_is_named_and_left_alone(folder: Path) -> None:
    (folder / "data" / DATABASE_NAME).write_bytes(b"no database at all, but long enough" * 40)
    said = refused(folder, "gateway", "run", "gateway.toml")
    assert DATABASE_NAME in said
