"""nuan console, pull, unlock and gateway ingest against an emulated node on a pseudo-terminal."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.serve_node import serve_console
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_protocols.uplink.console_key import console_answer
from nuan_tools.cli import run

NODE = "6e75616e00000001"
KEY = bytes(range(32))
START_MS = 1_793_462_400_000
READY_S = 30
SITE = f"""
format = 1
[site]
id = "small"
name = "small"
[season]
name = "2026"
start = 2026-11-01
end = 2026-11-03
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE}"
config_version = 3
mqtt = {{ host = "10.1.0.1" }}
wifi = {{ ssid = "nuan" }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 300
[[meter]]
serial = "12345678"
model = "mbus_heat"
node = "{NODE}"
bus = "mbus"
slot = 1
address = 1
every_s = 900
[[point]]
id = "p1"
role = "household_heat"
meter = "12345678"
unit = "101"
[[unit]]
id = "101"
area_m2 = "80"
"""
GATEWAY = """
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
"""


class Served(NamedTuple):
    """A node's console at a path, and the folder of its gateway."""

    port: str
    folder: Path


@pytest.fixture(scope="module")
def served(vm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("console")
    (folder / "site.toml").write_text(SITE)
    (folder / "gateway.toml").write_text(GATEWAY)
    (folder / "keys.toml").write_text(f'"{NODE}" = "{KEY.hex()}"\n')
    config = node_config(load_site(folder / "site.toml"), NODE)
    ports: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def serve() -> None:
        with World(seed=1, start_ms=START_MS, vm=vm, pin=False) as world:
            spec = NodeSpec(
                NODE, KEY, config, folder / "flash.bin", ("127.0.0.1", 9), heap_kb=160,
                outages=[(START_MS, 2 * START_MS)],
            )  # fmt: skip
            node = world.add_node(spec)
            world.run_until(START_MS + 5000)
            serve_console(
                world, node, lambda port: (ports.append(port), ready.set())[0], stop.is_set
            )

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(READY_S)
    yield Served(ports[0], folder)
    stop.set()
    thread.join()


def test_a_journal_comes_from_the_port_to_the_gateway(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(served.folder / "node.pull")
    keys = str(served.folder / "keys.toml")
    assert run(["pull", served.port, "-o", file, "--keys", keys]) == 0
    assert f"node {NODE}: entries 1 to " in capsys.readouterr().out
    assert run(["pull", served.port, "-o", file, "--keys", keys]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert run(["gateway", "ingest", str(served.folder / "gateway.toml"), file]) == 0
    first = capsys.readouterr().out
    assert "known before: 0" in first
    assert run(["gateway", "ingest", str(served.folder / "gateway.toml"), file]) == 0
    assert "new entries: 0," in capsys.readouterr().out


def test_a_damaged_file_is_a_failed_check_with_number_and_offset(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    file = served.folder / "node.pull"
    keys = str(served.folder / "keys.toml")
    assert run(["pull", served.port, "-o", str(file), "--keys", keys, "--from", "1"]) == 0
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(data)
    assert run(["gateway", "ingest", str(served.folder / "gateway.toml"), str(file)]) == 1
    assert "message 1 at byte 21: " in capsys.readouterr().err
    other = served.folder / "other.pull"
    other.write_bytes(b"something else")
    assert run(["pull", served.port, "-o", str(other), "--keys", keys]) == 2
    assert "give another file with -o" in capsys.readouterr().err


def test_a_script_of_commands_goes_through_the_console(
    served: Served, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = served.folder / "script"
    script.write_text('exchange 1 old=12345678 last=1234 who="Li Na"\nlog 3\n')
    with script.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert run(["console", served.port, "--keys", str(served.folder / "keys.toml")]) == 0
    seen = capfdbinary.readouterr()
    assert f"node {NODE}, version ".encode() in seen.err
    assert b"read: no answer" in seen.out
    assert b'exchange {"slot":1,"old":"12345678"' in seen.out


def test_exchanges_are_listed(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(served.folder / "exchange.pull")
    settings = str(served.folder / "gateway.toml")
    assert run(["pull", served.port, "-o", file, "--keys", str(served.folder / "keys.toml")]) == 0
    assert run(["gateway", "ingest", settings, file]) == 0
    capsys.readouterr()
    assert run(["gateway", "exchanges", settings, "--json"]) == 0
    [listed] = json.loads(capsys.readouterr().out)["exchanges"]
    assert (listed["old_serial"], listed["who"]) == ("12345678", "Li Na")
    assert run(["gateway", "exchanges", settings]) == 0
    assert "Li Na" in capsys.readouterr().out


def test_a_challenge_is_answered_without_a_cable(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = str(served.folder / "keys.toml")
    challenge = "0123456789abcdef"
    assert run(["unlock", "--keys", keys, "--node", NODE, "--challenge", challenge]) == 0
    assert capsys.readouterr().out.strip() == console_answer(KEY, challenge)
    assert run(["unlock", "--keys", keys, served.port]) == 0
    assert "the console is open" in capsys.readouterr().out
    assert run(["unlock", "--keys", keys]) == 2
    assert run(["unlock", "--keys", keys, "--node", "00" * 8, "--challenge", challenge]) == 2
    assert "has no key" in capsys.readouterr().err


def test_a_port_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "/dev/not-there", "-o", "/dev/null"]) == 2
    assert "/dev/not-there: can't be opened" in capsys.readouterr().err
