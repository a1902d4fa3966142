"""The codecs' own tests once more, on the genuine MicroPython with a board's heap."""

from pathlib import Path

import pytest

from nuan_tools.on_micropython import board_test_files, run_file

ROOT = Path(__file__).resolve().parents[1]
IMPORT_ROOTS = [ROOT / "firmware" / "board", ROOT / "protocols"]
FILES = board_test_files(ROOT / "protocols" / "tests")


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_codecs_pass_on_micropython(file: Path, vm: Path) -> None:
    outcomes = run_file(vm, file, IMPORT_ROOTS)
    failed = [f"{each.name}\n{each.output}" for each in outcomes if not each.passed]
    assert not failed, "\n".join(failed)


def test_a_failure_on_micropython_is_seen(tmp_path: Path, vm: Path) -> None:
    file = tmp_path / "test_sample_board.py"
    file.write_text(
        "def test_good():\n    assert 1\n"
        "def test_bad():\n    print('clue')\n    assert 1 == 2\n"
        "def test_heap():\n    bytearray(200000)\n"
    )
    outcomes = {each.name: each for each in run_file(vm, file, IMPORT_ROOTS)}
    assert outcomes["test_good"].passed
    assert not outcomes["test_bad"].passed
    assert "clue" in outcomes["test_bad"].output
    assert "AssertionError" in outcomes["test_bad"].output
    assert "MemoryError" in outcomes["test_heap"].output


def test_a_file_that_ends_early_is_seen(tmp_path: Path, vm: Path) -> None:
    file = tmp_path / "test_sample_board.py"
    file.write_text("import sys\ndef test_a(): pass\ndef test_b(): sys.exit(0)\n")
    assert [each.passed for each in run_file(vm, file, IMPORT_ROOTS)] == [True, False]
    file.write_text("import dataclasses\n")
    (outcome,) = run_file(vm, file, IMPORT_ROOTS)
    assert not outcome.passed
    assert "dataclasses" in outcome.output


def test_some_codec_tests_run_on_micropython() -> None:
    assert FILES, "no protocols/tests/test_*_board.py"
