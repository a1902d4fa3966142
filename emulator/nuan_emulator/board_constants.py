"""Puts whole numbers where a program names them, so that no board holds the names.

A public constant takes a place in its module's dictionary, one in that of each module that imports
it, and one in the table of names. MicroPython itself folds `_NAME = const(5)` away, but only within
a file; this does it for a whole program. Lines keep their numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterator, Mapping
from typing import NamedTuple

_OPERATIONS: dict[type[ast.AST], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.LShift: lambda a, b: a << b,
    ast.RShift: lambda a, b: a >> b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitXor: lambda a, b: a ^ b,
}
# It is the compiler's: no program calls it.
_CONST = ("micropython", "const")
# What fits a small integer of a 32-bit MicroPython; larger ones live on the heap, once.
_SMALL = 1 << 30
Span = tuple[int, int, int, int]


class _Module(NamedTuple):
    """A source; where its names come from: (module, name), or (module, "") for a module."""

    text: str
    tree: ast.Module
    origin: dict[str, tuple[str, str]]
    bound: dict[str, int]


def folded(sources: Mapping[str, str], kept: Container[str] = ()) -> dict[str, str]:
    """The sources by module name, with numbers for constants. All files must be given at once.

    Modules that are `kept` keep theirs, for programs that aren't given. Raises SyntaxError about a
    source that isn't Python.
    """
    modules = {name: _read(text, sources) for name, text in sources.items()}
    values = _values(modules)
    values = {where: value for where, value in values.items() if where[0] not in kept}
    for name, module in modules.items():
        for where in _in_texts(name, module):
            values.pop(where, None)
    return {name: _edited(name, module, values) for name, module in modules.items()}


def _read(text: str, sources: Mapping[str, str]) -> _Module:
    tree = ast.parse(text)
    origin: dict[str, tuple[str, str]] = {}
    bound: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                known = (whole, "") if whole in sources else (node.module, alias.name)
                origin[alias.asname or alias.name] = known
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    origin[alias.asname or alias.name] = (alias.name, "")
        for name in _bindings(node):
            bound[name] = bound.get(name, 0) + 1
    return _Module(text, tree, origin, bound)


def _bindings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name


# -- what is constant


def _values(modules: Mapping[str, _Module]) -> dict[tuple[str, str], int]:
    """The value of every (module, name) that is one whole number for ever."""
    values: dict[tuple[str, str], int] = {}
    set_elsewhere = {where for name, module in modules.items() for where in _stores(name, module)}
    size = -1
    while size != len(values):
        size = len(values)
        for name, module in modules.items():
            for target, value in _assignments(module):
                if (name, target) in set_elsewhere:
                    continue
                number = _number(value, name, module, values)
                if number is not None and -_SMALL <= number < _SMALL:
                    values[name, target] = number
    return values


def _assignments(module: _Module) -> Iterator[tuple[str, ast.expr]]:
    """The names that the module binds once, at its top."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if (
                isinstance(target, ast.Name)
                and module.bound[target.id] == 1
                and target.id not in module.origin
            ):
                yield target.id, node.value


def _stores(name: str, module: _Module) -> Iterator[tuple[str, str]]:
    """What a module sets in others."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            where = _where(node, name, module)
            if where is not None:
                yield where


def _number(
    node: ast.expr, name: str, module: _Module, values: Mapping[tuple[str, str], int]
) -> int | None:
    where = _where(node, name, module)
    if where is not None:
        return values.get(where)
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Call) and _is_const(node) and len(node.args) == 1:
        return _number(node.args[0], name, module, values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand, name, module, values)
        return None if value is None else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left = _number(node.left, name, module, values)
        right = _number(node.right, name, module, values)
        if left is not None and right is not None:
            return _OPERATIONS[type(node.op)](left, right)
    return None


def _is_const(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "const"


def _where(node: ast.AST, name: str, module: _Module) -> tuple[str, str] | None:
    """The (module, name) that an expression names, if it does nothing else."""
    if isinstance(node, ast.Name):
        if node.id not in module.origin:
            return name, node.id
        return None if node.id in module.bound else module.origin[node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        alias = node.value.id
        whole, rest = module.origin.get(alias, ("", "?"))
        if not rest and alias not in module.bound:
            return whole, node.attr
    return None


def _in_texts(name: str, module: _Module) -> Iterator[tuple[str, str]]:
    """What is named within format strings, where CPython 3.11 can't tell the place of a name."""
    for text in ast.walk(module.tree):
        if isinstance(text, ast.JoinedStr):
            for node in ast.walk(text):
                where = _where(node, name, module)
                if where is not None:
                    yield where


# -- the text


def _edited(name: str, module: _Module, values: Mapping[tuple[str, str], int]) -> str:
    edits: dict[Span, str] = {}
    calls = {id(node) for node in ast.walk(module.tree) if _is_const(node)}
    calls -= {id(value) for target, value in _assignments(module) if (name, target) in values}
    is_folded = not calls
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and (name, target.id) in values:
                # A name that begins with an underscore is the compiler's to fold.
                hidden = "_" + target.id.lstrip("_")
                edits[span(node)] = f"{hidden} = const({values[name, target.id]})"
        elif isinstance(node, ast.ImportFrom):
            edits.update(_import_edit(node, module, values, is_folded))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            where = _where(node, name, module)
            if where is not None and where in values:
                value = values[where]
                edits[span(node)] = f"({value})" if value < 0 else str(value)
    return replaced(module.text, edits)


def _import_edit(
    node: ast.ImportFrom,
    module: _Module,
    values: Mapping[tuple[str, str], int],
    is_folded: bool,
) -> Iterator[tuple[Span, str]]:
    left = [
        alias
        for alias in node.names
        if (node.module or "", alias.name) not in values
        or (alias.asname or alias.name) in module.bound
    ]
    if (node.module, *[alias.name for alias in left]) == _CONST and is_folded:
        left = []
    if len(left) < len(node.names):
        yield (
            span(node),
            ast.unparse(ast.ImportFrom(module=node.module, names=left, level=0))
            if left
            else "pass",
        )


def span(node: ast.stmt | ast.expr) -> Span:
    """Where a node stands: first line, byte in it, last line, byte behind it."""
    end_line, end_byte = node.end_lineno or node.lineno, node.end_col_offset or 0
    return node.lineno, node.col_offset, end_line, end_byte


def replaced(text: str, edits: dict[Span, str]) -> str:
    """The text with what stands at each place replaced; lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    outer: Span | None = None
    for place in sorted(edits, key=lambda each: (each[0], each[1], -each[2], -each[3])):
        # What lies within a statement that is replaced goes with it.
        if outer is not None and place[:2] < outer[2:]:
            del edits[place]
        else:
            outer = place
    for place in sorted(edits, reverse=True):
        _replace(lines, place, edits[place])
    return "".join(lines)


def _replace(lines: list[str], place: Span, new: str) -> None:
    first, start, last, end = place
    tail = lines[last - 1].encode()[end:].decode()
    lines[first - 1] = lines[first - 1].encode()[:start].decode() + new
    if last == first:
        lines[first - 1] += tail
        return
    lines[first - 1] += "\n"
    for at in range(first, last - 1):
        lines[at] = "\n"
    lines[last - 1] = tail
