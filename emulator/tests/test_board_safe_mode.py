"""The node's firmware with a fault put into it: crash loops, safe mode and the way out of it."""

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from update_kit import NODE_ID, START_MS

from nuan_emulator import flash
from nuan_emulator.board_tree import BoardSources, checkout_sources
from nuan_emulator.flash_journal import read_journal
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_protocols.uplink.body import (
    EVENT_BOOT,
    EVENT_FAULT,
    EVENT_PANIC,
    EVENT_SAFE_MODE,
    EVENT_STATISTICS,
)

KEY = bytes(range(32))
HOUR_S = 3600
CAUSE_WATCHDOG = 3
KIND_EXCHANGE, KIND_EVENT = 1, 2
CONFIG = {
    "format": 1,
    "version": 1,
    "node": NODE_ID,
    "wifi": {"ssid": "nuan"},
    "mqtt": {"host": "10.1.0.1", "port": 1883},
    "journal": {"flush_s": 300},
    "buses": [
        {"name": "rs485", "protocol": "modbus", "uart": 1, "tx": 17, "rx": 16, "de": 4,
         "baud": 9600, "parity": "N", "timeout_ms": 100},
    ],
    "meters": [{"slot": 1, "bus": 0, "address": 1, "every_s": 300, "reads": [[3, 0, 2]]}],
}  # fmt: skip
CRASH = """
    with open("/crash") as file:
        if file.read() == "1":
            raise RuntimeError("of ours")
"""


