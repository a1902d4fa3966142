"""Takes nuan for a board from the file that `nuan firmware build` made."""

from pathlib import Path

from nuan_protocols.bundle import APP
from nuan_tools.errors import UserError
from nuan_tools.firmware.inspect import inspect_bundle
from nuan_tools.i18n import tr


def read_bundle(path: Path) -> bytes:
    """The file, checked but for its signature, which is the board's business; raises NuanError."""
    found = inspect_bundle(path, [])
    if found.head.kind != APP:
        raise UserError(tr("{path}: holds MicroPython, not nuan; name it after --image", path=path))
    return found.data
