"""Bills from meters of a user's own model: made, shown and verified, on another machine too."""

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.meters import registry
from nuan_tools import cli, i18n
from nuan_tools.console import out

MODEL = """
from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.meters.status import MBUS_HEADER, NOTICE, bit

PROFILE = Profile(
    name="own_heat",
    title="A meter of our own",
    protocol="mbus",
    version=3,
    registers=(current("energy"),),
    billing=current("energy"),
    rollover=10**8,
    flags=(*MBUS_HEADER, bit("error_flags:header", 6, "lid open", NOTICE)),
)
"""
SETTINGS = """\
format = 1
data_dir = "."
site = "site.toml"
keys = "keys.toml"
[clock]
file = "clock"
"""
HEADER_STATUS_AT = 16

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def forgetting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test teaches the registry is forgotten afterwards."""
    monkeypatch.setattr(registry, "_profiles", dict(registry._all()))
    monkeypatch.setattr(registry, "_files", dict(registry._files))
    yield
    i18n.use("en")


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the registry knows what any machine's does."""
    monkeypatch.setattr(registry, "_profiles", {})
    monkeypatch.setattr(registry, "_files", {})


@pytest.fixture
def nuan(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        out.cache_clear()
        code = cli.run([str(each) for each in arguments])
        written = capsys.readouterr()
        return code, written.out, " ".join(written.err.split())

    return run


@pytest.fixture
def folder(make_world: Callable[..., Any]) -> Path:
    """A gateway at rest whose heat meters are of the user's own model; one says battery low."""
    world = make_world(days=2, own_model=MODEL)
    answer = bytearray(world.telegram(2, world.end_s))
    answer[HEADER_STATUS_AT] = 0b0100_0100
    answer[-2] = sum(answer[4:-2]) & 0xFF
    world.answers[2, world.end_s] = bytes(answer)
    world.fill()
    (world.folder / "gateway.toml").write_text(SETTINGS)
    (world.folder / "clock").write_bytes(struct.pack("<Q", world.bench.clock.now_ms()))
    world.bench.stop()
    return Path(world.folder)


@pytest.fixture
def bundle(folder: Path, nuan: Run, tmp_path: Path) -> Path:
    """A bundle on its own, far from the gateway's folder."""
    path = tmp_path / "bill.json"
    assert nuan("bill", "run", folder)[0] == 0
    assert nuan("export", folder, "102", "-o", path)[0] == 0
    return path


def test_a_bundle_of_an_own_model_names_what_is_missing(
    bundle: Path, nuan: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    code, said, told = nuan("verify", bundle)
    assert (code, said) == (2, "")
    assert told == (
        f"nuan: {bundle}: the bill was made with meter model own_heat, version 3, which isn't "
        "known here; get the model's file from whoever made the bill, look at what is in it, and "
        "give its folder with --models"
    )
    assert "--models" in nuan("--lang", "zh", "verify", bundle)[2]


def test_it_is_verified_with_the_models_file(
    bundle: Path, folder: Path, nuan: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    sent = tmp_path / "sent"
    shutil.copytree(folder / "models", sent)
    code, said, told = nuan("verify", bundle, "--models", sent)
    assert (code, told) == (0, "")
    assert "The bill holds: unit 102" in said


def test_a_bundle_runs_nothing_of_its_own(bundle: Path) -> None:
    assert "PROFILE" not in bundle.read_text("utf-8")


def test_a_model_that_reads_the_bytes_otherwise_breaks_the_chain(
    bundle: Path, nuan: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    other = tmp_path / "other"
    other.mkdir()
    text = MODEL.replace('registers=(current("energy"),)', 'registers=(current("volume"),)')
    text = text.replace('billing=current("energy")', 'billing=current("volume")')
    (other / "own_heat.py").write_text(text)
    code, said, told = nuan("verify", bundle, "--models", other)
    assert (code, said) == (1, "")
    assert "the chain is broken" in told


def test_a_broken_signature_is_told_before_the_model_is_asked_for(
    bundle: Path, nuan: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    document = json.loads(bundle.read_text("utf-8"))
    document["statement"]["meter"]["model"] = "another"
    bundle.write_text(json.dumps(document), "utf-8")
    code, _, told = nuan("verify", bundle)
    assert code == 1
    assert "statement signature: does not hold" in told


@pytest.mark.parametrize(
    "command",
    [
        ["verify", "x.json"],
        ["decode", "E5"],
        ["read", "tcp://127.0.0.1:9"],
        ["scan", "tcp://127.0.0.1:9"],
    ],
)
def test_a_folder_of_models_that_cannot_be_used_is_told_with_the_way_out(
    command: list[str], nuan: Run, tmp_path: Path
) -> None:
    code, _, told = nuan(*command, "--models", tmp_path / "none")
    assert code == 2
    assert "none: no such folder; write the folder with the model files" in told
    (tmp_path / "bad.py").write_text("PROFILE = 1\n")
    code, _, told = nuan(*command, "--models", tmp_path)
    assert code == 2
    assert "bad.py: declares no PROFILE; write PROFILE = Profile(name=..., ...)" in told


def test_a_telegram_is_decoded_with_an_own_model(nuan: Run, tmp_path: Path) -> None:
    (tmp_path / "own_heat.py").write_text(MODEL)
    body = bytes.fromhex("080172 78563412 2D2C 01 04 00 40 0000 0C06 45230100")
    telegram = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 255, 0x16))
    code, said, told = nuan(
        "decode", "--models", tmp_path, "--model", "own_heat", "--json", telegram.hex()
    )
    assert (code, told) == (0, "")
    conditions = json.loads(said)["header"]["conditions"]
    assert conditions == [{"name": "lid open", "severity": "notice"}]


def test_explain_says_what_the_meter_says_of_itself(folder: Path, nuan: Run) -> None:
    assert nuan("bill", "run", folder)[0] == 0
    opening, closing = nuan("explain", folder, "102")[1].split("4. Closing register")
    assert "the meter says" not in opening
    lines = [line.strip() for line in closing.splitlines() if "the meter says" in line]
    assert lines == [
        "the meter says: battery low (notice)",
        "the meter says: lid open (notice)",
    ]
    assert "表自报：电池欠压（注意）" in nuan("--lang", "zh", "explain", folder, "102")[1]
    assert "the meter says" not in nuan("explain", folder, "101")[1]
