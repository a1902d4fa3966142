"""A board to test: one of the emulator, or a real one on a bench. Tests see no difference.

The bench: a board with the firmware and a node key, its console on a serial port, its buses wired
to the meters that its /config.json names. No gateway is needed.
"""

import shutil
import time
from pathlib import Path
from random import Random
from typing import Any, Protocol

from repl_link import ReplLink

from nuan_emulator import flash
from nuan_emulator.line import Line
from nuan_emulator.meters import MBusHeatMeter, RoomSensor
from nuan_emulator.meters.device import HeatState, RoomState
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World

START_MS = 1_793_462_400_000
NODE_ID = "6e75616e00000001"
# A node that nobody tells the time reads its meters all the same after ten minutes.
COLD_START_S = 600

CONFIG: dict[str, Any] = {
    "format": 1,
    "version": 7,
    "node": NODE_ID,
    "wifi": {"ssid": "bench"},
    "mqtt": {"host": "10.1.0.1", "port": 1883},
    "journal": {"flush_s": 300},
    "buses": [
        {"name": "mbus", "protocol": "mbus", "uart": 1, "tx": 17, "rx": 16}
        | {"baud": 2400, "parity": "E", "timeout_ms": 1100},
        {"name": "rs485", "protocol": "modbus", "uart": 2, "tx": 25, "rx": 26, "de": 27}
        | {"baud": 9600, "parity": "N", "timeout_ms": 300},
    ],
    "meters": [
        {"slot": 1, "bus": 0, "address": 1, "every_s": 300},
        {"slot": 2, "bus": 0, "address": 2, "every_s": 300},
        {"slot": 3, "bus": 1, "address": 1, "every_s": 60, "reads": [[4, 1, 2]]},
    ],
}


class Board(Protocol):
    """What a test may do with a board, and what it may look at."""

    config: dict[str, Any]

    def live(self, seconds: int) -> None:
        """Let it work for so long."""
        ...

    def reset(self) -> None:
        """Cut its power, or pull its reset line, and let it start again."""
        ...

    def files(self) -> dict[str, bytes]:
        """Everything on its flash. A real board is stopped for that, and started again."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class EmulatedBoard:
    """The firmware on the genuine VM, with emulated meters; nobody answers its uplink."""

    def __init__(self, folder: Path, vm: Path, seed: int) -> None:
        self.config = CONFIG
        self._vm = vm
        self._world = World(seed=seed, start_ms=START_MS, vm=vm)
        heat = [MBusHeatMeter(f"1000000{n}", n, _heat) for n in (1, 2)]
        lines = {
            1: Line(2400, 11, heat, seed=seed),
            2: Line(9600, 10, [RoomSensor("40000001", 1, _room)], seed=seed),
        }
        self._node = self._world.add_node(
            NodeSpec(
                node_id=NODE_ID,
                key=Random(seed).randbytes(32),
                config=self.config,
                image=folder / "flash.img",
                broker=("127.0.0.1", 9),
                lines=lines,
            )
        )

    def live(self, seconds: int) -> None:
        self._world.run_until(self._world.now_ms + seconds * 1000)

    def reset(self) -> None:
        self._node.kill()
        self._node.restart()

    def files(self) -> dict[str, bytes]:
        copy = self._node.spec.image.with_suffix(".copy")
        shutil.copyfile(self._node.spec.image, copy)
        return flash.read_files(self._vm, self._node.stage, copy)

    def close(self) -> None:
        self._world.close()


class BenchBoard:
    """A real board behind a serial port whose RTS line is wired to reset, as on every ESP32 kit."""

    def __init__(self, port: str) -> None:
        import json

        import serial

        self._serial = serial.Serial(port, 115200, timeout=0.1)
        self._link = ReplLink(self._serial)
        self.config = json.loads(self.files()["/config.json"])

    def live(self, seconds: int) -> None:
        time.sleep(seconds)

    def reset(self) -> None:
        self._serial.dtr = False
        self._serial.rts = True
        time.sleep(0.1)
        self._serial.rts = False

    def files(self) -> dict[str, bytes]:
        found = self._link.files()
        self.reset()
        return found

    def close(self) -> None:
        self._serial.close()


def _heat(now_ms: int) -> HeatState:
    seconds = (now_ms - START_MS) // 1000
    return HeatState(seconds * 40_000, seconds * 60, 2000, 250, 5512, 3498, seconds)


def _room(now_ms: int) -> RoomState:
    return RoomState(190 + (now_ms - START_MS) // 600_000 % 20, 420)
