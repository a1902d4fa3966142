"""Boards made of a few lines, the worlds they live in, and a real broker."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nuan_emulator.board_tree import BoardSources
from nuan_emulator.node import Node
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World

sys.path.insert(0, str(Path(__file__).parent))

NODE_ID = "6e75616e00000001"
# 2026-11-01 00:00 in Shanghai.
START_MS = 1_793_462_400_000
BOARDS = Path(__file__).parent / "boards"
BROKER_SECONDS = 15

AddBoard = Callable[..., tuple[World, Node]]


@pytest.fixture
def add_board(vm: Path, tmp_path: Path, seed: int) -> Iterator[AddBoard]:
    """add_board(program or folder, ...): a world with one node that runs it as main.py."""
    worlds: list[World] = []

    def add(board: str | Path, **parts: object) -> tuple[World, Node]:
        if isinstance(board, str):
            folder = tmp_path / "board"
            folder.mkdir(exist_ok=True)
            (folder / "main.py").write_text(board)
        else:
            folder = board
        world = World(
            seed=parts.pop("seed", seed),  # type: ignore[arg-type]
            start_ms=START_MS,
            vm=vm,
            sources=BoardSources(folder, ()),
            clock_file=parts.pop("clock_file", None),  # type: ignore[arg-type]
        )
        worlds.append(world)
        settings: dict[str, object] = {
            "node_id": NODE_ID,
            "key": bytes(range(32)),
            "config": {"node": NODE_ID, "host": "10.1.0.1", "port": 1883},
            "image": tmp_path / f"flash{len(worlds)}.bin",
            "broker": ("127.0.0.1", 9),
        }
        settings.update(parts)
        return world, world.add_node(NodeSpec(**settings))  # type: ignore[arg-type]

    yield add
    for world in worlds:
        world.close()


@pytest.fixture
def broker_port(tmp_path: Path) -> Iterator[int]:
    """A real MQTT broker on loopback: Mosquitto, or amqtt where there is none."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = _start_broker(tmp_path, port)
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[[int], Callable[[], None]]]:
    """start_broker(port): a real broker there; the result kills it."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> Callable[[], None]:
        process = _start_broker(tmp_path, port)
        processes.append(process)
        return lambda: _kill(process)

    yield start
    for process in processes:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _start_broker(folder: Path, port: int) -> subprocess.Popen[bytes]:
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if mosquitto:
        settings = folder / "mosquitto.conf"
        text = f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        settings.write_text(text)
        command = [mosquitto, "-c", str(settings)]
    else:
        settings = folder / "amqtt.yaml"
        settings.write_text(
            f"listeners: {{default: {{type: tcp, bind: '127.0.0.1:{port}'}}}}\n"
            "plugins: {amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}}\n"
        )
        program = "from amqtt.scripts.broker_script import main; main()"
        command = [sys.executable, "-c", program, "-c", str(settings)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    World(seed=0, start_ms=0).await_broker(port, BROKER_SECONDS)
    return process
