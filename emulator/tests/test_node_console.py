"""The console of the node's own firmware on the real VM: every command, and what it costs."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nuan_emulator import flash
from nuan_emulator.console_port import ConsolePort
from nuan_emulator.errors import NodeDiedError
from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_gateway.ingest.pull_file import Pulled, records
from nuan_gateway.node_config import node_config
from nuan_gateway.pulled import ingest_file
from nuan_gateway.settings import load_settings
from nuan_gateway.site import load_site
from nuan_gateway.store.engine import DATABASE_NAME
from nuan_protocols.uplink.message import TYPE_HELLO, parse_head
from nuan_tools.node_link.client import ConsoleClient, RefusedError
from nuan_tools.node_link.pulling import pull

NODE_ID = "6e75616e00000001"
KEY = bytes(range(32))
# 2026-11-01 00:00 in Shanghai, less a minute.
START_MS = 1_793_462_400_000 - 60_000
HOUR_MS = 3_600_000
HEAP_KB = 128

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
id = "{NODE_ID}"
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
[[unit]]
id = "101"
area_m2 = "80"
"""
METER = f"""
[[meter]]
serial = "{{serial}}"
model = "mbus_heat"
node = "{NODE_ID}"
bus = "mbus"
slot = {{slot}}
address = {{slot}}
every_s = 300
[[point]]
id = "p{{slot}}"
role = "household_heat"
meter = "{{serial}}"
unit = "101"
"""
GATEWAY = """
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
"""


def heat(now_ms: int) -> HeatState:
    passed_s = (now_ms - START_MS) // 1000
    return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, 5510, 4030, passed_s)


class Bench:
    """One node with two heat meters, no gateway, and its console."""

    def __init__(self, folder: Path, vm: Path, seed: int) -> None:
        self.folder = folder
        meters = "".join(METER.format(serial=f"1234567{slot}", slot=slot) for slot in (1, 2))
        (folder / "site.toml").write_text(SITE + meters)
        (folder / "gateway.toml").write_text(GATEWAY)
        (folder / "keys.toml").write_text(f'"{NODE_ID}" = "{KEY.hex()}"\n')
        config = node_config(load_site(folder / "site.toml"), NODE_ID)
        self.world = World(seed=seed, start_ms=START_MS, vm=vm)
        line = Line(
            2400, 11, [MBusHeatMeter(f"1234567{slot}", slot, heat) for slot in (1, 2)], seed=seed
        )
        self.node: Node = self.world.add_node(
            NodeSpec(
                NODE_ID, KEY, config, folder / "flash.bin", ("127.0.0.1", 9),
                lines={1: line}, heap_kb=HEAP_KB, outages=[(START_MS, START_MS + 400 * HOUR_MS)],
            )
        )  # fmt: skip
        self.client = ConsoleClient(ConsolePort(self.world, self.node))

    def run(self, seconds: float) -> None:
        self.world.run_until(self.world.now_ms + int(seconds * 1000))

    def type(self, keys: bytes, seconds: float = 2) -> str:
        self.node.console_read()
        self.node.console_write(keys)
        self.run(seconds)
        return self.node.console_read().decode(errors="replace")


@pytest.fixture
def bench(tmp_path: Path, vm: Path, seed: int) -> Iterator[Bench]:
    bench = Bench(tmp_path, vm, seed)
    bench.run(5)
    yield bench
    bench.world.close()


