"""What a test may do with a board, whichever of the two worlds it lives in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Protocol

from pulled_journal import read_pulled

from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.body import EVENT_BOOT
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EVENT, KIND_EXCHANGE
from nuan_protocols.uplink.entry_reader import Exchange, parse_event, parse_exchange
from nuan_tools.firmware.keys import SigningKey
from nuan_tools.node_link.client import ConsoleClient
from nuan_tools.node_link.pulling import pull

# Longer than any board takes from power to its first answer.
BOOT_S = 30
# A node that nobody tells the time reads its meters all the same after two minutes.
COLD_START_S = 120


class Board(Protocol):
    """A node with its meters; `config` is what it runs, `key` opens its console.

    `first` is the number of the first entry that it can have journaled since the test has it.
    `signer` is the private half of the update key that it knows, None where nobody has given it.
    """

    config: dict[str, Any]
    key: bytes
    console: ConsoleClient
    first: int
    signer: SigningKey | None

    def live(self, seconds: float) -> None:
        """Let it work for so long."""
        ...

    def reset(self) -> None:
        """Cut its power, or pull its reset line, and wait until it answers again."""
        ...

    def utc_s(self) -> int:
        """What time it is where it lives."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def opened(board: Board) -> ConsoleClient:
    """Its console, unlocked for the next ten minutes."""
    board.console.unlock(board.key)
    return board.console


def status(board: Board) -> dict[str, Any]:
    """All that `status` says."""
    return opened(board).request("status", tries=3)


def journal(board: Board) -> list[BatchEntry]:
    """What it has journaled since the test has it, pulled and proved with its key."""
    console = opened(board)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "node.pull"
        pull(console, path, board.first)
        return read_pulled(path.read_bytes(), board.key)


def reboot(board: Board) -> None:
    """Have it restart by itself, and wait until it answers again."""
    opened(board).request("reboot")
    board.live(BOOT_S)
    board.console.request("status", tries=5)


def meters_of(board: Board) -> list[dict[str, Any]]:
    """What its configuration says of each meter."""
    return list(board.config["meters"])


def flush_s(board: Board) -> int:
    """How many seconds lie between two flushes of its journal."""
    return int(board.config.get("journal", {}).get("flush_s", 900))


def live_through(board: Board, periods: int) -> None:
    """Long enough for so many flushes after the meters are read for the first time."""
    board.live(COLD_START_S + BOOT_S + periods * flush_s(board) + 60)


def exchanges(entries: list[BatchEntry]) -> list[tuple[BatchEntry, Exchange]]:
    """Those of them that are exchanges with meters."""
    found = [entry for entry in entries if entry.kind == KIND_EXCHANGE]
    return [(entry, parse_exchange(entry.canonical[HEAD_BYTES:])) for entry in found]


def events(entries: list[BatchEntry], code: int) -> list[str]:
    """The texts of the events of that code."""
    found = [parse_event(e.canonical[HEAD_BYTES:]) for e in entries if e.kind == KIND_EVENT]
    return [event.text for event in found if event.code == code]


def boots(entries: list[BatchEntry]) -> int:
    """How often it has started."""
    return len(events(entries, EVENT_BOOT))
