"""The serial port that MicroPython itself prints to: UART 0, or the chip's USB.

What comes while the program is busy waits in the port's own 260 bytes; what exceeds them is lost.
A read of more bytes than have come would hold up the whole program, so bytes are taken singly.
"""

import asyncio
import sys
from typing import TYPE_CHECKING

import micropython

if TYPE_CHECKING:
    from nuan_firmware.hal.screen import Screen


class Terminal:
    """The keys; Ctrl-C is one of them until the screen's release()."""

    def __init__(self) -> None:
        self._stream = asyncio.StreamReader(sys.stdin.buffer)
        self._key = bytearray(1)
        micropython.kbd_intr(-1)

    async def read(self) -> int:
        """Wait for a byte of input; -1 when the port is gone."""
        if await self._stream.readinto(self._key):
            return self._key[0]
        # Nothing is to be gained by asking at once again.
        await asyncio.sleep_ms(1000)
        return -1

    def screen(self) -> "Screen":
        """Everything but waiting; its code is loaded for it."""
        from nuan_firmware.hal import screen

        return screen.Screen()