def test_every_command_answers_people_and_programs(bench: Bench) -> None:
    client = bench.client
    assert client.request("status")["locked"] is True
    client.unlock(KEY)
    bench.run(330)
    status = client.request("status")
    assert (status["node"], status["config_version"], status["locked"]) == (NODE_ID, 3, False)
    meters = client.request("meters")["meters"]
    assert [(each["slot"], each["result"], each["misses"]) for each in meters] == [
        (1, "ok", 0),
        (2, "ok", 0),
    ]
    assert client.request("link")["link_order"] == ["wifi"]
    assert client.request("log")["events"][0]["kind"] == "boot"
    assert client.request("update")["slot"] == 0
    assert client.request("config")["version"] == 3
    assert client.request("key")["keys"][0]["set"] is True
    assert client.request("time", utc_s=START_MS // 1000 + 400)["source"] != "nobody"
    answer = client.request("read", slot=2)
    assert answer["result"] == "ok"
    assert "72345671" not in answer["exchanges"][-1]["answer"]
    assert answer["exchanges"][-1]["answer"].startswith("68")
    for command in ("status", "meters", "log", "link", "key", "time", "config", "update", "help"):
        shown = bench.type(command.encode() + b"\r", 6)
        assert shown.endswith("nuan> "), shown
        assert "refused" not in shown
        assert all(ord(character) >= 0x20 or character in "\r\n\b" for character in shown)


def test_a_search_finds_the_meters_and_lets_every_turn_through(bench: Bench) -> None:
    client = bench.client
    client.unlock(KEY)
    found = client.request("scan", answer_s=900, bus="mbus", first=0, last=250)
    assert [each["address"] for each in found["meters"]] == [1, 2]
    assert [each["serial"] for each in found["meters"]] == ["12345671", "12345672"]
    assert found["meters"][0]["secondary"].startswith("71563412")
    assert (found["done"], found["collided"], found["unconfirmed"]) == (True, [], [])
    bench.run(590)
    client.unlock(KEY)
    meters = client.request("meters")["meters"]
    assert [(each["result"], each["misses"]) for each in meters] == [("ok", 0), ("ok", 0)]
    # What the node remembers of the links is as the search has left them.
    assert client.request("read", slot=1)["result"] == "ok"
    with pytest.raises(RefusedError, match="no such bus"):
        client.request("scan", bus="rs485")


def test_ctrl_c_ends_a_search(bench: Bench) -> None:
    bench.client.unlock(KEY)
    bench.node.console_write(b"scan mbus\r")
    bench.run(5)
    shown = bench.type(b"\x03", 3)
    assert "done: no" in shown
    assert shown.endswith("nuan> ")


def test_polling_keeps_its_times_while_the_console_is_busy(bench: Bench) -> None:
    client = bench.client
    client.unlock(KEY)
    client.request("time", utc_s=bench.world.now_ms // 1000)
    # Until the turns of three quarters of an hour are over, ask one thing after another.
    while bench.world.now_ms < START_MS + 3 * HOUR_MS // 4:
        client.request("pull")
        seq = 1
        while "message" in (answer := client.request("pull", **{"from": seq})):
            seq = answer["next"]
        client.request("log", back=200)
        bench.run(87)
    times = _exchange_times(bench)
    first = START_MS // 1000 + 60
    late = [time - first - round((time - first) / 300) * 300 for time in times if time >= first]
    assert len(late) >= 16
    assert max(late) <= 3


def _exchange_times(bench: Bench) -> list[int]:
    path = bench.folder / "times.pull"
    pull(bench.client, path)
    ingest_file(load_settings(bench.folder / "gateway.toml"), path)
    with sqlite3.connect(bench.folder / "data" / DATABASE_NAME) as database:
        rows = database.execute("select time from entry where kind = 1 and clock > 0").fetchall()
    return [row[0] for row in rows]


def test_a_pulled_journal_goes_on_where_it_ended(bench: Bench) -> None:
    client = bench.client
    bench.run(1500)
    client.unlock(KEY)
    path = bench.folder / "node.pull"
    first = pull(client, path)
    assert first.messages > 0
    assert not first.was_resumed
    bench.run(590)
    second = pull(client, path)
    assert second.was_resumed
    assert second.messages > 0
    # The next try broke off in the middle of a message.
    path.write_bytes(path.read_bytes()[:-20])
    bench.run(590)
    third = pull(client, path)
    assert third.was_resumed
    assert third.messages > 0
    assert pull(client, path).messages == 0
    kinds = [
        parse_head(each.message).type
        for each in records(path.read_bytes())
        if isinstance(each, Pulled)
    ]
    assert kinds.count(TYPE_HELLO) == 4
    taken = ingest_file(load_settings(bench.folder / "gateway.toml"), path)
    assert taken.problems == []
    assert taken.new == client.request("status")["newest"] - _reserved(bench)


def _reserved(bench: Bench) -> int:
    """Numbers that a tombstone names in place of entries."""
    with sqlite3.connect(bench.folder / "data" / DATABASE_NAME) as database:
        rows = database.execute("select first, last from tombstone").fetchall()
    return sum(last - first + 1 for first, last in rows)


def test_an_exchange_told_offline_reaches_the_gateway(bench: Bench) -> None:
    bench.client.unlock(KEY)
    told = bench.client.request(
        "exchange", slot=1, old="12345671", last="1234 kWh", seals="A7", who="王丽"
    )
    assert told["read"] == "old"
    pull(bench.client, bench.folder / "node.pull")
    ingest_file(load_settings(bench.folder / "gateway.toml"), bench.folder / "node.pull")
    with sqlite3.connect(bench.folder / "data" / DATABASE_NAME) as database:
        row = database.execute(
            "select x.old_serial, x.who, e.kind, e.slot from meter_exchange x join entry e"
            " on e.node = x.node and e.epoch = x.epoch and e.seq = x.read_seq"
        ).fetchall()
    assert row == [("12345671", "王丽", 1, 1)]


def test_five_wrong_answers_lock_for_a_minute(bench: Bench) -> None:
    for _ in range(5):
        bench.client.request("unlock")
        with pytest.raises(RefusedError, match="wrong answer"):
            bench.client.request("unlock", answer="0" * 16)
    with pytest.raises(RefusedError, match="wait"):
        bench.client.unlock(KEY)
    bench.run(60)
    bench.client.unlock(KEY)
    bench.run(700)
    assert bench.client.request("status")["locked"] is True


def test_noise_and_endless_lines_harm_nothing(bench: Bench, seed: int) -> None:
    noise = bytes((seed * 7 + at * at) % 256 for at in range(1500))
    bench.type(noise, 5)
    bench.type(b"{" * 1500, 3)
    assert bench.client.request("status", tries=3)["node"] == NODE_ID
    assert bench.node.resets == []


def test_reboot_restarts_and_repl_ends_the_program(bench: Bench) -> None:
    bench.client.unlock(KEY)
    assert bench.client.request("reboot")["ok"] is True
    bench.run(10)
    assert len(bench.node.resets) == 1
    bench.client.unlock(KEY)
    bench.client.request("repl")
    with pytest.raises(NodeDiedError):
        bench.run(5)


def test_the_console_gives_its_memory_back(bench: Bench) -> None:
    client = bench.client

    def use() -> int:
        client.unlock(KEY)
        for command in ("help", "status", "meters", "log", "link", "key", "config", "time"):
            client.request(command)
        client.request("read", slot=1)
        client.request("scan", answer_s=100, bus="mbus", first=1, last=2)
        pull(client, bench.folder / "node.pull")
        client.request("lock")
        return bench.node.heap().live

    # Names once seen stay, for ever; everything else is given back.
    first = use()
    assert use() - first < 300
    assert use() - first < 600


def test_the_journal_comes_out_of_safe_mode_without_a_configuration(bench: Bench, vm: Path) -> None:
    bench.run(1000)
    bench.node.kill()
    image = bench.node.spec.image
    flash.write_files(vm, bench.node.stage, image, {"/config.json": b'{"broken":1}'})
    bench.node.restart()
    bench.run(180)
    bench.client.unlock(KEY)
    status = bench.client.request("status")
    assert status["safe_mode"]
    with pytest.raises(RefusedError, match="the journal isn't open"):
        bench.client.request("exchange", slot=0, new="a", who="b")
    pulled = pull(bench.client, bench.folder / "node.pull")
    assert pulled.messages > 0
    taken = ingest_file(load_settings(bench.folder / "gateway.toml"), bench.folder / "node.pull")
    assert taken.problems == []
    # Two meters in two turns at least, and the boot.
    assert taken.new >= 6
