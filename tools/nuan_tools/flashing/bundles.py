"""Takes nuan for a board from the file that `nuan firmware build` made."""

from hashlib import sha256
from pathlib import Path

from nuan_protocols.bundle import APP, Head
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr


def read_bundle(path: Path) -> bytes:
    """The file, checked but for its signature, which is the board's business; raises UserError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    try:
        head = Head(data)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    if len(data) != head.file_bytes():
        raise UserError(
            tr(
                "{path}: {size} bytes, and its head says {wanted}; fetch the file again",
                path=path,
                size=len(data),
                wanted=head.file_bytes(),
            )
        )
    if sha256(data[head.payload_at :]).digest() != head.digest:
        raise UserError(tr("{path}: damaged; fetch the file again", path=path))
    if head.kind != APP:
        raise UserError(tr("{path}: holds MicroPython, not nuan; name it after --image", path=path))
    return data
