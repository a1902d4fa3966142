"""Keys to a node and its words to the screen, as they are, until Ctrl-] or the end of input."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from nuan_tools.errors import complain
from nuan_tools.node_link.port import Port, PortError

LEAVE = b"\x1d"
_LOOK_S = 0.1
_KEYS_MAX = 256
# After the end of a script the node may still have something to say.
_QUIET_S = 2.0


def pass_through(port: Port) -> None:
    """Raises PortError when the port goes."""
    ended = threading.Event()
    heard = threading.Event()
    gone: list[PortError] = []
    reader = threading.Thread(target=_show, args=(port, ended, heard, gone), daemon=True)
    reader.start()
    try:
        # Enter brings the prompt.
        port.write(b"\r")
        with _raw_keyboard() as is_terminal:
            for keys in _keys():
                before, leave, _ = keys.partition(LEAVE)
                port.write(before if is_terminal else before.replace(b"\n", b"\r"))
                if leave or gone:
                    break
        if not is_terminal:
            while heard.wait(_QUIET_S):
                heard.clear()
    finally:
        ended.set()
        reader.join()
    sys.stdout.write("\n")
    if gone:
        raise gone[0]


def _show(
    port: Port, ended: threading.Event, heard: threading.Event, gone: list[PortError]
) -> None:
    while not ended.is_set():
        try:
            data = port.read(_LOOK_S)
        except PortError as error:
            gone.append(error)
            complain(str(error))
            return
        if data:
            heard.set()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _keys() -> Iterator[bytes]:
    if os.name == "nt" and sys.stdin.isatty():
        import msvcrt

        while True:
            yield msvcrt.getwch().encode()  # type: ignore[attr-defined,unused-ignore]
    descriptor = sys.stdin.fileno()
    while keys := os.read(descriptor, _KEYS_MAX):
        yield keys


@contextmanager
def _raw_keyboard() -> Generator[bool]:
    """The terminal hands on every key at once; False when the input is none."""
    if not sys.stdin.isatty():
        yield False
        return
    if os.name == "nt":
        yield True
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
