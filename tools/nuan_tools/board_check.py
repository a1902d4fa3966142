"""Refuses what MicroPython 1.25 on a board can't run, or would run differently, by syntax tree.

`problems(source, path)` gives one line per finding: file:line, what is wrong, how to mend it.
A compiler finds syntax errors; this finds what compiles and then fails, or rounds, on the board.
"""

import ast
from collections.abc import Iterator
from typing import cast

_DATA = {"array", "binascii", "collections", "errno", "hashlib", "io", "json", "math", "re"}
_SYSTEM = {"gc", "micropython", "os", "random", "struct", "sys", "time", "typing"}
_NETWORK = {"asyncio", "select", "socket", "ssl", "tls"}
_HARDWARE = {"machine", "network", "esp32", "vfs", "onewire", "ds18x20"}

# What each package may import at run time; hal/ alone touches the hardware.
PROTOCOL_IMPORTS = frozenset(_DATA | _SYSTEM | {"nuan_protocols"})
# What finds the files of meter models; the PC's part of the registry, which no board needs.
MODEL_FILES_IMPORTS = frozenset(PROTOCOL_IMPORTS | {"importlib", "pathlib", "pkgutil"})
# What runs on the PC alone, for speed or for lack of a module; the board never imports it.
PC_ONLY_FILES = frozenset(
    f"protocols/nuan_protocols/mbus/{name}.py" for name in ("aes_pc", "columns")
)
FIRMWARE_IMPORTS = frozenset(_DATA | _SYSTEM | _NETWORK | {"nuan_protocols", "nuan_firmware"})
HARDWARE_IMPORTS = frozenset(FIRMWARE_IMPORTS | _HARDWARE)
# The loader has parts of its own beside it.
LOADER_IMPORTS = frozenset(HARDWARE_IMPORTS | {"loader", "sealed"})

NAMES = {
    "float": "keep an integer and a decimal exponent",
    "round": "round with integers",
    "TimeoutError": "catch asyncio.TimeoutError or OSError",
    "ConnectionError": "catch OSError",
    "UnicodeDecodeError": "catch UnicodeError",
    "ExceptionGroup": "raise one exception",
    "vars": "name the attributes",
    "slice": "write the slice where it is used",
    "complex": "use integers",
}
ATTRIBUTES = {
    "bit_length": "compare with a power of two",
    "bit_count": "count in a loop",
    "zfill": 'use "%0*d" or format',
    "ljust": 'use "%-*s"',
    "rjust": 'use "%*s"',
    "translate": "use a loop over a bytearray",
    "removeprefix": "slice by len()",
    "removesuffix": "slice by len()",
    "isdecimal": "use isdigit",
    "isalnum": "use isalpha and isdigit",
    "isprintable": "compare the bytes",
    "isascii": "compare the bytes",
    "capitalize": "spell it out",
    "casefold": "use lower",
    "hexdigest": "use binascii.hexlify(digest())",
    "tobytes": "use bytes(view)",
    "cast": "use struct.unpack_from",
    "_replace": "build a new tuple",
    "_asdict": "name the fields",
    "fullmatch": "use match with $",
    "findall": "search in a loop",
    "add_note": "put it into the message",
    "__cause__": "keep the cause yourself",
    "__qualname__": "use __name__",
    "TaskGroup": "use gather",
    "Queue": "use a list and an Event",
    "Semaphore": "use a Lock",
    "defaultdict": "use setdefault",
    "iter_unpack": "use unpack_from in a loop",
    "Struct": "use struct.pack and unpack",
    "monotonic": "use ticks_ms and ticks_diff",
    "perf_counter": "use ticks_us and ticks_diff",
    "strftime": "format the fields of gmtime",
    "fsync": "close the file",
    "getsizeof": "use gc.mem_alloc",
}
QUALIFIED = {
    ("os", "path"): "join strings",
    ("os", "replace"): "use os.rename",
    ("os", "sync"): "close the file",
    ("struct", "error"): "catch ValueError",
    ("asyncio", "timeout"): "use wait_for_ms",
    ("hashlib", "sha512"): "use sha256",
}
# Keyword arguments that MicroPython refuses, or silently ignores, by the called name.
KEYWORDS = {
    "from_bytes": {"signed": "extend the sign by hand"},
    "to_bytes": {"signed": "add 1 << bits first"},
    "zip": {"strict": "compare the lengths first"},
    "print": {"flush": "leave it out"},
    "decode": {"errors": "catch UnicodeError"},
    "dumps": {"indent": "leave it out", "sort_keys": "write the keys in order"},
    "deque": {"maxlen": "give it as second positional argument"},
    "namedtuple": {"defaults": "give every field"},
}
_SYNTAX: dict[type[ast.AST], str] = {
    ast.Match: "match is not known: use if and elif",
    ast.TryStar: "except* is not known: use except",
    ast.MatMult: "@ is not known",
}
_BUILTIN_TYPES = {"list", "dict", "tuple", "set", "frozenset", "type"}


def problems(source: str, path: str, imports: frozenset[str]) -> list[str]:
    """Everything in `source` that the board can't run; `imports` are the modules it may name."""
    tree = ast.parse(source, path)
    found = _Walk(imports).findings(tree)
    return [f"{path}:{line}: {text}" for line, text in sorted(set(found))]


