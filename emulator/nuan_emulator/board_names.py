"""Shortens the names that only a program knows, because a board keeps every name for ever.

MicroPython holds each different name in a table that is never freed: 8 bytes a name, and the table
doubles by some 5 KB at the 621st, by 9 KB at the 1,261st. So names become `a_`, `b_` ..., shared as
board_shared_names says, and parameters that no call names become `_A`, `_B` ... Lines keep their
numbers: tracebacks tell the place.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import string
import tokenize
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import count, islice, product
from typing import NamedTuple

from nuan_emulator import board_shared_names

_PRIVATE = re.compile(r"_(?!_)\w*[^\W_]\w*\Z")
_WORD = re.compile(r"\w+")
# Bases that have no names of ours.
_PLAIN = {name for name in dir(builtins) if name[0].isupper()}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Foreign(NamedTuple):
    """A private name that is used where it isn't made."""

    file: str
    line: int
    name: str


class _File(NamedTuple):
    text: str
    tree: ast.Module
    tokens: list[tokenize.TokenInfo]


def shortened(
    sources: Mapping[str, str],
    *,
    beside: Iterable[str] | None = None,
    called: Container[str] = (),
) -> dict[str, str]:
    """The sources by module name, with short names. All files of a program must be given at once.

    `beside` are sources that live beside it (see board_shared_names); without them public names
    stay. Functions of modules that are `called` by others keep their parameters' names. Raises
    SyntaxError about a source that isn't Python.
    """
    names = board_shared_names.shared(sources, beside)
    files = {module: _read(text) for module, text in sources.items()}
    keywords = {name for file in files.values() for name in _keywords(file.tree)}
    return {
        module: _edited(file, names, None if module in called else keywords)
        for module, file in files.items()
    }


def foreign_names(sources: Mapping[str, str]) -> list[Foreign]:
    """Private names used in files that neither make them nor inherit from those that do."""
    files = {module: _read(text) for module, text in sources.items()}
    found: list[Foreign] = []
    for family in _families(files):
        made = {name for module in family for name in _made(files[module].tree)}
        for module in family:
            found += [
                Foreign(module, token.start[0], token.string)
                for token in files[module].tokens
                if _is_private(token) and token.string not in made
            ]
    return found


def _read(text: str) -> _File:
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return _File(text, ast.parse(text), tokens)


