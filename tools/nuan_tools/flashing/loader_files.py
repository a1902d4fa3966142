"""The files that start a board, put onto its file system through MicroPython's prompt by mpremote.

A board that was just flashed formats its file system at the first start and then waits at the
prompt. boot.py and main.py are the loader: it is never updated over the air.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

# mpremote carries no types.
from mpremote.transport import TransportError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]
from serial import SerialException

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

BAUD = 115200
# Formatting a file system of 12 MB takes some seconds.
PROMPT_SECONDS = 30
_PIECE_BYTES = 256
_RESTART = "import machine\nmachine.reset()"


def loader_files() -> dict[str, bytes]:
    """The loader in this checkout of the repository, by its places on the board."""
    from nuan_emulator import board_tree
    from nuan_emulator.errors import BoardError

    try:
        files = board_tree.loader_files()
    except BoardError as error:
        raise UserError(str(error)) from error
    return {f"/{name}": data for name, data in files.items()}


def install(
    port: str,
    files: Mapping[str, bytes],
    progress: Callable[[int, int], None],
    *,
    prompt_seconds: float = PROMPT_SECONDS,
) -> None:
    """Write the files, compare them, and restart the board; raises UserError."""
    total = sum(map(len, files.values()))
    done = 0
    transport = _at_prompt(port, prompt_seconds)

    def tell(now: int, _: int) -> None:
        progress(done + now, total)

    try:
        for path, data in files.items():
            # Under another name first: a loader half-written would be no loader at all.
            transport.fs_writefile(
                path + ".new",
                data,
                _PIECE_BYTES,
                tell,
            )
            if transport.fs_hashfile(path + ".new", "sha256") != hashlib.sha256(data).digest():
                raise UserError(
                    tr("{path}: the board has other bytes than were sent; try again", path=path)
                )
            transport.exec(f"import os\nos.rename({path + '.new'!r}, {path!r})")
            done += len(data)
            progress(done, total)
        transport.exec_raw_no_follow(_RESTART)
    except (TransportError, SerialException, OSError) as error:
        raise UserError(f"{port}: {str(error).splitlines()[0]}") from None
    finally:
        transport.close()


def _at_prompt(port: str, seconds: float) -> Any:
    """MicroPython's raw prompt, as soon as the board has started."""
    end = time.monotonic() + seconds
    transport: Any = None
    while True:
        try:
            transport = transport or SerialTransport(port, BAUD, timeout=1)
            # mpremote prints what came instead of a prompt.
            with redirect_stdout(io.StringIO()):
                transport.enter_raw_repl(soft_reset=False, timeout_overall=2)
        except (TransportError, SerialException, OSError):
            if time.monotonic() < end:
                time.sleep(0.2)
                continue
            if transport is not None:
                transport.close()
            raise UserError(
                tr(
                    "{port}: MicroPython's prompt does not answer; does the image suit the board?",
                    port=port,
                )
            ) from None
        return transport
