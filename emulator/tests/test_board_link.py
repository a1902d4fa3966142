"""Modules that a board always has, joined into one: the same meaning, told apart, in order."""

import ast
import sys
from types import ModuleType

import pytest

from nuan_emulator.board_link import LINES_PER_FILE, LinkError, linked
from nuan_emulator.board_names import shortened

CHIP = """
_SIZE = 2

def number(name):
    return len(name) * _SIZE
"""
PART = """
from app_of import chip

_SIZE = 5

class Part:
    def __init__(self, size):
        self.size = size

    def total(self):
        number = chip.number("abc")
        return number + self.size + sum([_SIZE for _ in range(2)])
"""
MAIN = """
from app_of.part import Part as Piece, _SIZE as FIVE

def make():
    from app_of import later
    return later.grown(Piece(100).total()) + FIVE

def number():
    return 1
"""
LATER = """
from app_of import chip
from app_of.part import Part

def grown(total):
    return total + chip.number("x") + Part(1000).size
"""
PROGRAM = {
    "app_of": "", "app_of.chip": CHIP, "app_of.part": PART, "app_of.main": MAIN,
    "app_of.later": LATER,
}  # fmt: skip
ALL = "app_of.resident"


def made(sources: dict[str, str], module: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """What make() gives in a module of a program."""
    package = ModuleType("app_of")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "app_of", package)
    for name in (ALL, "app_of.chip", "app_of.part", "app_of.later", "app_of.main"):
        if name in sources:
            loaded = ModuleType(name)
            monkeypatch.setitem(sys.modules, name, loaded)
            setattr(package, name.rpartition(".")[2], loaded)
            exec(compile(sources[name], name, "exec"), loaded.__dict__)
    return sys.modules[module].__dict__["make"]()


def test_a_joined_program_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = made(PROGRAM, "app_of.main", monkeypatch)
    joined = linked(PROGRAM, ["app_of.main"], ALL)
    assert joined.joined == ["app_of.chip", "app_of.part", "app_of.main"]
    assert made(joined.sources, ALL, monkeypatch) == expected
    short = shortened(joined.sources, beside=["make", "app_of", "later"])
    assert made(short, ALL, monkeypatch) == expected


def test_lines_tell_the_file() -> None:
    joined = linked(PROGRAM, ["app_of.main"], ALL)
    lines = {node.name: node.lineno for node in ast.parse(joined.sources[ALL]).body
             if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    assert lines["part_Part"] == 2 * LINES_PER_FILE + PART[: PART.index("class")].count("\n") + 1
    assert lines["make"] // LINES_PER_FILE == 3


def test_what_somebody_unloads_stays_apart() -> None:
    sources = {**PROGRAM, "app_of.other": "def f(unload):\n    unload('part')\n"}
    assert linked(sources, ["app_of.main"], ALL).joined == ["app_of.chip", "app_of.main"]


def test_setting_another_modules_name_is_refused() -> None:
    sources = {**PROGRAM, "app_of.later": "from app_of import chip\nchip.number = None\n"}
    with pytest.raises(LinkError, match=r"app_of\.later, line 2"):
        linked(sources, ["app_of.main"], ALL)
