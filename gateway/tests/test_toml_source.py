"""Complaints about TOML name file, line and key, and say how to mend it."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from nuan_gateway.errors import PROBLEMS_SHOWN_MAX, SourceError
from nuan_gateway.toml_lines import locate
from nuan_gateway.toml_source import FilePath, Many, Section, load, read_toml


class Inner(Section):
    name: str
    count: Annotated[int, Field(ge=60, le=3600)] = 60


class Outer(Section):
    mode: Literal["a", "b"] = "a"
    items: Annotated[Many[Inner], Field(alias="item")] = ()
    file: FilePath | None = None


def problems_of(folder: Path, text: str) -> list[str]:
    path = folder / "x.toml"
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        load(path, Outer, SourceError)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[item]]\nname = 'x'\n\n[[item]]\nname = 'y'\ncount = 10\n",
         "x.toml:6: item[2].count: 10 is below the minimum of 60; write at least 60"),
        ("[[item]]\nname = 'x'\ncount = 9999",
         "x.toml:3: item[1].count: 9999 is above the maximum of 3600; write at most 3600"),
        ("[[item]]\nname = 'x'\ncount = '70'",
         "x.toml:3: item[1].count: '70' won't do; write a whole number without quotes"),
        ("[[item]]\ncount = 70", "x.toml:1: item[1].name: missing; write this key"),
        ("item = [\n {name = 'x'},\n {name = 5}\n]",
         "x.toml:3: item[2].name: 5 won't do; write text in quotes"),
        ("# c\nmoode = 'a'", "x.toml:2: moode: unknown key; did you mean mode?"),
        ("zzz = 1", "x.toml:1: zzz: unknown key; known here: file, item, mode"),
        ("[[item]]\nname = 'x'\nconut = 60",
         "x.toml:3: item[1].conut: unknown key; did you mean count?"),
        ("mode = 'c'", "x.toml:1: mode: 'c' is unknown; write 'a' or 'b'"),
        ("item = 3", "x.toml:1: item: 3 won't do; write an array here"),
        ("file = 3", "x.toml:1: file: 3 is no path; write one in quotes"),
        ("mode = ", "x.toml:1: Invalid value at the end of the file; mend the TOML"),
        ("mode = 'a'\nmode = 'b'\n[x]",
         "x.toml:2: column 11: Cannot overwrite a value; mend the TOML"),
    ],
)  # fmt: skip
def test_one_problem_is_one_line(tmp_path, text, problem):
    assert problems_of(tmp_path, text) == [problem]


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path):
    text = "mode = 1\n[[item]]\ncount = 1\nname = 2\n[[item]]\nnome = 'x'\n"
    lines = [problem.split(": ")[0] for problem in problems_of(tmp_path, text)]
    assert lines == ["x.toml:1", "x.toml:3", "x.toml:4", "x.toml:5", "x.toml:6"]


def test_only_the_first_problems_are_shown():
    error = SourceError([f"p{n}" for n in range(50)])
    shown = str(error).splitlines()
    assert len(shown) == PROBLEMS_SHOWN_MAX + 1
    assert shown[-1] == "... and 30 more problems"
    assert len(error.problems) == 50


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match=r"nope\.toml: no such file"):
        read_toml(tmp_path / "nope.toml")


def test_a_folder_instead_of_a_file(tmp_path):
    with pytest.raises(SourceError, match="Is a directory; check"):
        read_toml(tmp_path)


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "gbk.toml"
    path.write_bytes("a = 1\nname = '热量表'\n".encode("gbk"))
    with pytest.raises(SourceError, match=r"gbk\.toml:2: not UTF-8"):
        read_toml(path)


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path):
    path = tmp_path / "dos.toml"
    path.write_bytes(b"\xef\xbb\xbfmode = 'a'\r\n\r\n[[item]]\r\nname = 'x'\r\ncount = 1\r\n")
    with pytest.raises(SourceError, match=r"dos\.toml:5: item\[1\]\.count: 1 is below"):
        load(path, Outer, SourceError)


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("file = 'sub/y.toml'")
    model, _ = load(path, Outer, SourceError)
    assert model.file == tmp_path / "sub" / "y.toml"


TRICKY = '''\
# comment with [brackets] and = signs
a = "text with # and \\" and ]"   # comment
"quoted key" = 1
b.c."d.e" = 2
lit = 'C:\\path\\'
multi = """
line = 1
[not.a.header]
\\"""" # the fifth line of it
raw = \'\'\'
x = 2\'\'\'
list = [ 1, # one
  [2, 3],
  {k = 4, l = [5]},
]
when = 2025-11-01 07:32:00
[table]
x = 1
  [table.sub]   # indented
  y = true
[[many]]
z = 1
[many.inner]
w = 2
[[many]]
[[many.deep]]
v = 1
[[many.deep]]
v = 2
'''


def test_every_key_of_a_tricky_file_has_its_line():
    lines = locate(TRICKY)
    expected = {
        ("a",): 2,
        ("quoted key",): 3,
        ("b",): 4,
        ("b", "c", "d.e"): 4,
        ("lit",): 5,
        ("multi",): 6,
        ("raw",): 10,
        ("list",): 12,
        ("list", 0): 12,
        ("list", 1, 1): 13,
        ("list", 2, "k"): 14,
        ("list", 2, "l", 0): 14,
        ("when",): 16,
        ("table",): 17,
        ("table", "x"): 18,
        ("table", "sub", "y"): 20,
        ("many", 0, "z"): 22,
        ("many", 0, "inner", "w"): 24,
        ("many", 1): 25,
        ("many", 1, "deep", 1, "v"): 29,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert set(paths_of(tomllib.loads(TRICKY))) <= set(lines)


def paths_of(value: object, path: tuple[str | int, ...] = ()):
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from paths_of(inner, (*path, position))


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=6)
SCALARS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=10),
)


def toml_text(value: object) -> str:
    """A TOML rendering with inline tables, spread over lines where TOML lets it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + ",\n".join(toml_text(item) for item in value) + "\n]"
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{quoted(k)} = {toml_text(v)}" for k, v in value.items()) + "}"


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" if c in '"\\' or c < " " or c == "\x7f" else c
                         for c in text) + '"'  # fmt: skip


VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3),
)
def test_whatever_tomllib_reads_the_scanner_locates(top, tables):
    text = "".join(f"{quoted(key)} = {toml_text(value)}\n" for key, value in top.items())
    array = "t" * 7
    for table in tables:
        text += f"[[{array}]]\n"
        text += "".join(f"{quoted(key)} = {toml_text(value)}\n" for key, value in table.items())
    data = tomllib.loads(text)
    lines = locate(text)
    assert set(paths_of(data)) <= set(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
