"""Emulated lines behind TCP ports, and `nuan` as a user runs it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

NUAN = [sys.executable, "-m", "nuan_tools"]
# So fast that an answer comes within the answer time below, on a busy machine too.
SPEED = "100"
FAST = ("--answer-time", "35")
END_S = 10


@dataclass
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """What a command with --json printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def widest(self) -> int:
        """Columns of the longest line that isn't to be copied as a whole."""
        told = self.out.partition("[[node]]")[0]
        return max(cell_len(line.rstrip()) for line in told.splitlines())


Nuan = Callable[..., Ran]


@contextmanager
def emulated(*options: str) -> Iterator[list[dict[str, Any]]]:
    """`nuan emulate` with these options, as long as the context lasts: its lines."""
    with subprocess.Popen(
        [*NUAN, "emulate", "--json", "--speed", SPEED, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines: list[dict[str, Any]] = json.loads(process.stdout.readline())["lines"]
            yield lines
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(END_S) == 0


def connects(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Protocol -> what to open; Modbus TCP is "modbus-tcp"."""
    found = {each["protocol"]: each["connect"] for each in reversed(lines)}
    tcp = [each["connect"] for each in lines if each["connect"].startswith("modbus-tcp:")]
    return found | {"modbus-tcp": tcp[0]} if tcp else found
