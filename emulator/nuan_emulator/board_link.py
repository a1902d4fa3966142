"""Makes one module of those that a board always has: each of its own costs some 200 bytes of heap.

A module has a dictionary, a table of names, a path that is kept as text, and a place for each name
it imports. Resident are roots, what they import at their top, and what that imports, unless it is
unloaded. A line's number is its file's times 1000 plus its own: tracebacks tell the place.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from nuan_emulator.board_constants import Span, replaced, span

LINES_PER_FILE = 1000
_BUILTINS = set(dir(builtins))
# (module, name), or (module, "") for a module.
_Entity = tuple[str, str]
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class LinkError(ValueError):
    """A program does what can't be linked; the message names module and line."""


class Linked(NamedTuple):
    """The program: sources by module name, without those that were joined, in their order."""

    sources: dict[str, str]
    joined: list[str]


def linked(sources: Mapping[str, str], roots: Sequence[str], name: str, within: str = "") -> Linked:
    """Join what the roots keep resident as the module `name`; only what begins with `within`.

    Raises LinkError.
    """
    roots = [root for root in roots if root in sources]
    if not roots:
        return Linked(dict(sources), [])
    program = _Program(sources, roots, name, within)
    left = {module: program.edited(module) for module in sources if module not in program.joined}
    lines: list[str] = []
    for number, module in enumerate(program.joined, 1):
        lines += [""] * (number * LINES_PER_FILE - len(lines))
        lines += program.edited(module).split("\n")
    return Linked({**left, name: "\n".join(lines)}, program.joined)


