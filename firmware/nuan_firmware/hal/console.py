"""The serial port that MicroPython itself prints to: UART 0, or the chip's USB.

What comes while the program is busy waits in the port's own 260 bytes; what exceeds them is lost.
A read of more bytes than have come would hold up the whole program, so bytes are taken singly.
"""

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


class Terminal:
    """The console's bytes; Ctrl-C is one of them until release()."""

    def __init__(self) -> None:
        self._source = sys.stdin.buffer
        self._sink = sys.stdout.buffer
        self._stream = asyncio.StreamReader(self._source)
        self._poll = select.poll()
        self._poll.register(self._source, select.POLLIN)
        self._byte = bytearray(1)
        micropython.kbd_intr(-1)

    async def read(self, into: memoryview) -> int:
        """Wait for input; how many bytes of it are in `into` now."""
        if not await self._stream.readinto(self._byte):
            # The port is gone; nothing is to be gained by asking at once again.
            await asyncio.sleep_ms(1000)
            return 0
        count = 1
        into[0] = self._byte[0]
        while count < len(into) and self._has_more():
            self._source.readinto(self._byte)
            into[count] = self._byte[0]
            count += 1
        return count

    def is_interrupted(self) -> bool:
        """Whether Ctrl-C has come meanwhile; everything else that has is thrown away."""
        found = False
        while self._has_more():
            self._source.readinto(self._byte)
            found = found or self._byte[0] == INTERRUPT
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

    def _has_more(self) -> bool:
        for _ in self._poll.ipoll(0):
            return True
        return False
