"""Each trap of MicroPython is found once, and its lawful neighbour is not."""

import pytest

from nuan_tools.board_check import FIRMWARE_IMPORTS, HARDWARE_IMPORTS, PROTOCOL_IMPORTS, problems

TRAPS = [
    ("x = 0.5", "float"),
    ("x = a / b", "//"),
    ("x /= 2", "//="),
    ("x = float(y)", "float"),
    ("x = round(y)", "round"),
    ("import dataclasses", "dataclasses"),
    ("from datetime import date", "datetime"),
    ("from . import frame", "relative"),
    ("from typing import cast", "TYPE_CHECKING"),
    ("from collections import defaultdict", "setdefault"),
    ("import machine", "hal/"),
    ("match x:\n    case 1: pass", "match"),
    ("def f(a, /): pass", "positional-only"),
    ("x = [*a, 1]", "[*a]"),
    ("f((*a, 1))", "[*a]"),
    ("x = {**a}", "{**a}"),
    ("x = data[::-1]", "step"),
    ("async def f():\n    return [x async for x in y]", "asynchronous"),
    ("class A(B, metaclass=C): pass", "metaclass"),
    ("class A(B, C): pass", "several bases"),
    ("Pair = tuple[int, int]", "at run time"),
    ("n = int.from_bytes(b, 'little', signed=True)", "sign"),
    ("n = int.from_bytes(b, 'little', True)", "third argument"),
    ("for a, b in zip(c, d, strict=True): pass", "lengths"),
    ("x.decode('latin-1')", "chr"),
    ("x = n.bit_length()", "power of two"),
    ("x = s.zfill(3)", "zfill"),
    ("os.replace(a, b)", "os.rename"),
    ("isinstance(x, int | str)", "tuple of types"),
    ("try:\n    f()\nexcept TimeoutError:\n    pass", "asyncio.TimeoutError"),
]

LAWFUL = """
import struct
from collections import namedtuple
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    Pair = tuple[int, int]

FRAME_BYTES_MAX = 261
Point = namedtuple("Point", ("x", "y"))


def parts(data: bytes, limit: "float | None" = None) -> list[int]:
    first, *rest = data
    total: dict[str, int] = {}
    total["a"] = sum(rest) // 2
    text = s.replace("a", "b")
    print(*rest)
    return [first, int.from_bytes(data[1:3], "little")]
"""


@pytest.mark.parametrize(("source", "word"), TRAPS)
def test_a_trap_is_found_with_its_line_and_remedy(source: str, word: str) -> None:
    found = problems("\n" + source, "frame.py", PROTOCOL_IMPORTS)
    assert any(word in line for line in found), found
    assert all(int(line.split(":")[1]) in {2, 3, 4} for line in found)


def test_what_runs_on_the_board_passes() -> None:
    assert problems(LAWFUL, "frame.py", PROTOCOL_IMPORTS) == []


def test_hardware_belongs_to_one_file() -> None:
    assert problems("import machine", "poller.py", FIRMWARE_IMPORTS)
    assert problems("import machine", "hal/chip.py", HARDWARE_IMPORTS) == []
    assert problems("import asyncio", "poller.py", FIRMWARE_IMPORTS) == []
    assert problems("import asyncio", "frame.py", PROTOCOL_IMPORTS)
