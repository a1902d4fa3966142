"""Lets the names of a program share few short ones, for a board keeps every name for ever.

One name gets one short name wherever it stands, so who calls what needn't be known. Two names may
share theirs when no module, no function and no class, its bases included, has both. Left alone is
what others may know: the board's library, its hardware, keywords of calls, texts, modules.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import hashlib
import importlib
import io
import json
import string
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import count, product
from typing import cast

_TYPES = (
    int, str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset, property, Exception,
    type, io.StringIO, io.BytesIO, io.TextIOWrapper, asyncio.Task, asyncio.Event, asyncio.Lock,
    asyncio.StreamReader, asyncio.StreamWriter, type(hashlib.sha256()),
)  # fmt: skip
_MODULES = (
    "array", "asyncio", "binascii", "builtins", "collections", "errno", "gc", "hashlib", "io",
    "json", "math", "os", "platform", "random", "re", "select", "socket", "ssl", "struct", "sys",
    "time", "zlib",
)  # fmt: skip
# What only MicroPython has.
_BOARD = {
    "awrite", "aclose", "awritestr", "readexactly", "readinto", "recv_into", "ilistdir", "statvfs",
    "ipoll", "modify", "register", "unregister", "datetime", "threshold", "mem_alloc", "mem_free",
    "print_exception", "const", "native", "viper", "heap_lock", "heap_unlock", "mem_info",
    "ticks_ms", "ticks_us", "ticks_diff", "ticks_add", "sleep_ms", "sleep_us", "wait_for_ms",
    "new_event_loop", "ThreadSafeFlag", "unhexlify", "mkfs", "mount", "umount", "urandom",
    "readblocks", "writeblocks", "ioctl", "any", "getvalue", "update", "digest", "value",
}  # fmt: skip
_Names = set[str]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def shared(sources: Mapping[str, str], beside: Iterable[str] | None) -> dict[str, str]:
    """For names of the program, by module name, their short ones.

    `beside` are sources that live beside it on the board, whose names it mustn't change; without
    them only names that begin with an underscore are shortened.
    """
    trees = {module: ast.parse(text) for module, text in sources.items()}
    own = {name for tree in trees.values() for name in _made(tree)}
    known = set(_library())
    for text in beside or ():
        # What is private there is theirs.
        names = _identifiers(ast.parse(text))
        known |= {name for name in names if not name.startswith("_")}
    for module, tree in trees.items():
        # The compiler puts constants where their names were: those cost nothing.
        known |= {*module.split("."), *_given_away(tree, sources), *_constants(tree)}
    candidates = {
        name
        for name in own - known
        if len(name) > 1
        and not name.startswith("__")
        and (beside is not None or name.startswith("_"))
    }
    spaces = [space for tree in trees.values() for space in _scopes(tree)]
    spaces += _classes(trees)
    return _coloured(candidates, spaces, known.union(own, *spaces))


def made(text: str) -> set[str]:
    """The public names that a source makes: its own at its top, and its classes'."""
    return {name for name in _made(ast.parse(text)) if not name.startswith("_")}


def _coloured(candidates: _Names, spaces: Iterable[_Names], taken: _Names) -> dict[str, str]:
    """Short names such that none stands twice in a space."""
    beside: dict[str, _Names] = {name: set() for name in candidates}
    for space in spaces:
        inside = space & candidates
        for name in inside:
            beside[name] |= inside
    shorts: list[str] = []
    fresh = (each for each in _letters() if each not in taken)
    found: dict[str, str] = {}
    # Those with the most neighbours first: the fewest short names come of it.
    for name in sorted(candidates, key=lambda each: (-len(beside[each]), each)):
        used = {found[other] for other in beside[name] if other in found}
        short = next((each for each in shorts if each not in used), "")
        if not short:
            short = next(fresh)
            shorts.append(short)
        found[name] = short
    return found


def _letters() -> Iterator[str]:
    for size in count(1):
        for letters in product(string.ascii_lowercase, repeat=size):
            yield "".join(letters) + "_"


# -- who has which names


def _made(tree: ast.Module) -> Iterator[str]:
    """What a module makes at its top, and what its classes' bodies and methods do."""
    yield from _bound(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _bound(node.body)
            yield from (each.attr for each in _own_attributes(node, ast.Store))


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            yield from (
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            )


def _own_attributes(
    owner: ast.ClassDef, context: type[ast.expr_context] = ast.expr_context
) -> Iterator[ast.Attribute]:
    for node in ast.walk(owner):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, context)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("self", "cls")
        ):
            yield node


def _scopes(tree: ast.Module) -> Iterator[_Names]:
    """Names that must be told apart: a module's own, and those that stand alone in a function."""
    top = set(_bound(tree.body))
    left: list[ast.AST] = list(tree.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield set(_alone(node))
        elif isinstance(node, ast.ClassDef):
            left.extend(node.body)
            left.extend(node.decorator_list)
            # What a class's body names is looked up in the module, too.
            names = [_alone(each) for each in node.body if not isinstance(each, _FUNCTIONS)]
            yield set(_bound(node.body)).union(*names)
        else:
            top |= set(_alone(node, deep=False))
            left.extend(ast.iter_child_nodes(node))
        if isinstance(node, _FUNCTIONS):
            for each in node.decorator_list:
                top |= set(_alone(each))
        if isinstance(node, ast.ClassDef):
            for each in node.bases:
                top |= set(_alone(each))
    yield top


def _alone(tree: ast.AST, *, deep: bool = True) -> Iterator[str]:
    for node in ast.walk(tree) if deep else (tree,):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.ExceptHandler):
            yield node.name or ""
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name


def _classes(trees: Mapping[str, ast.Module]) -> list[_Names]:
    """The names of every class, with those of its bases; bases of one name count as one."""
    own: dict[str, _Names] = {}
    bases: dict[str, _Names] = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                names = own.setdefault(node.name, set())
                names |= set(_bound(node.body))
                names |= {each.attr for each in _own_attributes(node)}
                above = bases.setdefault(node.name, set())
                above |= {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    grown = True
    while grown:
        grown = False
        for name, above in bases.items():
            wider = own[name].union(*(own.get(base, set()) for base in above))
            grown |= wider != own[name]
            own[name] = wider
    return list(own.values())


def _constants(tree: ast.Module) -> Iterator[str]:
    """What the compiler replaces in the whole file: no local may have such a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and "const(" in ast.unparse(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


# -- what others may know


def _library() -> Iterator[str]:
    yield from dir(builtins)
    yield from _BOARD
    for each in _TYPES:
        yield from dir(each)
    for name in _MODULES:
        yield from dir(importlib.import_module(name))
    yield from dir(json.JSONEncoder)


def _identifiers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield from (node.asname or node.name).split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _given_away(tree: ast.Module, own: Container[str]) -> Iterator[str]:
    """Names in texts, of keywords, of a library's things, and put on objects from outside."""
    library = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name not in own
    }
    for node in _code(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.ImportFrom) and (node.module or "") not in own:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            head = node.value.id if isinstance(node.value, ast.Name) else ""
            if head in library or (isinstance(node.ctx, ast.Store) and head != "self"):
                yield node.attr


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """All of a tree but annotations, which no board reads."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        children = cast("list[object]", value) if isinstance(value, list) else [value]
        for child in children:
            if isinstance(child, ast.AST):
                yield from _code(child)
