"""What keys do to the line, until it is complete and carried out.

A line that begins with "{" is a program's: it isn't echoed, and its answer is one line of JSON.
Anything else is edited as people expect. There is one buffer: the last line stays in it until
another is begun, and the arrow up brings it back.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console import dispatch
from nuan_firmware.console.listener import LINE_BYTES_MAX
from nuan_firmware.console.locking import IDLE_S

if TYPE_CHECKING:
    from nuan_firmware.console.listener import Console

_KEYS_MAX = const(32)
_BRACE = const(0x7B)


class Editor:
    """The console's line, `length` bytes of it so far."""

    def __init__(self, console: "Console") -> None:
        self.length = 0
        self.screen = console.terminal.screen()
        self._console = console
        self._line = memoryview(console.line)
        self._escape = 0

    async def feed(self, key: int) -> None:
        """Take what was typed, this key and what has come behind it; carry out a line it completes.

        At most so many keys at once: others are to have their turn.
        """
        left = _KEYS_MAX
        while key >= 0:
            left -= 1
            if self._take(key):
                await self._carry_out()
                return
            key = self.screen.more() if left else -1

    def _take(self, key: int) -> bool:
        """One byte of input; True when it completes a line."""
        line, length, console = self._line, self.length, self._console
        if self._escape and key >= 0x20:
            self._follow_escape(key)
        elif key == 0x0D or key == 0x0A:
            crlf = key == 0x0A and console.ended_by == 0x0D
            console.ended_by = 0 if crlf else key
            return not crlf
        elif key >= 0x20 and key != 0x7F:
            console.last = 0
            # One more than fits is counted, so that the line is known to be too long.
            if length < LINE_BYTES_MAX:
                line[length] = key
                self._echo(line[length : length + 1])
            self.length = min(length + 1, LINE_BYTES_MAX + 1)
        elif key == 0x08 or key == 0x7F:
            self._erase()
        elif key == 0x15 or key == 0x03:
            self._clear()
        self._escape = 1 if key == 0x1B else self._escape
        console.ended_by = 0
        return False

    def _echo(self, data: "bytes | memoryview") -> None:
        if self._line[0] != _BRACE:
            self.screen.echo(data)

    def _follow_escape(self, key: int) -> None:
        # ESC [ A or ESC O A is the arrow up; other sequences end alike and mean nothing here.
        if self._escape == 1:
            self._escape = 2 if key == 0x5B or key == 0x4F else 0
            return
        if key == 0x41 and not self.length and self._console.last:
            self.length = self._console.last
            self.screen.echo(self._line[: self.length])
        if key >= 0x40:
            self._escape = 0

    def _erase(self) -> None:
        """The last character: in UTF-8 up to four bytes, and Chinese ones are two columns wide."""
        length = min(self.length, LINE_BYTES_MAX)
        if not length:
            return
        length -= 1
        while length and self._line[length] & 0xC0 == 0x80:
            length -= 1
        self.length = length
        self._echo(b"\b\b  \b\b" if self._line[length] >= 0xE0 else b"\b \b")

    def _clear(self) -> None:
        if self.length:
            self._echo(b"\r\x1b[Knuan> ")
            self.length = 0
        self._escape = 0

    async def _carry_out(self) -> None:
        console = self._console
        length, self.length, self._escape = self.length, 0, 0
        console.last = min(length, LINE_BYTES_MAX)
        console.line_s = console.node.clock.uptime()
        console.turns += 1
        if console.line_s >= console.open_s:
            console.open_s = 0
        line = self._line[: console.last]
        await dispatch.carry_out(console, self.screen, line, length > LINE_BYTES_MAX)
        console.line_s = console.node.clock.uptime()
        if console.open_s:
            console.open_s = console.line_s + IDLE_S
