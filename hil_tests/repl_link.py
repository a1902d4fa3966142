"""Talks to MicroPython's prompt over any byte stream, in paste mode, which every port has.

    Ctrl-C Ctrl-C           stop what runs, back to the prompt ">>> "
    Ctrl-E                  "paste mode; ... \\r\\n=== "
    lines, Ctrl-D           the lines are echoed, then run; then the prompt comes again

What the code prints stands between marks that its echoed text doesn't contain.
"""

import time
from typing import Protocol

STOP = b"\r\x03\x03"
PASTE = b"\x05"
DONE = b"\x04"
PROMPT = b">>> "
PASTE_PROMPT = b"=== "
ANSWER_SECONDS = 20
PIECE_BYTES = 128

_FILES = """
import os, binascii
def _tree(path):
    for item in os.ilistdir(path or '/'):
        name = path + '/' + item[0]
        if item[1] == 0x4000:
            _tree(name)
        else:
            print('F' + name)
            with open(name, 'rb') as file:
                while True:
                    piece = file.read(48)
                    if not piece:
                        break
                    print('D' + binascii.hexlify(piece).decode())
_tree({root!r})
"""


class Stream(Protocol):
    """A serial port, or what behaves like one: read() returns what is there, perhaps nothing."""

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...


class LinkError(Exception):
    """The board doesn't answer as MicroPython's prompt does."""


class ReplLink:
    """The prompt at the far end of a stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def run(self, code: str) -> list[str]:
        """Run lines of code at the prompt, stopping what runs; the lines it printed."""
        self._stream.write(STOP)
        self._until(PROMPT)
        self._stream.write(PASTE)
        self._until(PASTE_PROMPT)
        text = f"print('<'+'<<')\n{code.strip()}\nprint('>'+'>>')\n".encode()
        for at in range(0, len(text), PIECE_BYTES):
            # The board's receive buffer is small and it echoes every byte.
            self._stream.write(text[at : at + PIECE_BYTES])
            time.sleep(0.02)
        self._stream.write(DONE)
        self._until(b"<<<")
        printed = self._until(b">>>")
        return [line for line in printed[:-3].decode().split("\r\n") if line]

    def files(self, root: str = "") -> dict[str, bytes]:
        """Every file below a folder of the board, by its path."""
        found: dict[str, bytes] = {}
        name = ""
        for line in self.run(_FILES.format(root=root)):
            if line[0] == "F":
                name = line[1:]
                found[name] = b""
            elif line[0] == "D":
                found[name] += bytes.fromhex(line[1:])
        return found

    def _until(self, mark: bytes) -> bytes:
        end = time.monotonic() + ANSWER_SECONDS
        seen = b""
        while mark not in seen:
            if time.monotonic() > end:
                raise LinkError(f"{mark!r} did not come; the last that did: {seen[-200:]!r}")
            seen += self._stream.read(1)
        return seen