def _is_private(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.NAME and bool(_PRIVATE.match(token.string))


# -- which files share their private names


def _families(files: Mapping[str, _File]) -> list[list[str]]:
    """Modules in groups between which no class inherits private names; sorted."""
    family = {module: {module} for module in files}
    for module, file in files.items():
        for base in _bases(file.tree):
            other, _, name = base.rpartition(".")
            if other in files and _has_private_names(files[other].tree, name):
                joined = family[module] | family[other]
                for each in joined:
                    family[each] = joined
    return sorted({id(group): sorted(group) for group in family.values()}.values())


def _has_private_names(tree: ast.Module, name: str) -> bool:
    """Whether a class, or one in this file that it inherits from, has private names of its own."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found = classes.get(name)
    if found is None:
        # What is there under this name comes from elsewhere: better one family too many.
        return True
    bases = [ast.unparse(base) for base in found.bases]
    return bool(_made(found)) or any(
        base not in _PLAIN and _has_private_names(tree, base) for base in bases
    )


def _bases(tree: ast.Module) -> Iterator[str]:
    """The dotted names of base classes that come from other modules."""
    origin: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                origin[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                origin[alias.asname or alias.name] = alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                head, _, rest = ast.unparse(base).partition(".")
                if head in origin:
                    yield origin[head] + ("." + rest if rest else "")


# -- private names


def _made(tree: ast.AST) -> set[str]:
    """The private names that a file or a class defines or assigns."""
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            made.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.alias) and node.asname:
            made.add(node.asname)
    return {name for name in made if _PRIVATE.match(name)}


def _letters(prefix: str, alphabet: str) -> Iterator[str]:
    for size in count(1):
        for letters in product(alphabet, repeat=size):
            yield prefix + "".join(letters)


# -- parameters


def _keywords(tree: ast.Module) -> Iterator[str]:
    """The names by which calls give arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def _renamed_parameters(
    nodes: Iterable[ast.AST], keywords: set[str], outer: int = 0
) -> Iterator[tuple[int, int, str, str]]:
    """(line, byte in it, name, short name) of parameters that no call names, and of their uses."""
    for node in nodes:
        if not isinstance(node, _FUNCTIONS):
            yield from _renamed_parameters(ast.iter_child_nodes(node), keywords, outer)
            continue
        body: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
        # Default values belong to what is around the function.
        around = [node.args, *getattr(node, "decorator_list", ())]
        yield from _renamed_parameters(around, keywords, outer)
        arguments = _arguments(node)
        kept = keywords.union(_rebound(body), ("self",))
        fresh = islice(_letters("_", string.ascii_uppercase), outer, None)
        for argument, short in zip(arguments, fresh, strict=False):
            name = argument.arg
            if name not in kept and not name.startswith("_"):
                yield argument.lineno, argument.col_offset, name, short
                for use in (each for part in body for each in ast.walk(part)):
                    if isinstance(use, ast.Name) and use.id == name:
                        yield use.lineno, use.col_offset, name, short
        yield from _renamed_parameters(body, keywords, outer + len(arguments))


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.arg]:
    """The parameters; not those that take what is left over, whose names a board doesn't keep."""
    return function.args.posonlyargs + function.args.args + function.args.kwonlyargs


def _rebound(body: Iterable[ast.AST]) -> Iterator[str]:
    """Names that mean something else further in, or can't be told by their place."""
    for part in body:
        for node in ast.walk(part):
            if isinstance(node, _FUNCTIONS):
                yield from (argument.arg for argument in _arguments(node))
            elif isinstance(node, ast.Global | ast.Nonlocal):
                yield from node.names
            elif isinstance(node, ast.ClassDef | ast.JoinedStr | ast.comprehension):
                yield from (use.id for use in ast.walk(node) if isinstance(use, ast.Name))
            elif isinstance(node, ast.ExceptHandler) and node.name:
                yield node.name


# -- the text


def _edited(file: _File, names: Mapping[str, str], keywords: set[str] | None) -> str:
    lines = file.text.splitlines(keepends=True)
    edits: dict[tuple[int, int], tuple[str, str]] = {}
    for token in file.tokens:
        row, column = token.start
        if token.type == tokenize.NAME and token.string in names:
            edits[row, column] = (token.string, names[token.string])
        elif token.type == tokenize.STRING and "f" in token.string.split(token.string[-1])[0]:
            edits[row, column] = (token.string, _in_braces(token.string, names))
    given = () if keywords is None else _renamed_parameters([file.tree], keywords)
    for row, byte, name, short in given:
        column = len(lines[row - 1].encode()[:byte].decode())
        edits[row, column] = (name, short)
    for (row, column), (old, new) in sorted(edits.items(), reverse=True):
        line = lines[row - 1]
        assert line[column : column + len(old)] == old or "\n" in old, (row, column, old)
        lines[row - 1] = line[:column] + new + line[column + len(old) :]
    return "".join(lines)


def _in_braces(text: str, names: Mapping[str, str]) -> str:
    """A format string with the names in its expressions replaced; CPython 3.11 has no tokens."""
    parts = re.split(r"(\{\{|\}\}|[{}])", text)
    depth = 0
    for index, part in enumerate(parts):
        if part in "{}" and part:
            depth += 1 if part == "{" else -1
        elif depth:
            parts[index] = _WORD.sub(lambda match: names.get(match[0], match[0]), part)
    return "".join(parts)
