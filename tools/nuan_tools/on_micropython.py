"""Runs test files on a genuine MicroPython, one process a file, under the board's heap limit.

A file takes part when its name is `test_*_board.py`: plain functions `test_x()` with plain
asserts, importing nuan_protocols and the board's own library only. pytest runs the same files.
"""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

HEAP_BYTES = 96 * 1024
FILE_SECONDS_MAX = 120
PATTERN = "test_*_board.py"

# MicroPython's dictionaries keep no order, so the names are sorted to repeat every run.
RUNNER = """
import gc, sys
scope = {"__name__": "tests"}
with open(sys.argv[1]) as file:
    exec(compile(file.read(), sys.argv[1], "exec"), scope)
for name in sorted(scope):
    if name[:5] == "test_" and callable(scope[name]):
        gc.collect()
        print("\\x01start", name)
        try:
            scope[name]()
            print("\\x01passed", name)
        except Exception as error:
            sys.print_exception(error, sys.stdout)
            print("\\x01failed", name)
print("\\x01end")
"""


class Outcome(NamedTuple):
    """One test function's end on the board; `output` is what it printed, traceback included."""

    name: str
    passed: bool
    output: str


def board_test_files(tests: Path) -> list[Path]:
    """The files in a tests folder that also run on the board."""
    return sorted(tests.glob(PATTERN))


def vm_command(vm: Path, heap_bytes: int = HEAP_BYTES) -> list[str]:
    """How to run the tests on a MicroPython program; see wasm.py for the other board."""
    return [str(vm), "-X", f"heapsize={heap_bytes}", "-c", RUNNER]


def run_file(
    command: list[str],
    file: Path,
    import_roots: list[Path],
    seconds_max: int = FILE_SECONDS_MAX,
) -> list[Outcome]:
    """Runs one file; a crash or a hang fails the function it happened in, or the file itself.

    `command` runs RUNNER with a heap like a board's.
    """
    roots = [str(root) for root in import_roots]
    environment = dict(os.environ, MICROPYPATH=":".join([*roots, ".frozen"]))
    try:
        done = subprocess.run(
            [*command, str(file), *roots],
            check=False,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds_max,
        )
        text, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        text, code = error.stdout or b"", -1
    outcomes, ended, rest = _outcomes(text.decode("utf-8", "replace"))
    if not ended or not outcomes:
        output = "".join(rest) or f"ended early with exit code {code}"
        outcomes.append(Outcome(file.name, passed=False, output=output))
    return outcomes


def _outcomes(text: str) -> tuple[list[Outcome], bool, list[str]]:
    outcomes: list[Outcome] = []
    ended = False
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        word, _, name = line.strip().partition(" ")
        if word == "\x01start":
            lines = []
        elif word in {"\x01passed", "\x01failed"}:
            outcomes.append(Outcome(name, word == "\x01passed", "".join(lines)))
            lines = []
        elif word == "\x01end":
            ended = True
        else:
            lines.append(line)
    return outcomes, ended, lines
