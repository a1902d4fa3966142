"""Takes nuan for a board from the file that `nuan firmware build` made."""

from pathlib import Path

from nuan_protocols.bundle import APP, Head, fault
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr


def read_bundle(path: Path) -> bytes:
    """The file, checked but for its signature, which is the board's business; raises UserError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    reason = fault(data, [])
    if reason:
        raise UserError(f"{path}: {reason}")
    if Head(data).kind != APP:
        raise UserError(tr("{path}: holds MicroPython, not nuan; name it after --image", path=path))
    return data
