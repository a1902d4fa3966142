"""A board of the emulator: flashed and provisioned as a real one, then copied for every test."""

from __future__ import annotations

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

from nuan_emulator.console_port import ConsolePort
from nuan_emulator.faults import DeadSpan, FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import MBusHeatMeter, RoomSensor
from nuan_emulator.meters.device import HeatState, RoomState
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_tools.firmware.build import make_app
from nuan_tools.firmware.keys import SigningKey, make_key
from nuan_tools.flashing.provisioning import Wish, provision
from nuan_tools.node_link.client import ConsoleClient
from nuan_tools.node_link.opening import key_of

START_MS = 1_793_462_400_000
NODE_ID = "6e75616e00000001"
NOBODY = ("127.0.0.1", 9)
BUILD = 5
LAMP_PIN = 2
_START_S = 10

CONFIG: dict[str, Any] = {
    "format": 1,
    "version": 7,
    "node": NODE_ID,
    "wifi": {"ssid": "bench"},
    "mqtt": {"host": "10.1.0.1", "port": 1883},
    "journal": {"flush_s": 300},
    "led": LAMP_PIN,
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


class EmulatedBoard:
    """The firmware on the genuine VM, with emulated meters."""

    def __init__(
        self,
        image: Path,
        vm: Path,
        seed: int,
        *,
        broker: tuple[str, int] = NOBODY,
        firmware: bytes | None = None,
        clock_file: Path | None = None,
    ) -> None:
        self.config = deepcopy(CONFIG)
        self.key = b""
        self.first = 1
        self.signer: SigningKey | None = None
        self.lamp: list[tuple[int, int]] = []
        self._seed = seed
        self.world = World(seed=seed, start_ms=START_MS, vm=vm, clock_file=clock_file)
        heat = [MBusHeatMeter(f"1000000{n}", n, _heat) for n in (1, 2)]
        self._lines = {
            1: Line(2400, 11, heat, seed=seed),
            2: Line(9600, 10, [RoomSensor("40000001", 1, _room)], seed=seed),
        }
        # What `nuan flash` leaves: no key, no configuration. A build has run well before.
        self.node: Node = self.world.add_node(
            NodeSpec(
                node_id=NODE_ID,
                key=b"",
                config={},
                image=image,
                broker=broker,
                lines=self._lines,
                pins={LAMP_PIN: lambda level, at_ms: self.lamp.append((at_ms, level))},
                nvs={"nuan/build": BUILD},
                firmware=firmware,
            )
        )
        self.console = ConsoleClient(ConsolePort(self.world, self.node))

    def live(self, seconds: float) -> None:
        """As Board says."""
        self.world.run_until(self.world.now_ms + int(seconds * 1000))

    def reset(self) -> None:
        """As Board says."""
        self.node.kill()
        self.node.restart()
        self.console.request("status", tries=3)

    def utc_s(self) -> int:
        """As Board says."""
        return self.world.now_ms // 1000

    def close(self) -> None:
        """As Board says."""
        self.world.close()

    def switch_off(self, bus: int, device: int) -> None:
        """From now on that device of that bus (both counted from 0) is silent."""
        span = DeadSpan(device, self.world.now_ms, 1 << 62)
        line = self._lines[CONFIG["buses"][bus]["uart"]]
        line.faults = LineFaults(FaultRates(dead=(span,)), self._seed)


class Workshop:
    """Flashes and provisions one board, as a person does it, and hands out copies of it."""

    def __init__(self, folder: Path, vm: Path, seed: int) -> None:
        self.folder = folder
        self._vm = vm
        self._seed = seed
        self.keys_file = folder / "keys.toml"
        self._signer = make_key(folder / "update.pem", "")
        bundle = make_app(BUILD, self._signer, "")
        board = EmulatedBoard(folder / "flash.img", vm, seed, firmware=bundle)
        board.live(_START_S)
        wish = Wish(
            NODE_ID,
            CONFIG,
            self.keys_file,
            {"fw_key0": self._signer.modulus},
            {"wifi_key": "warm and dry"},
            confirm=True,
        )
        provision(board.console, wish, lambda _: None)
        board.live(_START_S)
        self.key = key_of(self.keys_file, NODE_ID)
        board.console.unlock(self.key)
        board.console.request("pull")
        self._newest = int(board.console.request("status")["newest"])
        board.close()

    def board(
        self,
        folder: Path,
        broker: tuple[str, int] = NOBODY,
        clock_file: Path | None = None,
        flash: Path | None = None,
    ) -> EmulatedBoard:
        """A copy of it that was just given power, with its own flash or that of another folder."""
        for path in (flash or self.folder).glob("flash.*"):
            shutil.copyfile(path, folder / path.name)
        made = EmulatedBoard(
            folder / "flash.img", self._vm, self._seed, broker=broker, clock_file=clock_file
        )
        made.key = self.key
        made.signer = self._signer
        made.first = self._newest + 1
        made.console.request("status", tries=3)
        return made


def _heat(now_ms: int) -> HeatState:
    seconds = (now_ms - START_MS) // 1000
    return HeatState(seconds * 40_000, seconds * 60, 2000, 250, 5512, 3498, seconds)


def _room(now_ms: int) -> RoomState:
    return RoomState(190 + (now_ms - START_MS) // 600_000 % 20, 420)
