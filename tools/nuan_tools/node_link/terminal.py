"""Keys to a node and its words to the screen until Ctrl-] or the end of input.

Of control characters only those of the node's line editor reach the screen: what stands in a log,
a name or an answer of the bus must not command somebody's terminal.
"""

from __future__ import annotations

import codecs
import os
import re
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
_ESCAPE = "\x1b"
_CLEAR_TO_END = _ESCAPE + "[K"
# C0 but CR, LF, BS and tab; DEL; C1, where 0x9b does what ESC [ does; what reorders text.
_UNSAFE = re.compile(
    r"(\x1b\[K)|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


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


class Screen:
    """Bytes of a node as text that is safe to show; what may go on with the next piece waits."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def text(self, data: bytes) -> str:
        """What to show of these bytes; in the place of an unsafe character stands U+FFFD."""
        text = self._held + self._decoder.decode(data)
        self._held = ""
        for start in (_CLEAR_TO_END[:2], _ESCAPE):
            if text.endswith(start):
                self._held = start
                text = text[: -len(start)]
                break
        return _UNSAFE.sub(lambda found: found[1] or "\ufffd", text)


def _show(
    port: Port, ended: threading.Event, heard: threading.Event, gone: list[PortError]
) -> None:
    screen = Screen()
    while not ended.is_set():
        try:
            data = port.read(_LOOK_S)
        except PortError as error:
            gone.append(error)
            complain(str(error))
            return
        if data:
            heard.set()
            sys.stdout.buffer.write(screen.text(data).encode())
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