def patched(folder: Path, file: str, old: str, new: str) -> BoardSources:
    """The checkout's firmware with a piece of one file replaced."""
    sources = checkout_sources()
    package = folder / "nuan_firmware"
    shutil.copytree(
        sources.packages[0],
        package,
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    text = (package / file).read_text("utf-8")
    assert text.count(old) == 1
    (package / file).write_text(text.replace(old, new), "utf-8")
    return sources._replace(packages=(package,))


class Board:
    """A board with faulty firmware, no gateway, and a meter that doesn't answer."""

    def __init__(
        self,
        folder: Path,
        vm: Path,
        sources: BoardSources | None = None,
        *,
        key: bytes = KEY,
        config: dict[str, object] = CONFIG,
    ) -> None:
        self.vm = vm
        self.lamp: list[tuple[int, int]] = []
        self.world = World(seed=1, start_ms=START_MS, vm=vm, sources=sources)
        self.spec = NodeSpec(
            node_id=NODE_ID,
            key=key,
            config=config,
            image=folder / "flash.img",
            broker=("127.0.0.1", 9),
            pins={2: lambda level, at_ms: self.lamp.append((at_ms, level))},
        )
        self.node: Node = self.world.add_node(self.spec)

    def live(self, seconds: int) -> None:
        self.world.run_until(self.world.now_ms + 1000 * seconds)

    def give(self, files: dict[str, bytes]) -> None:
        self.node.kill()
        flash.write_files(self.vm, self.node.stage, self.spec.image, files)
        self.node.restart()

    def kinds_and_texts(self) -> list[tuple[int, str]]:
        """What is on flash, in order: events as (code, text), exchanges as (0, "")."""
        self.node.kill()
        files = flash.read_files(self.vm, self.node.stage, self.spec.image)
        self.node.restart()
        found: list[tuple[int, str]] = []
        for entry in read_journal(files):
            raw = entry.canonical
            if raw[1] == KIND_EXCHANGE:
                found.append((0, ""))
            elif raw[1] == KIND_EVENT:
                found.append((raw[27], raw[28:].decode()))
        return found

    def events(self, code: int) -> list[str]:
        return [text for kind, text in self.kinds_and_texts() if kind == code]


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> BoardSources:
    """Firmware that crashes at boot while the file /crash says so."""
    old = "    panic.tell(journal)\n"
    folder = tmp_path_factory.mktemp("crashing")
    return patched(folder, "boot_notes.py", old, CRASH + old)


def test_five_crashes_end_in_safe_mode_and_six_hours_later_it_tries_again(
    vm: Path, tmp_path: Path, crashing: BoardSources
) -> None:
    board = Board(tmp_path, vm, crashing)
    try:
        board.give({"/crash": b"1"})
        board.live(300)
        assert len(board.node.resets) == 5
        boots = board.node.boots
        board.live(5 * HOUR_S)
        assert board.node.boots == boots
        safe = board.events(EVENT_SAFE_MODE)[0]
        assert safe.startswith("5 crashes in a row, the last: RuntimeError('of ours',) ")
        assert "nuan_firmware.boot_notes:" in safe
        # Once, and again when it has happened twice and four times as often: not at every boot.
        told = [text.partition(" at ")[0] for text in board.events(EVENT_PANIC)]
        assert [text.partition(") ")[2].partition(" (")[2] for text in told] == ["5 times)"]
        board.give({"/crash": b"0"})
        board.live(7 * HOUR_S)
        seen = board.kinds_and_texts()
        last_boot = max(at for at, (kind, _) in enumerate(seen) if kind == EVENT_BOOT)
        last_safe = max(at for at, (kind, _) in enumerate(seen) if kind == EVENT_SAFE_MODE)
        assert last_boot > last_safe
        assert (0, "") in seen[last_boot:]
    finally:
        board.world.close()


def test_rooms_are_heated_by_duty_in_safe_mode(
    vm: Path, tmp_path: Path, crashing: BoardSources
) -> None:
    zone = {"zone": 1, "slot": 1, "valve_pin": 2, "setpoint_dc": 200, "fallback_pct": 40}
    board = Board(tmp_path, vm, crashing, config={**CONFIG, "zones": [zone]})
    try:
        board.give({"/crash": b"1"})
        board.live(300)
        assert len(board.node.resets) == 5
        board.live(2 * HOUR_S)
        moves = [at for index, at in enumerate(board.lamp) if at[1] != board.lamp[index - 1][1]]
        held = [
            (level, (until_ms - at_ms) // 1000)
            for (at_ms, level), (until_ms, _) in pairwise(moves[-6:])
        ]
        # 40 % of half an hour.
        assert sorted(held) == [(0, 1080)] * 3 + [(1, 720)] * 2
    finally:
        board.world.close()


def test_a_trial_start_that_crashes_is_back_in_safe_mode_at_once(
    vm: Path, tmp_path: Path, crashing: BoardSources
) -> None:
    board = Board(tmp_path, vm, crashing)
    try:
        board.give({"/crash": b"1"})
        board.live(300)
        boots = board.node.boots
        board.live(13 * HOUR_S)
        # Two trials: out of safe mode, and back.
        assert board.node.boots == boots + 4
    finally:
        board.world.close()


def test_a_board_that_was_never_provisioned_waits_in_safe_mode(vm: Path, tmp_path: Path) -> None:
    board = Board(tmp_path, vm, key=b"")
    try:
        board.live(24 * HOUR_S)
        assert board.node.boots == 1
        assert "not provisioned" in board.node.console_tail()
    finally:
        board.world.close()


def test_a_configuration_that_cannot_be_read_is_named_and_no_crash(
    vm: Path, tmp_path: Path
) -> None:
    board = Board(tmp_path, vm, config={**CONFIG, "bauds": 1})
    try:
        board.live(HOUR_S)
        assert board.node.boots == 1
        assert "bauds: unknown key" in board.node.console_tail()
    finally:
        board.world.close()


def test_a_bus_that_hangs_is_started_again_and_then_the_watchdog_bites(
    vm: Path, tmp_path: Path
) -> None:
    sources = patched(
        tmp_path,
        "bus.py",
        "while not port.is_sent():\n                    await asyncio.sleep_ms(1)\n",
        "while True:\n                    await asyncio.sleep_ms(1000)\n",
    )
    board = Board(tmp_path, vm, sources)
    try:
        board.live(HOUR_S)
        assert board.node.resets[0].cause == CAUSE_WATCHDOG
        faults = board.events(EVENT_FAULT)
        assert "rs485: stands still" in faults
        assert "rs485: stands still (2 times)" in faults
        panics = board.events(EVENT_PANIC)
        assert panics[0].startswith("rs485 stands still at ")
    finally:
        board.world.close()


def test_the_day_is_told_in_one_event_and_the_lamp_says_there_is_no_gateway(
    vm: Path, tmp_path: Path
) -> None:
    board = Board(tmp_path, vm, config={**CONFIG, "led": 2})
    try:
        board.live(25 * HOUR_S)
        assert board.node.boots == 1
        (text,) = board.events(EVENT_STATISTICS)
        words = text.split(", ")
        assert words[0].startswith("alive ")
        assert "block 4096" in words[0]
        assert any(word.startswith("rs485 unreadable 0 silent ") for word in words)
        late = [at for at in board.lamp if at[0] > START_MS + HOUR_S * 1000][:9]
        steps = [late[i + 1][0] - late[i][0] for i in range(8)]
        assert sorted(set(steps)) == [200, 2400]
    finally:
        board.world.close()
