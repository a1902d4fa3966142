"""What of a library a board's program imports: only that is put on the board."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_TYPES_ONLY = re.compile(r"^( *)if TYPE_CHECKING:$", re.MULTILINE)
_TYPES_IMPORT = re.compile(r"^from typing import TYPE_CHECKING$", re.MULTILINE)


def without_types(text: str) -> str:
    """The source without what only type checkers read; every line keeps its number.

    Every name that is left in costs a board some 8 bytes of heap for as long as it runs.
    """
    text = _TYPES_ONLY.sub(r"\1if False:", text)
    if text.count("TYPE_CHECKING") == 1:
        text = _TYPES_IMPORT.sub("", text)
    return text


def imported(program: Iterable[Path], library: Path) -> list[Path]:
    """The files of the package `library` that the program reaches, anywhere in its code; sorted."""
    modules = {
        ".".join(path.relative_to(library.parent).with_suffix("").parts): path
        for path in library.rglob("*.py")
    }
    found: set[Path] = set()
    left = list(program)
    while left:
        for name in _names(left.pop()):
            parts = name.split(".")
            for size in range(1, len(parts) + 1):
                module = ".".join(parts[:size])
                for place in (module, module + ".__init__"):
                    path = modules.get(place)
                    if path is not None and path not in found:
                        found.add(path)
                        left.append(path)
    return sorted(found)


def _names(path: Path) -> Iterator[str]:
    """Everything a file may import: modules, and names that may be modules."""
    left: list[ast.AST] = [ast.parse(without_types(path.read_text("utf-8")))]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Constant):
            left.extend(node.body if node.test.value else node.orelse)
        else:
            left.extend(ast.iter_child_nodes(node))
