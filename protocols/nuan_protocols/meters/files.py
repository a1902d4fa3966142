"""Model files: found in this package and in a user's own folder, loaded and checked. PC only."""

import importlib
import importlib.machinery
import importlib.util
import pkgutil
import sys
from typing import TYPE_CHECKING

from nuan_protocols.meters.checks import problems
from nuan_protocols.meters.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import TypeAlias

    from nuan_protocols.reading import Reading

    Decode: TypeAlias = Callable[[Profile, bytes, bytes], list[Reading]]

_PACKAGE = "nuan_protocols.meters"
_FOLDER_MODULE = "nuan_meter_model_"


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads a user's file as it is now: no bytecode is kept beside it."""

    def get_code(self, fullname: str) -> "CodeType":  # noqa: ARG002  # importlib's signature
        return self.source_to_code(self.get_data(self.path), self.path)


class ModelFileError(ValueError):
    """A model file that can't be used; the message names it and how to mend it."""


def packaged() -> "list[tuple[str, Profile]]":
    """(file, profile) of every version of every model in this package, in the files' order."""
    found: list[tuple[str, Profile]] = []
    for module in pkgutil.iter_modules(importlib.import_module(_PACKAGE).__path__):
        loaded = importlib.import_module(_PACKAGE + "." + module.name)
        if hasattr(loaded, "PROFILE"):
            found.extend((loaded.__name__, profile) for profile in _profiles(loaded, module.name))
    return found


def in_folder(folder: str) -> "list[tuple[str, Profile]]":
    """(file, profile) of every version of every model in a user's folder of .py files.

    Files whose names begin with "_" are not models. Raises ModelFileError.
    """
    from pathlib import Path

    if not Path(folder).is_dir():
        raise ModelFileError(f"{folder}: no such folder; write the folder with the model files")
    found: list[tuple[str, Profile]] = []
    for path in sorted(Path(folder).glob("*.py")):
        if not path.name.startswith("_"):
            found.extend((str(path), profile) for profile in _profiles(_load(str(path)), str(path)))
    return found


def decoder(protocol: str) -> "Decode":
    """What makes readings of an exchange in a protocol, loaded when first needed."""
    name = protocol + "_readings"
    decode: Decode = getattr(importlib.import_module(_PACKAGE + "." + name), name)
    return decode


def _load(path: str) -> "ModuleType":
    """Run a model file; whatever it gets wrong is told with its line."""
    name = _FOLDER_MODULE + str(abs(hash(path)))
    loader = _Loader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None, "a loader was given"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        raise ModelFileError(f"{path}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        raise ModelFileError(f"{path}, line {_line(error, path)}: {error}") from error
    finally:
        del sys.modules[name]
    return module


def _line(error: Exception, path: str) -> int:
    """The last line of the file itself that was running when it failed."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _profiles(module: "ModuleType", file: str) -> "list[Profile]":
    """PROFILE, and the versions before it that bills still stand on (EARLIER)."""
    newest = getattr(module, "PROFILE", None)
    if not isinstance(newest, Profile):
        raise ModelFileError(f"{file}: declares no PROFILE; write PROFILE = Profile(name=..., ...)")
    versions = [newest]
    versions.extend(getattr(module, "EARLIER", ()))
    for profile in versions:
        wrong = problems(profile)
        if wrong:
            raise ModelFileError(f"{file}: " + "; ".join(wrong))
    return versions
