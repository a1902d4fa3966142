"""One suite, two worlds: the emulator, or with --bench PORT a real board on a cable."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# These need the path.
from bench_board import BenchBoard, BenchPort
from board_worlds import Board, reboot
from emulated_board import EmulatedBoard, Workshop
from emulated_gateway import EmulatedGateway
from other_bundle import bring_update

from nuan_tools.errors import UserError
from nuan_tools.firmware.keys import read_key

ONLY_BENCH = "only a real board proves this: pytest hil_tests --bench PORT"
ONLY_EMULATOR = "only the emulator can do this to a meter, or look at a pin"
EMULATED = {"emulated", "emulated_gateway"}
WITH_GATEWAY = "needs the board's gateway in reach: --gateway"
WITHOUT_GATEWAY = "a gateway in reach would confirm what is to go back: without --gateway"
SLOW = "takes half an hour of real time: --slow"
# Of real time, what a test says it takes; a board that hangs is given up then.
PATIENCE = 3
MINUTES_USUAL = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hil_tests: a board on a bench")
    worlds = group.addoption
    worlds("--virtual", action="store_true", help="the emulator, which is the default")
    worlds("--bench", metavar="PORT", help="a real board's serial port")
    worlds("--keys", metavar="FILE", default="keys.toml", help="the gateway's keys file")
    worlds("--node", metavar="ID", default="", help="the node that must be at the port")
    worlds("--update-key", metavar="FILE", help="the private update key of the board's public one")
    worlds("--vm-image", metavar="FILE", help="the MicroPython image that runs on the board")
    worlds("--gateway", action="store_true", help="the board reaches its gateway: what needs it")
    worlds("--slow", action="store_true", help="on a bench also what takes half an hour each")


def pytest_configure(config: pytest.Config) -> None:
    lines = (
        "minutes(n): how long it takes on a bench, in real time",
        "with_gateway: on a bench only with --gateway",
        "without_gateway: on a bench only without a gateway in reach",
        "slow: takes over half an hour on a bench (--slow)",
    )
    for line in lines:
        config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            reason = _left_out(config, item)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))
            if option(config, "--bench"):
                mark = item.get_closest_marker("minutes")
                minutes = float(mark.args[0]) if mark else MINUTES_USUAL
                patience_s = 60 * (PATIENCE * minutes + MINUTES_USUAL)
                item.add_marker(pytest.mark.timeout(patience_s))


def option(config: pytest.Config, name: str) -> str:
    """What was given; empty when nothing was, or when this folder was found among others."""
    return str(config.getoption(name, default=None) or "")


def _left_out(config: pytest.Config, item: pytest.Item) -> str:
    """Why this world can't run the test; empty when it can."""
    marks = {mark.name for mark in item.iter_markers()}
    if not option(config, "--bench"):
        return ONLY_BENCH if "bench" in marks else ""
    if EMULATED & set(getattr(item, "fixturenames", ())):
        return ONLY_EMULATOR
    if "with_gateway" in marks and not option(config, "--gateway"):
        return WITH_GATEWAY
    if "without_gateway" in marks and option(config, "--gateway"):
        return WITHOUT_GATEWAY
    return SLOW if "slow" in marks and not option(config, "--slow") else ""


@pytest.fixture(scope="session")
def real_board(request: pytest.FixtureRequest) -> Iterator[BenchBoard]:
    """The board on the bench."""
    config = request.config
    signer = None
    try:
        if option(config, "--update-key"):
            path = Path(option(config, "--update-key"))
            signer = read_key(path, lambda: pytest.exit(f"{path}: set NUAN_KEY_PASSPHRASE"))
        port = BenchPort(option(config, "--bench"))
        board = BenchBoard(port, Path(option(config, "--keys")), option(config, "--node"), signer)
    except UserError as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    yield board
    board.close()


@pytest.fixture
def bench(real_board: BenchBoard) -> BenchBoard:
    """The board on the bench, just started."""
    real_board.hand_over()
    return real_board


@pytest.fixture
def vm_image(request: pytest.FixtureRequest) -> Path:
    """The MicroPython image of the board on the bench."""
    path = option(request.config, "--vm-image")
    if not path:
        pytest.skip("no image of MicroPython: --vm-image FILE")
    return Path(path)


@pytest.fixture(scope="session")
def workshop(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, seed: int
) -> Workshop:
    """Where the emulator's boards come from."""
    print(f"seed {seed}")
    return Workshop(tmp_path_factory.mktemp("workshop"), request.getfixturevalue("vm"), seed)


@pytest.fixture
def emulated(workshop: Workshop, tmp_path: Path) -> Iterator[EmulatedBoard]:
    """A board of the emulator, just started."""
    board = workshop.board(tmp_path)
    yield board
    board.close()


@pytest.fixture(scope="session")
def armed_flash(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an emulated board's flash, after an update has come over its console."""
    folder = tmp_path_factory.mktemp("armed")
    board = workshop.board(folder)
    bring_update(board, folder)
    board.close()
    return folder


@pytest.fixture
def on_trial(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    """A board of either world that has taken an update, and has just started with it."""
    if option(request.config, "--bench"):
        real: BenchBoard = request.getfixturevalue("bench")
        bring_update(real, tmp_path)
        reboot(real)
        yield real
        return
    shop: Workshop = request.getfixturevalue("workshop")
    board = shop.board(tmp_path, flash=request.getfixturevalue("armed_flash"))
    yield board
    board.close()


@pytest.fixture
def emulated_gateway(
    workshop: Workshop, armed_flash: Path, tmp_path: Path
) -> Iterator[EmulatedGateway]:
    """A board of the emulator that tries an update and reaches the real gateway."""
    made = EmulatedGateway(workshop, armed_flash, tmp_path)
    yield made
    made.close()


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Board:
    """A board of either world, just started."""
    real = option(request.config, "--bench")
    found: Board = request.getfixturevalue("bench" if real else "emulated")
    return found
