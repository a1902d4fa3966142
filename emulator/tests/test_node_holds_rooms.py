"""The node's controller on rooms of its own kind: pulses, positions, probes, the weather."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from struct import unpack_from

import pytest

from nuan_emulator import flash
from nuan_emulator.climate import Climate
from nuan_emulator.clock_chip import ClockChip
from nuan_emulator.flash_journal import read_journal
from nuan_emulator.line import Line
from nuan_emulator.meters import RoomSensor
from nuan_emulator.meters.device import RoomState
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.probe import Probe, crc8
from nuan_emulator.public_room import ROOMS, PublicRoom
from nuan_emulator.weather import BuiltInWeather
from nuan_emulator.world import World

NODE_ID = "6e75616e00000001"
# 2026-11-29 00:00 in Shanghai, a Sunday.
START_MS = 1_795_881_600_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KIND_EXCHANGE, KIND_CONTROL = 1, 3
MODE_NORMAL, MODE_FALLBACK, MODE_WARM_UP, MODE_UNOCCUPIED = 1, 3, 5, 6


def rom(number: int) -> str:
    family = b"\x28" + number.to_bytes(6, "little")
    return (family + bytes([crc8(family)])).hex()


class Rooms:
    """Three rooms, their sensors and valves, and the node that holds them."""

    def __init__(self, folder: Path, vm: Path, seed: int) -> None:
        self.world = World(seed=seed, start_ms=START_MS, vm=vm)
        climate = Climate(BuiltInWeather(seed), START_MS, 8 * 3600)
        self.rooms = [PublicRoom(replace(spec, start_c=18.0), climate) for spec in ROOMS[1:]]
        for room in self.rooms:
            room.set_valve(False, START_MS)
        self.climate = climate
        self.weather = BuiltInWeather(seed)
        self.probes = [
            Probe(rom(1), lambda t: self.temperature_cc(1, t)),
            Probe(rom(2), lambda t: round(self.weather.temperature_c(t) * 100)),
        ]
        self.sensor_dead = False
        self.chip = ClockChip()
        self.chip.write(0, bytes.fromhex("00001606281126"), START_MS)
        self.chip.write(15, b"\x00", START_MS)
        self.vm, self.image = vm, folder / "node.img"
        sensors = [RoomSensor("R1", 2, self.sensor(0)), RoomSensor("R3", 3, self.sensor(2))]
        self.node = self.world.add_node(
            NodeSpec(
                node_id=NODE_ID, key=bytes(range(32)), config=CONFIG, image=self.image,
                broker=("127.0.0.1", 9), lines={2: Line(9600, 10, sensors, seed=seed)},
                pins={33: self.switch(0), 21: self.switch(2)}, pulses={32: self.position(1)},
                probes={4: self.probes}, clock_chip=self.chip,
            )
        )  # fmt: skip

    def temperature_cc(self, index: int, now_ms: int) -> int:
        self.rooms[index].advance(now_ms)
        return self.rooms[index].controlled.temperature_cc(now_ms)

    def sensor(self, index: int):
        def state(now_ms: int) -> RoomState | None:
            if index == 0 and self.sensor_dead:
                return None
            return RoomState((self.temperature_cc(index, now_ms) + 5) // 10, 400)

        return state

    def switch(self, index: int):
        return lambda level, now_ms: self.rooms[index].set_valve(bool(level), now_ms)

    def position(self, index: int):
        def changed(frequency_hz: int, width: int, now_ms: int) -> None:
            assert frequency_hz == 50
            # 1 to 2 ms of 20 are shut to open.
            part = (width * 20_000 / 65_535 - 1000) / 10
            self.rooms[index].set_valve(max(0, min(100, round(part))), now_ms)

        return changed

    def entries(self, kind: int) -> list[bytes]:
        files = flash.read_files(self.vm, self.node.stage, self.image)
        return [e.canonical for e in read_journal(files) if e.canonical[1] == kind]

    def decisions(self, zone: int) -> list[tuple[int, ...]]:
        """(UTC s, requested, applied, measured, per cent, mode, reason) of a zone."""
        return [
            (*unpack_from(">I", e, 22), *unpack_from(">hhhBBB", e, 28))
            for e in self.entries(KIND_CONTROL)
            if e[27] == zone
        ]


PROGRAM = {"week": [0, 0, 0, 0, 0, 1, 1], "types": [[[480, 0], [1080, 2]], []]}
CONFIG = {
    "format": 1, "version": 1, "node": NODE_ID, "wifi": {"ssid": "nuan"},
    "mqtt": {"host": "10.0.0.1"}, "journal": {},
    "clock": {"rtc": {"scl": 22, "sda": 23}},
    "buses": [
        {"name": "rooms", "protocol": "modbus", "uart": 2, "tx": 25, "rx": 26, "baud": 9600,
         "parity": "N", "timeout_ms": 300},
    ],
    "meters": [
        {"slot": 1, "bus": 0, "address": 2, "every_s": 300, "reads": [[4, 1, 2]]},
        {"slot": 3, "bus": 0, "address": 3, "every_s": 300, "reads": [[4, 1, 2]]},
    ],
    "probes": [
        {"slot": 40, "bus": 1, "pin": 4, "rom": rom(1), "every_s": 300},
        {"slot": 41, "bus": 1, "pin": 4, "rom": rom(2), "every_s": 900},
    ],
    "outdoor": {"slot": 41},
    "programs": [PROGRAM],
    "zones": [
        {"zone": 1, "slot": 1, "valve_pin": 33, "drive": "pulses", "setpoint_dc": 220,
         "unoccupied_dc": 160, "setback_dc": 180, "program": 0},
        {"zone": 2, "slot": 40, "valve_pin": 32, "drive": "position", "valve_hz": 50,
         "valve_low_us": 1000, "valve_high_us": 2000, "setpoint_dc": 200, "neighbours": [3]},
        {"zone": 3, "slot": 3, "valve_pin": 21, "setpoint_dc": 180},
    ],
}  # fmt: skip


@pytest.fixture
def rooms(vm: Path, tmp_path: Path, seed: int) -> Iterator[Rooms]:
    print(f"seed {seed}")
    made = Rooms(tmp_path, vm, seed)
    yield made
    made.world.close()


def test_three_rooms_for_two_days_without_any_gateway(rooms: Rooms) -> None:
    rooms.world.run_until(START_MS + 2 * DAY_MS)
    report = rooms.node.heap()
    print("alive", report.live - report.shims)
    rooms.node.kill()
    for index, setting_cc in ((1, 2000), (2, 1800)):
        held = rooms.rooms[index].controlled.temperatures_cc[30 * 60 :]
        assert setting_cc - 130 < sum(held) / len(held) < setting_cc + 90
    found = rooms.decisions(1)
    assert {entry[5] for entry in found} >= {MODE_UNOCCUPIED, MODE_WARM_UP, MODE_NORMAL}
    # Monday, before and at 8 o'clock.
    monday_s = START_MS // 1000 + 86_400
    warm_s = min(entry[0] for entry in found if entry[5] == MODE_WARM_UP)
    assert monday_s + 6 * 3600 < warm_s < monday_s + 8 * 3600
    for entries in (found, rooms.decisions(2), rooms.decisions(3)):
        for _, requested, applied, measured, percent, _, _ in entries:
            assert applied == min(requested, 200)
            assert percent == 0 or measured == -0x8000 or measured <= applied
    told = [e for e in rooms.entries(KIND_EXCHANGE) if unpack_from(">H", e, 28)[0] == 40]
    assert len(told) >= 2 * 280
    question, answer = told[-1][36:46], told[-1][46:]
    assert question == b"\x55" + bytes.fromhex(rom(1)) + b"\xbe"
    assert len(answer) == 9
    assert crc8(answer) == 0


def test_silent_sensors_give_way_to_neighbours_and_the_weather(rooms: Rooms) -> None:
    rooms.world.run_until(START_MS + 6 * HOUR_MS)
    rooms.sensor_dead = rooms.probes[0].dead = True
    rooms.world.run_until(START_MS + 10 * HOUR_MS)
    rooms.probes[0].dead, rooms.probes[0].noisy = False, True
    rooms.world.run_until(START_MS + 12 * HOUR_MS)
    rooms.node.kill()
    late_s = (START_MS + 7 * HOUR_MS) // 1000
    one = [entry for entry in rooms.decisions(1) if entry[0] > late_s]
    outdoor_c = rooms.weather.temperature_c(START_MS + 8 * HOUR_MS)
    wanted = max(0, min(80, (16 - outdoor_c) * 80 / 25))
    for entry in [entry for entry in rooms.decisions(1) if entry[5] == MODE_FALLBACK]:
        assert entry[3] == -0x8000
        assert abs(entry[4] - wanted) < 25
    assert one or rooms.decisions(1)[-1][5] == MODE_FALLBACK
    two = rooms.decisions(2)[-1]
    assert two[5] == MODE_FALLBACK
    assert two[3] != -0x8000
    results = {e[32] for e in rooms.entries(KIND_EXCHANGE) if unpack_from(">H", e, 28)[0] == 40}
    assert results == {0, 1, 2}
