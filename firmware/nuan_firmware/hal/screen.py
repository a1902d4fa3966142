"""The port that console.py waits at, while somebody uses the console."""

import asyncio
import select
import sys

import micropython
from micropython import const

# Ctrl-C: what stops a running program unless it is told not to.
INTERRUPT = const(3)
# Output holds up the program as soon as the port's own buffer is full.
WRITE_BYTES_MAX = const(64)
# At 115,200 baud; USB is quicker.
_BYTES_PER_MS = const(11)


class Screen:
    """Prints, and takes what has come besides the key that was waited for."""

    def __init__(self) -> None:
        self._source = sys.stdin.buffer
        self._sink = sys.stdout.buffer
        self._byte = bytearray(1)
        self._poll = select.poll()
        self._poll.register(self._source, select.POLLIN)

    def more(self) -> int:
        """The next byte if it is there already, else -1."""
        if not self._poll.poll(0):
            return -1
        self._source.readinto(self._byte)
        return self._byte[0]

    def is_interrupted(self) -> bool:
        """Whether Ctrl-C has come meanwhile; everything else that has is thrown away."""
        found = False
        while (key := self.more()) >= 0:
            found = found or key == INTERRUPT
        return found

    async def write(self, text: "str | bytes") -> None:
        """Print, piece by piece, at the port's own pace; in a text, \\n ends a line."""
        if isinstance(text, str):
            # A terminal goes back to the first column only when it is told to.
            text = text.replace("\n", "\r\n").encode()
        data = memoryview(text)
        for at in range(0, len(data), WRITE_BYTES_MAX):
            piece = data[at : at + WRITE_BYTES_MAX]
            self._sink.write(piece)
            await asyncio.sleep_ms(len(piece) // _BYTES_PER_MS + 1)

    def echo(self, data: "bytes | memoryview") -> None:
        """Print a few bytes at once."""
        self._sink.write(data)

    def release(self) -> None:
        """Let Ctrl-C stop programs again."""
        micropython.kbd_intr(INTERRUPT)