class _Walk:
    def __init__(self, imports: frozenset[str]) -> None:
        self._imports = imports

    def findings(self, node: ast.AST, line: int = 1) -> Iterator[tuple[int, str]]:
        """Walks in depth, past annotations and what only the type checker sees."""
        # Some nodes have no place of their own and take their parent's.
        line = getattr(node, "lineno", line)
        for text in self._node(node):
            yield line, text
        for child in _run_time_children(node):
            yield from self.findings(child, line)

    def _node(self, node: ast.AST) -> Iterator[str]:
        if type(node) in _SYNTAX:
            yield _SYNTAX[type(node)]
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is not None:
            yield from method(node)

    # One method a kind of node, found by its name.

    def on_import(self, node: ast.Import) -> Iterator[str]:
        for alias in node.names:
            yield from self._module(alias.name)

    def on_importfrom(self, node: ast.ImportFrom) -> Iterator[str]:
        if node.level:
            yield "relative import: name the package, as everywhere else"
        module = node.module or ""
        yield from self._module(module)
        for alias in node.names:
            if module == "typing" and alias.name != "TYPE_CHECKING":
                yield f"typing.{alias.name} at run time: import it under TYPE_CHECKING"
            yield from _attribute(module, alias.name)

    def _module(self, name: str) -> Iterator[str]:
        top = name.partition(".")[0]
        if top in _HARDWARE and top not in self._imports:
            yield f"import {name}: only hal/ touches the hardware"
        elif top not in self._imports:
            yield f"import {name}: not on the board; write it with struct, binascii and integers"

    def on_constant(self, node: ast.Constant) -> Iterator[str]:
        if isinstance(node.value, float | complex):
            yield f"{node.value} is a float: boards round it; use scaled integers"

    def on_binop(self, node: ast.BinOp) -> Iterator[str]:
        if isinstance(node.op, ast.Div):
            yield "/ gives a float: use // or keep the exponent apart"

    def on_augassign(self, node: ast.AugAssign) -> Iterator[str]:
        if isinstance(node.op, ast.Div):
            yield "/= gives a float: use //="

    def on_name(self, node: ast.Name) -> Iterator[str]:
        if node.id in NAMES:
            yield f"{node.id}: {NAMES[node.id]}"

    def on_attribute(self, node: ast.Attribute) -> Iterator[str]:
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        yield from _attribute(owner, node.attr)

    def on_call(self, node: ast.Call) -> Iterator[str]:
        name = _called_name(node.func)
        for keyword in node.keywords:
            advice = KEYWORDS.get(name, {}).get(keyword.arg or "")
            if advice is not None:
                yield f"{name}({keyword.arg}=...): {advice}"
        if name == "from_bytes" and len(node.args) > 2:
            yield "from_bytes ignores a third argument: extend the sign by hand"
        if name == "decode" and any(_text(arg) in {"latin-1", "latin1"} for arg in node.args):
            yield 'decode("latin-1"): use "".join(chr(b) for b in data)'
        if name == "isinstance" and isinstance(node.args[-1], ast.BinOp):
            yield "isinstance with |: give a tuple of types"

    def on_list(self, node: ast.List) -> Iterator[str]:
        yield from _starred(node)

    def on_tuple(self, node: ast.Tuple) -> Iterator[str]:
        yield from _starred(node)

    def on_set(self, node: ast.Set) -> Iterator[str]:
        yield from _starred(node)

    def on_dict(self, node: ast.Dict) -> Iterator[str]:
        if None in node.keys:
            yield "{**a} is not known: use | or update"

    def on_slice(self, node: ast.Slice) -> Iterator[str]:
        if node.step is not None:
            yield "a slice with a step fails on bytes: use reversed() or range()"

    def on_comprehension(self, node: ast.comprehension) -> Iterator[str]:
        if node.is_async:
            yield "asynchronous comprehension is not known: use async for"

    def on_arguments(self, node: ast.arguments) -> Iterator[str]:
        if node.posonlyargs:
            yield "positional-only / is not known: leave it out"

    def on_classdef(self, node: ast.ClassDef) -> Iterator[str]:
        if node.keywords:
            yield f"class {node.name}: metaclass and keywords are not known"
        if len(node.bases) > 1:
            yield f"class {node.name}: several bases resolve differently; use one"

    def on_subscript(self, node: ast.Subscript) -> Iterator[str]:
        if isinstance(node.value, ast.Name) and node.value.id in _BUILTIN_TYPES:
            yield f"{node.value.id}[...] at run time: put the alias under TYPE_CHECKING"


def _run_time_children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and _called_name(node.test) == "TYPE_CHECKING":
        yield from node.orelse
        return
    for field, value in ast.iter_fields(node):
        # Annotations are free on the board: never evaluated.
        if field in {"annotation", "returns"}:
            continue
        yield from _nodes(value)


def _nodes(value: object) -> Iterator[ast.AST]:
    if isinstance(value, ast.AST):
        yield value
    elif isinstance(value, list):
        for element in cast("list[object]", value):
            yield from _nodes(element)


def _attribute(owner: str, name: str) -> Iterator[str]:
    advice = QUALIFIED.get((owner, name)) or ATTRIBUTES.get(name)
    if advice is not None:
        yield f"{owner + '.' if owner else ''}{name} is not on the board: {advice}"


def _called_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _starred(node: ast.List | ast.Tuple | ast.Set) -> Iterator[str]:
    loads = isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load)
    if loads and any(isinstance(element, ast.Starred) for element in node.elts):
        yield "[*a] is not known: use + or extend"


def _text(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return value.lower() if isinstance(value, str) else ""
