"""What the board's build makes of a program: fewer names, the same lines, the same meaning."""

import ast
import functools

from nuan_emulator.board_constants import folded
from nuan_emulator.board_imports import without_types
from nuan_emulator.board_names import Foreign, foreign_names, shortened
from nuan_emulator.board_tree import checkout_sources


@functools.cache
def program() -> dict[str, str]:
    """The checkout's application by module name, as its build begins with it."""
    sources = checkout_sources()
    return {
        ".".join(path.relative_to(package.parent).with_suffix("").parts): without_types(
            path.read_text("utf-8")
        )
        for package in (*sources.packages, *sources.libraries)
        for path in sorted(package.rglob("*.py"))
    }


def names(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def run(sources: dict[str, str], module: str, call: str) -> object:
    """What an expression gives in a module of a program of modules without packages."""
    spaces: dict[str, dict[str, object]] = {}
    for name, text in sources.items():
        space: dict[str, object] = {"const": lambda value: value}
        spaces[name] = space
        lines = []
        for line in text.split("\n"):
            if line.startswith("from "):
                _, source, _, imported = line.split(" ", 3)
                for each in imported.split(", "):
                    space[each] = spaces[source][each]
            lines.append("" if line.startswith("from ") else line)
        exec(compile("\n".join(lines), name, "exec"), space)
    return eval(call, spaces[module])


BASE = """
_SIZE = const(3)
LIMIT = 1 << 4
PAIR = (1, LIMIT)

def _half(count):
    return count // 2

class Base:
    def __init__(self, first):
        self._kept = [first] * _SIZE

    def _all(self):
        return self._kept
"""
CHILD = """
from base import Base, LIMIT, PAIR

_WORDS = ("_kept", "limit")

class Child(Base):
    def __init__(self, first, second, *, last=LIMIT - 20):
        super().__init__(first)
        self._second = second
        self._text = f"{self._second}{{_second}}{LIMIT}"
        self._last = last

    def shown(self, extra):
        add = lambda more, extra=extra: more + extra + self._second
        return self._all(), add(extra), self._text, self._last, [extra for extra in PAIR]

def make(first, second):
    return Child(first, second, last=-LIMIT).shown(5)
"""


def test_a_shortened_program_does_the_same() -> None:
    sources = {"base": BASE, "child": CHILD}
    expected = run(sources, "child", "make(7, 8)")
    assert expected == ([7, 7, 7], 18, "8{_second}16", -16, [1, 16])
    lean = shortened(folded(sources))
    assert run(lean, "child", "make(7, 8)") == expected
    assert {name: text.count("\n") for name, text in lean.items()} == {
        name: text.count("\n") for name, text in sources.items()
    }


def test_private_names_of_a_family_are_few_and_told_apart() -> None:
    lean = shortened({"base": BASE, "child": CHILD, "other": "_private = []\n"})
    assert "_private" not in lean["other"]
    # A word that stands in a text may be looked up by it.
    assert "self._kept" in lean["base"]
    assert {"_all", "_second", "_text", "_last", "_half"}.isdisjoint(
        names(lean["base"]) | names(lean["child"])
    )


def test_a_parameter_that_a_call_names_keeps_its_name() -> None:
    lean = shortened({"one": "def f(given, named):\n    return given + named\nf(1, named=2)\n"})
    assert lean["one"] == "def f(_A, named):\n    return _A + named\nf(1, named=2)\n"


def test_a_parameter_that_is_bound_again_further_in_keeps_its_name() -> None:
    text = "def f(x):\n    def g():\n        nonlocal x\n        x = 1\n    g()\n    return x\n"
    assert shortened({"one": text})["one"] == text


def test_numbers_take_the_place_of_their_names() -> None:
    lean = folded(
        {
            "body": "FIRST = 3\nNEXT = FIRST + 1\nNAME = 'text'\nCHANGED = 1\nCHANGED += 1\n",
            "user": "import body as b\nfrom body import (\n    NEXT,\n    NAME,\n)\n"
            "print(NEXT, NAME, b.FIRST, b.CHANGED)\n",
        }
    )
    assert lean["body"].splitlines()[:3] == [
        "_FIRST = const(3)",
        "_NEXT = const(4)",
        "NAME = 'text'",
    ]
    assert lean["user"].splitlines()[1:] == [
        "from body import NAME", "", "", "", "print(4, NAME, 3, b.CHANGED)"
    ]  # fmt: skip


def test_a_number_that_is_a_local_name_somewhere_is_left_alone() -> None:
    sources = {"one": "SIZE = 3\ndef f():\n    SIZE = 4\n    return SIZE\n"}
    assert folded(sources) == sources


@functools.cache
def lean_program() -> dict[str, str]:
    return shortened(folded(program()), beside=())


def test_the_application_stays_a_program_with_every_line_in_its_place() -> None:
    sources, lean = program(), lean_program()
    assert lean.keys() == sources.keys()
    for module, text in lean.items():
        ast.parse(text)
        assert text.count("\n") == sources[module].count("\n"), module


def test_the_application_has_few_names() -> None:
    sources = program()
    before = set().union(*map(names, sources.values()))
    after = set().union(*map(names, lean_program().values()))
    print(f"{len(before)} names before, {len(after)} after")
    assert len(after) < 0.6 * len(before)


def test_no_file_of_the_application_uses_another_ones_private_name() -> None:
    assert foreign_names({"one": "import two\ntwo._hidden()\n"}) == [Foreign("one", 2, "_hidden")]
    # sys.implementation's.
    assert {each.name for each in foreign_names(program())} <= {"_mpy"}
