"""The bench's way to a board, tried on an emulated one behind a pseudo-terminal, in real time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_board import BenchBoard, BenchPort
from board_worlds import boots, exchanges, journal, opened
from emulated_board import CONFIG, NODE_ID, EmulatedBoard, Workshop

from nuan_emulator.serve_node import serve_console
from nuan_tools.errors import UserError

READY_S = 20


class Cable:
    """An emulated board that lives in real time at a port of this machine."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        self._ready = threading.Event()
        self._reset = threading.Event()
        self._ended = threading.Event()
        self.path = ""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(READY_S)

    def reset(self) -> None:
        self._reset.set()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._board.close()

    def _serve(self) -> None:
        serve_console(self._board.world, self._board.node, self._tell, self._look)

    def _tell(self, path: str) -> None:
        self.path = path
        self._ready.set()

    def _look(self) -> bool:
        if self._reset.is_set():
            self._reset.clear()
            self._board.node.kill()
            self._board.node.restart()
        return self._ended.is_set()


class CablePort(BenchPort):
    """A pseudo-terminal has no RTS."""

    def __init__(self, cable: Cable) -> None:
        super().__init__(cable.path)
        self._cable = cable

    def pull_reset(self) -> None:
        self._cable.reset()


@pytest.fixture
def cable(workshop: Workshop, tmp_path: Path) -> Iterator[Cable]:
    made = Cable(workshop.board(tmp_path))
    yield made
    made.close()


def test_a_board_on_a_cable_does_what_the_suite_asks_of_it(
    cable: Cable, workshop: Workshop
) -> None:
    with pytest.raises(UserError, match="not 0011"):
        BenchBoard(CablePort(cable), workshop.keys_file, "0011", None)
    board = BenchBoard(CablePort(cable), workshop.keys_file, NODE_ID, None)
    try:
        assert board.config == CONFIG
        board.hand_over()
        assert opened(board).request("read", slot=3)["result"] == "ok"
        board.live(0.5)
        entries = journal(board)
        assert boots(entries) == 1
        assert [exchange.slot for _, exchange in exchanges(entries)] == [3]
        board.reset()
        assert journal(board)[: len(entries)] == entries
    finally:
        board.close()
