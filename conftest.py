"""What every test may use: the seed, the shared data, the genuine MicroPython.

Hypothesis runs the profile named by HYPOTHESIS_PROFILE ("ci", "dev" or "nightly"; without it
"ci"). "nightly" tries a hundred times as many examples and draws others each time.
In CI nothing may be skipped but tests for a real board (marker `bench`).
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent
SHARED_DATA = ROOT.parent / "shared" / "data"
SEED = 20251101
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", settings.get_profile("ci"), derandomize=False)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_skipped_in_ci: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seed", type=int, default=SEED, help=f"seed of all simulated worlds (default {SEED})"
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"nuan: seed {config.getoption('--seed')} (repeat with --seed)"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "bench" not in report.keywords and not hasattr(report, "wasxfail"):
        _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI everything a test needs is present, so a skip is a fault."""
    if IN_CI and report.skipped and report.nodeid not in _skipped_in_ci:
        _skipped_in_ci.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _skipped_in_ci and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for nodeid in _skipped_in_ci:
        terminalreporter.write_line(f"skipped in CI, which counts as failed: {nodeid}", red=True)


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of all simulated worlds."""
    return int(request.config.getoption("--seed"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded frames, bills and series beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no folder shared/data beside the repository")
    return SHARED_DATA


@pytest.fixture(scope="session")
def vm() -> Path:
    """A genuine MicroPython of version 1.25 or newer, 32-bit where possible."""
    from nuan_tools.vm import vm_path

    return vm_path()


class _LogKeeper(logging.Handler):
    """Formats every record, so that a broken log call fails here and not in production."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.broken: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage()
        except Exception as error:  # noqa: BLE001  # whatever a log call gets wrong
            self.broken.append(f"{record.pathname}:{record.lineno}: {record.msg!r}: {error}")


@pytest.fixture(autouse=True)
def _log_calls_are_well_formed() -> Iterator[None]:
    keeper = _LogKeeper()
    logging.getLogger().addHandler(keeper)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(keeper)
    assert not keeper.broken, f"badly formatted log calls: {keeper.broken}"
