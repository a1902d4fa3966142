"""One suite, two worlds: the emulator, or with --bench PORT a real board on a cable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from board_worlds import BenchBoard, Board, EmulatedBoard  # needs the path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bench", metavar="PORT", help="serial port of a real board to run hil_tests on"
    )


@pytest.fixture
def board(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> Iterator[Board]:
    """A board that has just been given power."""
    port = request.config.getoption("--bench", default=None)
    if port:
        board: Board = BenchBoard(str(port))
    else:
        print(f"seed {seed}")
        board = EmulatedBoard(tmp_path, request.getfixturevalue("vm"), seed)
    yield board
    board.close()
