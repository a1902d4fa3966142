"""Files that a reader sees as they were or as they are now, never half of either."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file under its final mode (less the umask) from the start, in place of what is there.

    Raises OSError; then nothing is left behind.
    """
    scratch = path.with_name(path.name + ".new")
    # One that is left over may be readable by others, or be a link to somewhere else.
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        with suppress(OSError):
            scratch.unlink()
        raise
