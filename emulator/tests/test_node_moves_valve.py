"""The valve in a CJ/T 188 meter, which a node moves where the site allows it and nowhere else."""

from __future__ import annotations

from pathlib import Path
from struct import unpack_from

import pytest

from nuan_emulator import flash
from nuan_emulator.flash_journal import read_journal
from nuan_emulator.line import Line
from nuan_emulator.meters import Cjt188HeatMeter, HeatState, RoomSensor
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import RoomState
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World

NODE_ID = "6e75616e00000001"
START_MS = 1_795_881_600_000
MINUTE_MS = 60_000
WRITE = 0x04
CONFIG = {
    "format": 1, "version": 1, "node": NODE_ID, "wifi": {"ssid": "nuan"},
    "mqtt": {"host": "10.0.0.1"}, "journal": {},
    "buses": [
        {"name": "rooms", "protocol": "modbus", "uart": 2, "tx": 25, "rx": 26, "baud": 9600,
         "parity": "N", "timeout_ms": 300},
        {"name": "flats", "protocol": "cjt188", "uart": 1, "tx": 17, "rx": 16, "baud": 2400,
         "parity": "E", "timeout_ms": 1000},
    ],
    "meters": [
        {"slot": 1, "bus": 0, "address": 2, "every_s": 300, "reads": [[4, 1, 2]]},
        {"slot": 5, "bus": 1, "address": "11110012345678", "every_s": 3600,
         "reads": [[1, 144, 31]], "allow": ["valve"]},
        {"slot": 6, "bus": 1, "address": "11110012345679", "every_s": 3600,
         "reads": [[1, 144, 31]]},
    ],
    "zones": [{"zone": 1, "slot": 1, "valve_slot": 5, "setpoint_dc": 200}],
}  # fmt: skip


class House:
    """Two heat meters with valves, a room whose temperature is given, a node."""

    def __init__(self, folder: Path, vm: Path, seed: int) -> None:
        self.room_dc = 210
        self.world = World(seed=seed, start_ms=START_MS, vm=vm)
        heat = HeatState(10**9, 10**7, 3000, 200, 5500, 4000, 10**6)
        self.meters = [
            Cjt188HeatMeter(Station(address, valve=True), lambda _: heat)
            for address in ("11110012345678", "11110012345679")
        ]
        sensor = RoomSensor("R1", 2, lambda _: RoomState(self.room_dc, 400))
        self.vm, self.image = vm, folder / "node.img"
        self.node: Node = self.world.add_node(
            NodeSpec(
                node_id=NODE_ID, key=bytes(range(32)), config=CONFIG, image=self.image,
                broker=("127.0.0.1", 9),
                lines={2: Line(9600, 10, [sensor], seed=seed), 1: Line(2400, 11, self.meters)},
            )
        )  # fmt: skip

    def orders(self) -> list[tuple[int, int, int]]:
        """(slot, result, control code) of every exchange on the meters' line."""
        files = flash.read_files(self.vm, self.node.stage, self.image)
        found = [e.canonical for e in read_journal(files) if e.canonical[1] == 1]
        return [(unpack_from(">H", e, 28)[0], e[32], e[36 + 13]) for e in found if e[27] == 1]


@pytest.fixture
def house(vm: Path, tmp_path: Path, seed: int):
    made = House(tmp_path, vm, seed)
    yield made
    made.world.close()


def test_the_allowed_valve_follows_the_room_and_the_other_stays(house: House) -> None:
    world = house.world
    world.run_until(START_MS + 30 * MINUTE_MS)
    assert [meter.valve_open for meter in house.meters] == [False, True]
    house.room_dc = 190
    world.run_until(START_MS + 50 * MINUTE_MS)
    assert [meter.valve_open for meter in house.meters] == [True, True]
    house.room_dc = 201
    world.run_until(START_MS + 130 * MINUTE_MS)
    assert [meter.valve_open for meter in house.meters] == [False, True]
    assert house.node.boots == 1
    house.node.kill()
    found = house.orders()
    assert [order for order in found if order[2] == WRITE] == [(5, 0, WRITE)] * 3
    assert {slot for slot, result, _ in found if result == 0} == {5, 6}