class _Program:
    def __init__(
        self, sources: Mapping[str, str], roots: Sequence[str], name: str, within: str
    ) -> None:
        self.name = name
        self._texts = sources
        self._trees = {module: ast.parse(text) for module, text in sources.items()}
        self._found_aliases: dict[str, dict[str, str]] = {}
        unloaded = set(self._unloaded())
        order: list[str] = []
        seen: set[str] = set()
        for root in roots:
            if root not in seen:
                self._visit(root, order, seen)
        self.joined = [
            module
            for module in order
            if module not in unloaded and not self._is_package(module) and module.startswith(within)
        ]
        self._names = self._final_names()

    # -- what is resident

    def _visit(self, module: str, order: list[str], seen: set[str]) -> None:
        """Modules in the order in which they are done importing."""
        seen.add(module)
        for node in self._trees[module].body:
            for other in self._imported(node):
                if other not in seen:
                    self._visit(other, order, seen)
        order.append(module)

    def _imported(self, node: ast.stmt) -> Iterator[str]:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in self._trees:
                    yield whole
                elif node.module in self._trees:
                    yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in self._trees)

    def _unloaded(self) -> Iterator[str]:
        """What unload() is called with, by its name below some package or its whole name."""
        packages = {module.partition(".")[0] for module in self._trees}
        for tree in self._trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("unload"):
                    for text in node.args:
                        if isinstance(text, ast.Constant):
                            yield str(text.value)
                            for package in packages:
                                yield package + "." + str(text.value)

    def _is_package(self, module: str) -> bool:
        return any(other.startswith(module + ".") for other in self._trees)

    # -- what is called how

    def _final_names(self) -> dict[_Entity, str]:
        """The name in the joined module of everything that the joined ones make at their top."""
        called: dict[str, set[_Entity]] = {}
        others: dict[_Entity, set[str]] = {}
        for module in self.joined:
            for name, entity in self._globals(module).items():
                called.setdefault(name, set()).add(entity)
                others.setdefault(entity, set()).add(name)
        by_module = {
            (whole, node.attr)
            for module in self.joined
            for node in ast.walk(self._trees[module])
            if (whole := self._module_of(node, module)) and isinstance(node, ast.Attribute)
        }
        taken = {
            name
            for tree in self._trees.values()
            for node in ast.walk(tree)
            for name in (
                getattr(node, "id", ""),
                getattr(node, "arg", ""),
                getattr(node, "name", ""),
            )
        }
        final: dict[_Entity, str] = {}
        for entity, names in sorted(others.items()):
            module, name = entity
            if module not in self.joined or not name:
                continue
            is_only = names == {name} and called[name] == {entity} and entity not in by_module
            if is_only and name not in _BUILTINS:
                final[entity] = name
                continue
            hidden = "_" if name.startswith("_") else ""
            fresh = f"{hidden}{module.rpartition('.')[2]}_{name.lstrip('_')}"
            while fresh in taken:
                fresh += "_"
            taken.add(fresh)
            final[entity] = fresh
        return final

    def _globals(self, module: str) -> dict[str, _Entity]:
        """What each name at the top of a module means: (module, name), or (module, "")."""
        found: dict[str, _Entity] = {}
        for node in self._trees[module].body:
            for name, entity in self._bindings(node, module):
                if found.setdefault(name, entity) != entity:
                    raise LinkError(f"{module}, line {node.lineno}: {name} means two things")
        return found

    def _bindings(self, node: ast.AST, module: str) -> Iterator[tuple[str, _Entity]]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, self._entity(node, alias)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, (module, node.name)
        elif isinstance(node, _FUNCTIONS + _COMPREHENSIONS):
            return
        else:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id, (module, node.id)
            for child in ast.iter_child_nodes(node):
                yield from self._bindings(child, module)

    def _entity(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> _Entity:
        if isinstance(node, ast.Import):
            return alias.name, ""
        whole = f"{node.module}.{alias.name}"
        if whole in self._trees:
            return whole, ""
        return self._origin(str(node.module), alias.name)

    def _origin(self, module: str, name: str) -> _Entity:
        """Where a name that is imported from a module was made."""
        if module in self._trees:
            for node in self._trees[module].body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        if (alias.asname or alias.name) == name:
                            return self._entity(node, alias)
        return module, name

    def _module_of(self, node: ast.AST, module: str) -> str:
        """The joined module whose name an attribute is taken of; else empty."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            whole = self._aliases(module).get(node.value.id, "")
            return whole if whole in self.joined else ""
        return ""

    def _aliases(self, module: str) -> dict[str, str]:
        found = self._found_aliases.get(module)
        if found is None:
            # Asked for at every attribute, and no tree changes.
            found = self._found_aliases[module] = {
                alias.asname or alias.name: self._entity(node, alias)[0]
                for node in ast.walk(self._trees[module])
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
                if not self._entity(node, alias)[1]
            }
        return found

    # -- the text

    def edited(self, module: str) -> str:
        """The source of a module with the names that things have now."""
        edits: dict[Span, str] = {}
        tree = self._trees[module]
        is_joined = module in self.joined
        top = self._globals(module) if is_joined else {}
        tops = {id(node) for node in tree.body} if is_joined else set[int]()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                edits[span(node)] = self._import(node, is_top=id(node) in tops)
            elif whole := self._module_of(node, module):
                assert isinstance(node, ast.Attribute)
                self._check(node, module)
                assert isinstance(node.value, ast.Name)
                final = self._names[whole, node.attr]
                at_top = is_joined and top.get(node.value.id) == (whole, "")
                edits[span(node)] = final if at_top else f"{node.value.id}.{final}"
        if is_joined:
            renamed = {
                name: self._names[entity]
                for name, entity in top.items()
                if entity in self._names and self._names[entity] != name
            }
            renaming = _Renaming(module, self._texts[module], renamed)
            for statement in tree.body:
                renaming.visit(statement, frozenset())
            edits = {**renaming.edits, **edits}
        return replaced(self._texts[module], edits)

    def _import(self, node: ast.Import | ast.ImportFrom, *, is_top: bool) -> str:
        texts: list[str] = []
        for alias in node.names:
            whole, name = self._entity(node, alias)
            shown = alias.asname or alias.name
            if whole not in self.joined:
                one: ast.stmt = ast.Import([alias])
                if isinstance(node, ast.ImportFrom):
                    one = ast.ImportFrom(node.module, [alias], node.level)
                texts.append(ast.unparse(one))
            elif not is_top:
                package, _, last = self.name.rpartition(".")
                texts.append(
                    f"from {self.name} import {self._names[whole, name]} as {shown}"
                    if name
                    else f"from {package} import {last} as {shown}"
                )
        return "; ".join(texts) or "pass"

    def _check(self, node: ast.Attribute, module: str) -> None:
        if not isinstance(node.ctx, ast.Load):
            raise LinkError(f"{module}, line {node.lineno}: sets another module's name")


class _Renaming:
    """Finds the uses of a module's own names, where no inner scope has made them its own."""

    def __init__(self, module: str, text: str, names: Mapping[str, str]) -> None:
        self._module = module
        self._lines = text.split("\n")
        self._names = names
        self.edits: dict[Span, str] = {}

    def visit(self, node: ast.AST, hidden: frozenset[str], *, in_class: bool = False) -> None:
        """Find them in a node; names that are `hidden` mean something else here."""
        names = self._names
        if isinstance(node, ast.Name):
            if node.id in names and node.id not in hidden:
                self.edits[span(node)] = names[node.id]
        elif isinstance(node, ast.Global):
            shown = [names.get(each, each) for each in node.names]
            self.edits[span(node)] = "global " + ", ".join(shown)
        elif isinstance(node, _DEFINITIONS):
            if node.name in names and node.name not in hidden and not in_class:
                self._rename_definition(node, names[node.name])
        elif isinstance(node, ast.JoinedStr):
            if {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & set(names):
                raise LinkError(f"{self._module}, line {node.lineno}: renames in a format string")
            return
        self._visit_inside(node, hidden)

    def _visit_inside(self, node: ast.AST, hidden: frozenset[str]) -> None:
        if isinstance(node, _FUNCTIONS):
            for each in [node.args, *getattr(node, "decorator_list", ())]:
                self._visit_inside(each, hidden)
            inner = hidden | _locals(node)
            for each in node.body if isinstance(node.body, list) else [node.body]:
                self.visit(each, inner)
            return
        if isinstance(node, _COMPREHENSIONS):
            hidden |= {
                each.id
                for generator in node.generators
                for each in ast.walk(generator.target)
                if isinstance(each, ast.Name)
            }
        for child in ast.iter_child_nodes(node):
            if not isinstance(node, ast.arg):
                self.visit(child, hidden, in_class=isinstance(node, ast.ClassDef))

    def _rename_definition(self, node: _Definition, new: str) -> None:
        row = node.lineno
        line = self._lines[row - 1]
        column = line.index(
            node.name, line.index("class" if isinstance(node, ast.ClassDef) else "def")
        )
        before = len(line[:column].encode())
        self.edits[row, before, row, before + len(node.name.encode())] = new


def _locals(function: _Function) -> frozenset[str]:
    """The names that a function makes its own."""
    found = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    free: set[str] = set()
    left: list[ast.AST] = list(function.body) if isinstance(function.body, list) else []
    while left:
        node = left.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            free |= set(node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if isinstance(node, _DEFINITIONS):
            found.add(node.name)
        elif not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            left.extend(ast.iter_child_nodes(node))
    return frozenset(found - free)
