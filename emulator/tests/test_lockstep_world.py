"""A small node with flash, line and uplink in a world with a real broker."""

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from nuan_emulator import flash
from nuan_emulator.errors import EmulatorError
from nuan_emulator.node import BOOT_MS, Node
from nuan_emulator.world import World

AddBoard = Callable[..., tuple[World, Node]]
PROBE = Path(__file__).parent / "boards" / "probe"
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Counter:
    """A line whose answer names the instant of the request."""

    baud = 2400

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        return [(start_ms + 400, b"answer %d" % start_ms)]


def log_of(node: Node, vm: Path) -> list[bytes]:
    return flash.read_files(vm, node.stage, node.spec.image)["/log"].split(b"end\n")[:-1]


def test_days_pass_through_a_real_broker_and_repeat_to_the_byte(
    add_board: AddBoard, broker_port: int, tmp_path: Path
) -> None:
    results = []
    for run in range(2):
        image = tmp_path / f"repeat{run}.bin"
        world, node = add_board(
            PROBE, image=image, lines={1: Counter()}, broker=("127.0.0.1", broker_port)
        )
        world.run_until(world.now_ms + 3 * DAY_MS)
        heap = node.heap()
        world.close()
        assert node.exchanges >= 3 * 1439
        results.append((node.traffic_digest(), image.read_bytes(), heap))
    assert results[0] == results[1]


def test_the_clock_file_shows_virtual_time(
    add_board: AddBoard, broker_port: int, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    world, node = add_board(PROBE, clock_file=clock, broker=("127.0.0.1", broker_port))
    shown: list[int] = []
    node.tunnel.hooks = node.tunnel.hooks._replace(
        before_forward=lambda _: shown.append(struct.unpack("<Q", clock.read_bytes())[0])
    )
    end_ms = world.now_ms + 2 * HOUR_MS
    world.run_until(end_ms)
    assert struct.unpack("<Q", clock.read_bytes()) == (end_ms,)


def test_an_outage_ends_the_connection_and_the_node_comes_back(
    add_board: AddBoard, broker_port: int, vm: Path
) -> None:
    start_ms = 1_793_462_400_000
    outage = (start_ms + 10 * HOUR_MS, start_ms + 13 * HOUR_MS)
    world, node = add_board(PROBE, broker=("127.0.0.1", broker_port), outages=[outage])
    world.run_until(start_ms + DAY_MS)
    node.kill()
    # The board's own clock began at boot.
    begin_s = 846_806_400 - BOOT_MS // 1000
    times = [int(line.split()[0]) - begin_s for line in log_of(node, vm)]
    silent = [b - a for a, b in pairwise(times) if b - a > 1000]
    assert len(silent) == 1
    assert 3 * 3600 < silent[0] < 3 * 3600 + 1900
    assert "uplink EOFError()" in node.console_tail()


def test_a_killed_node_comes_back_on_its_flash_and_time_goes_on(
    add_board: AddBoard, broker_port: int, vm: Path
) -> None:
    world, node = add_board(PROBE, broker=("127.0.0.1", broker_port))
    start_ms = world.now_ms
    world.at(start_ms + 5 * HOUR_MS, node.kill)
    world.at(start_ms + 6 * HOUR_MS, node.restart)
    world.run_until(start_ms + 5 * HOUR_MS + 1)
    assert not node.running
    world.run_until(start_ms + 10 * HOUR_MS)
    assert node.boots == 2
    assert world.now_ms == start_ms + 10 * HOUR_MS
    node.kill()
    lines = log_of(node, vm)
    assert len(lines) in {34, 35, 36, 37}
    assert [text for text in node.console_tail().splitlines() if text.startswith("boot")] == [
        "boot 0 b'\\x00\\x01\\x02\\x03' 1 0",
        "boot 1 b'\\x00\\x01\\x02\\x03' 1 0",
    ]


def test_a_broker_that_is_away_is_met_with_the_nodes_own_patience(
    add_board: AddBoard, tmp_path: Path, start_broker: Callable[[int], Callable[[], None]]
) -> None:
    port = free_port()
    world, node = add_board(PROBE, broker=("127.0.0.1", port))
    start_ms = world.now_ms
    stops: list[Callable[[], None]] = []

    def start() -> None:
        stops.append(start_broker(port))

    def stop() -> None:
        stops.pop()()

    world.at(start_ms + HOUR_MS, start)
    world.at(start_ms + 3 * HOUR_MS, stop)
    world.at(start_ms + 4 * HOUR_MS, start)
    world.run_until(start_ms + 5 * HOUR_MS)
    text = node.console.read_text()
    assert text.count("connack") == 2
    assert "uplink OSError(111,)" in text


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_events_run_in_the_order_booked_and_progress_is_told(add_board: AddBoard) -> None:
    world, _ = add_board("import time\nwhile True:\n    time.sleep(77)\n")
    start_ms = world.now_ms
    seen: list[object] = []
    world.at(start_ms + 500, lambda: seen.append("b"))
    world.at(start_ms + 500, lambda: world.at(start_ms + 500, lambda: seen.append("d")))
    world.at(start_ms + 400, lambda: seen.append("a"))
    world.at(start_ms + 500, lambda: seen.append("c"))
    world.run_until(start_ms + 2500, lambda now_ms: seen.append(now_ms - start_ms), 1000)
    assert seen == ["a", "b", "c", "d", 1000, 2000]
    assert world.now_ms == start_ms + 2500
    with pytest.raises(ValueError, match="before the world's now"):
        world.at(start_ms, lambda: None)


def test_a_world_holds_one_node(add_board: AddBoard) -> None:
    world, node = add_board("import time\nwhile True:\n    time.sleep(77)\n")
    with pytest.raises(EmulatorError, match="one"):
        world.add_node(node.spec)


def test_waiting_for_a_broker_that_never_comes_ends(add_board: AddBoard) -> None:
    with pytest.raises(EmulatorError, match="nothing accepts connections"):
        World(seed=1, start_ms=0).await_broker(free_port(), 0.2)
