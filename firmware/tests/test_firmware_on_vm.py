"""Runs the files in tests/board on the genuine MicroPython; each holds plain test functions."""

import os
from pathlib import Path

import pytest

from nuan_tools.on_micropython import FILE_SECONDS_MAX, run_file, vm_command

BOARD_TESTS = Path(__file__).resolve().parent / "board"
FIRMWARE = BOARD_TESTS.parents[1]
ROOTS = [BOARD_TESTS, FIRMWARE, FIRMWARE.parent / "protocols", FIRMWARE / "board"]
# The RAM flash of the journal's tests lives on the same heap.
HEAP_BYTES = 64 << 20
# Every cut of a day is some thousand days.
NIGHTLY = os.getenv("HYPOTHESIS_PROFILE") == "nightly"
SECONDS_MAX = 3600 if NIGHTLY else FILE_SECONDS_MAX


@pytest.mark.timeout(SECONDS_MAX)
@pytest.mark.parametrize(
    "file", sorted(BOARD_TESTS.glob("check_*.py")), ids=lambda path: path.stem[6:]
)
def test_on_vm(vm: Path, file: Path) -> None:
    outcomes = run_file(vm_command(vm, HEAP_BYTES), file, ROOTS, SECONDS_MAX)
    assert outcomes
    failed = [f"{outcome.name}\n{outcome.output}" for outcome in outcomes if not outcome.passed]
    assert not failed, "\n".join(failed)
