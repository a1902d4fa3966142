"""The node's own firmware in a world: three meters, a real gateway in its own process."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nuan_emulator import flash
from nuan_emulator.line import Line
from nuan_emulator.meters import (
    Dtsu666,
    ElectricityState,
    HeatState,
    MBusHeatMeter,
    RoomSensor,
    RoomState,
)
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.tunnel import TunnelHooks
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site

NODE_ID = "6e75616e00000001"
KEY = bytes(range(32))
# 2026-11-01 00:00 in Shanghai, less a quarter of an hour to start in.
MIDNIGHT_MS = 1_793_462_400_000
START_MS = MIDNIGHT_MS - 900_000
HOUR_MS = 3_600_000
# Long enough for the board to move the base of its clock.
SPAN_MS = 30 * HOUR_MS
KWH_J = 3_600_000

SITE = f"""
format = 1
[site]
id = "small"
name = "small"
timezone = "Asia/Shanghai"
[season]
name = "2026"
start = 2026-11-01
end = 2026-11-03
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE_ID}"
config_version = 3
mqtt = {{ host = "10.1.0.1", port = 1883 }}
wifi = {{ ssid = "nuan" }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100
[[node.bus]]
name = "rs485"
protocol = "modbus"
uart = 2
tx = 25
rx = 26
de = 27
baud = 9600
parity = "N"
timeout_ms = 300
[[zone]]
zone = 1
node = "{NODE_ID}"
slot = 16
valve_pin = 33
setpoint_dc = 220
legal_max_dc = 200
hysteresis_dc = 5
frost_dc = 50
[[unit]]
id = "101"
name = "101"
area_m2 = "80"
"""
METER = """
[[meter]]
serial = "{serial}"
model = "{model}"
node = "6e75616e00000001"
bus = "{bus}"
slot = {slot}
address = {address}
every_s = {every_s}
[[point]]
id = "p{slot}"
role = "{role}"
meter = "{serial}"
{unit}
"""
TARIFF = """
format = 1
id = "small"
version = "1"
title = "small"
legal_reference = "none"
valid_from = 2026-11-01
valid_to = 2027-11-01
currency = "CNY"
[base]
price = "12.00"
unit = "CNY/m2.season"
[metered]
price = "0.16"
unit = "CNY/kWh"
[prepayment]
price = "24.00"
unit = "CNY/m2.season"
[settlement]
policy = "refund_and_charge"
"""
SETTINGS = """
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
port = 0
[clock]
file = "data/clock"
"""
METERS = (
    ("10000001", "mbus_heat", "mbus", 1, 1, 3600, "household_heat", 'unit = "101"'),
    ("50000001", "dtsu666", "rs485", 15, 1, 900, "electricity", ""),
    ("40000001", "room_rs485", "rs485", 16, 2, 300, "room_temperature", ""),
)
NAMES = ("serial", "model", "bus", "slot", "address", "every_s", "role", "unit")


def heat(now_ms: int) -> HeatState:
    passed_s = (now_ms - START_MS) // 1000
    return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, 5510, 4030, passed_s)


def electricity(now_ms: int) -> ElectricityState:
    joules = 700 * (now_ms - START_MS) // 1000
    phases = (1000, 1000, 1000)
    return ElectricityState(joules, 0, (2300, 2300, 2300), phases, phases, (0, 0, 0), 5000)


class Room:
    """A room that warms by 2 K an hour while the valve is open, and cools as fast."""

    def __init__(self) -> None:
        self.valve: list[tuple[int, int]] = []
        self._since_ms = START_MS
        self._mk = 18_000

    def switch(self, level: int, now_ms: int) -> None:
        self._mk = self._now_mk(now_ms)
        self._since_ms = now_ms
        self.valve.append((level, now_ms))

    def _now_mk(self, now_ms: int) -> int:
        rate = 2000 if self.valve and self.valve[-1][0] else -2000
        return self._mk + rate * (now_ms - self._since_ms) // HOUR_MS

    def __call__(self, now_ms: int) -> RoomState:
        return RoomState(self._now_mk(now_ms) // 100, 400)


@dataclass
class Season:
    """A world with one node and its gateway."""

    folder: Path
    world: World
    node: Node
    gateway: subprocess.Popen[bytes]
    room: Room
    vm: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.folder / "data" / "nuan.db")
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def numbers(self) -> list[int]:
        return [row[0] for row in self.rows("select seq from entry order by id")]

    def close(self) -> None:
        self.world.close()
        self.gateway.send_signal(signal.SIGTERM)
        self.gateway.wait(20)


def start_gateway(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    command = [sys.executable, "-m", "nuan_tools", "gateway", "run", str(folder / "gateway.toml")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    ready = folder / "data" / "gateway.json"
    end = time.monotonic() + 30
    while True:
        try:
            told = json.loads(ready.read_text())
            if told["pid"] == process.pid:
                return process, told["port"]
        except (FileNotFoundError, ValueError):
            pass
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def begin(tmp_path: Path, vm: Path, seed: int) -> Iterator[Callable[..., Season]]:
    """begin(name, **parts of the node): a season that has just begun."""
    seasons: list[Season] = []

    def make(name: str, **parts: Any) -> Season:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        meters = (METER.format(**dict(zip(NAMES, meter, strict=True))) for meter in METERS)
        (folder / "site.toml").write_text(SITE + "".join(meters))
        (folder / "tariff.toml").write_text(TARIFF)
        (folder / "keys.toml").write_text(f'"{NODE_ID}" = "{KEY.hex()}"\n')
        (folder / "gateway.toml").write_text(SETTINGS)
        world = World(seed=seed, start_ms=START_MS, clock_file=folder / "data" / "clock", vm=vm)
        gateway, port = start_gateway(folder)
        room = Room()
        spec: dict[str, Any] = {
            "node_id": NODE_ID,
            "key": KEY,
            "config": node_config(load_site(folder / "site.toml"), NODE_ID),
            "image": folder / "flash.img",
            "broker": ("127.0.0.1", port),
            "lines": {
                1: Line(2400, 11, [MBusHeatMeter("10000001", 1, heat)], seed=seed),
                2: Line(
                    9600,
                    10,
                    [Dtsu666("50000001", 1, electricity), RoomSensor("40000001", 2, room)],
                    seed=seed,
                ),
            },
            "pins": {33: room.switch},
        }
        node = world.add_node(NodeSpec(**{**spec, **parts}))
        seasons.append(Season(folder, world, node, gateway, room, vm))
        return seasons[-1]

    yield make
    for season in seasons:
        season.close()


def test_a_day_and_more_reach_the_database_and_repeat_to_the_byte(
    begin: Callable[..., Season],
) -> None:
    results = []
    for name in ("first", "second"):
        season = begin(name)
        node = season.node
        season.world.run_until(MIDNIGHT_MS + SPAN_MS + 300_000)
        polls = season.rows(
            "select slot, count(*) from entry where kind = 1 and time >= "
            f"{MIDNIGHT_MS // 1000} and time < {(MIDNIGHT_MS + SPAN_MS) // 1000} group by slot"
        )
        table = season.rows("select node, epoch, seq, raw, digest, received_at from entry")
        digest = node.traffic_digest()
        assert dict(polls) == {1: 30, 15: 2 * 120, 16: 360}
        assert season.numbers() == list(range(1, len(table) + 1))
        assert node.tunnel.stats.backlog == 0
        for port in node.ports.values():
            assert (port.unheard, port.cut_off, port.drowned) == (0, 0, 0)
        assert not node.resets
        season.world.close()
        files = flash.read_files(season.vm, node.stage, node.spec.image)
        results.append((node.stage, table, season.room.valve, files, digest))
    for first, second in zip(*results, strict=True):
        assert first == second


def test_what_a_meter_showed_is_what_the_gateway_reads(begin: Callable[..., Season]) -> None:
    season = begin("readings")
    season.world.run_until(MIDNIGHT_MS + 6 * HOUR_MS)
    heat_kwh = season.rows(
        "select time, value, exponent, unit from reading where point = 'p1' "
        "and quantity = 'energy' and storage = 0 and value is not null"
    )
    assert len(heat_kwh) >= 6
    for time_s, value, exponent, unit in heat_kwh:
        assert (unit, exponent) == ("Wh", 3)
        # The node notes the instant of its question, the meter answers within two seconds.
        begin_kwh, end_kwh = (heat((time_s + late_s) * 1000).energy_j // KWH_J for late_s in (0, 2))
        assert begin_kwh <= value <= end_kwh


def test_the_room_is_held_to_the_legal_limit(begin: Callable[..., Season]) -> None:
    season = begin("room")
    season.world.run_until(MIDNIGHT_MS + 12 * HOUR_MS)
    warmest = season.rows(
        "select max(value) from reading where point = 'p16' and quantity = 'room_temperature' "
        f"and time > {(MIDNIGHT_MS + 6 * HOUR_MS) // 1000}"
    )
    assert 190 <= warmest[0][0] <= 204
    assert len(season.room.valve) > 5


def test_an_outage_of_a_day_loses_nothing_and_keeps_the_times(
    begin: Callable[..., Season],
) -> None:
    outage = (MIDNIGHT_MS + 4 * HOUR_MS, MIDNIGHT_MS + 28 * HOUR_MS)
    season = begin("outage", outages=[outage])
    season.world.run_until(outage[1])
    before = len(season.numbers())
    season.world.run_until(outage[1] + 2 * HOUR_MS)
    numbers = season.numbers()
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) - before > 24 * 16
    times = [row[0] for row in season.rows(
        f"select time from entry where kind = 1 and slot = 16 and time >= {outage[0] // 1000} "
        f"and time < {outage[1] // 1000} order by seq"
    )]  # fmt: skip
    assert len(times) == 24 * 12
    assert all(time_s % 300 < 10 for time_s in times)


def test_lost_acknowledgements_and_power_cuts_lose_nothing_and_double_nothing(
    begin: Callable[..., Season],
) -> None:
    season = begin("cuts")
    node, world = season.node, season.world
    lost: list[bytes] = []

    def keep(payload: bytes) -> bool:
        if len(lost) < 8 and node.tunnel.stats.answers % 3 == 2:
            lost.append(payload)
            return False
        return True

    node.tunnel.hooks = TunnelHooks(keep_acknowledgement=keep)
    world.run_until(MIDNIGHT_MS + 3 * HOUR_MS)
    for operation in range(3, 120, 19):
        node.power_cut(operation)
        world.run_until(world.now_ms + 2 * HOUR_MS)
        assert not node.running
        node.restart()
    world.run_until(world.now_ms + 4 * HOUR_MS)
    assert lost
    stored = set(season.numbers())
    named = season.rows("select first, last from tombstone")
    for first, last in named:
        stored |= set(range(first, last + 1))
    assert stored == set(range(1, max(stored) + 1))
    assert season.rows("select count(*) from conflict") == [(0,)]
