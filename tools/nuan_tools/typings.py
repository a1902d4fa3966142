"""Lays out the board's type stubs in a folder of their own, for the checks of firmware/.

The stubs replace the standard library's, so they may be seen by the firmware's check only.
Run as `python -m nuan_tools.typings FOLDER`.
"""

import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from nuan_tools.errors import UserError

DISTRIBUTIONS = ("micropython-stdlib-stubs", "micropython-esp32-stubs")


def lay_out(target: Path) -> None:
    """Makes `target` a typeshed-like folder: `stdlib/`, `stubs/`, and the board's modules.

    An older layout is replaced as a whole; a layout of the installed versions is kept.
    """
    try:
        found = [distribution(name) for name in DISTRIBUTIONS]
    except PackageNotFoundError as error:
        raise UserError(f"{error.name} is not installed: run `make install`") from error
    versions = " ".join(each.version for each in found)
    stamp = target / "VERSION"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == versions:
        return
    shutil.rmtree(target, ignore_errors=True)
    for each in found:
        for file in each.files or []:
            if file.suffix != ".pyi" and file.name != "VERSIONS":
                continue
            copy = target / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), copy)
    stamp.write_text(versions, encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
