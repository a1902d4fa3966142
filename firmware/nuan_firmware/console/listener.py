"""Reads what is typed or sent at the serial port, line by line, and has each line carried out.

A line that begins with "{" is a program's: it isn't echoed, and its answer is one line of JSON.
Anything else is edited as people expect. There is one buffer: the last line stays in it until
another is begun, and the arrow up brings it back.
"""

import gc
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand

if TYPE_CHECKING:
    from typing import Protocol

    from nuan_firmware.hal.console import Terminal
    from nuan_firmware.node import Node

    class Job(Protocol):
        """What a command has begun and later lines go on with."""

        def end(self) -> None:
            """Nobody goes on with it."""


# The port keeps 260 bytes while the program is busy: a longer line could arrive with holes.
LINE_BYTES_MAX = const(256)
_KEYS_MAX = const(32)
# Unlocked for so long after the last line, and what a command has begun is kept for so long.
IDLE_S = const(600)
_JOB_S = const(60)
_NEVER = const(1 << 29)

_BRACE = const(0x7B)
_PACKAGE = "nuan_firmware.console."
_SELF = _PACKAGE + "listener"


class Console:
    """A part of the node (see node.py). `job` is what a command has begun, None mostly.

    The lock's memory: the `challenge` that waits for an answer, how many were `wrong` in a row,
    until which uptime none is taken (`shut_s`) and until which the console is open (`open_s`).
    """

    def __init__(self, node: "Node", terminal: "Terminal") -> None:
        self.name = "console"
        self.deadline_s = _NEVER
        self.turns = 0
        self.node = node
        self.terminal = terminal
        self.challenge = ""
        self.wrong = self.shut_s = self.open_s = 0
        self.job: "Job | None" = None
        self._line = memoryview(bytearray(LINE_BYTES_MAX))
        self._keys = memoryview(bytearray(_KEYS_MAX))
        self._length = self._last = self._escape = self._line_s = 0
        self._ended_by = 0

    async def run(self) -> None:
        """Carry out line after line, for ever."""
        self._length = 0
        while True:
            count = await self.terminal.read(self._keys)
            for index in range(count):
                if self.take(self._keys[index]):
                    await self._carry_out()

    def rest(self, seconds: int) -> None:
        """It is started again after so many seconds; nothing is due until then."""

    def check(self, now_s: int) -> None:
        """Called at every beat: lock a console nobody uses, end what nobody goes on with."""
        idle_s = now_s - self._line_s
        if self.open_s and now_s >= self.open_s:
            self.open_s = 0
        if self.job is not None and idle_s >= _JOB_S:
            self.end_job()
            self._unload()

    def end_job(self) -> None:
        """Let go of what a command has begun."""
        job, self.job = self.job, None
        if job is not None:
            job.end()

    def take(self, key: int) -> bool:
        """One byte of input; True when it completes a line."""
        line, length = self._line, self._length
        if self._escape and key >= 0x20:
            self._follow_escape(key)
        elif key == 0x0D or key == 0x0A:
            crlf = key == 0x0A and self._ended_by == 0x0D
            self._ended_by = 0 if crlf else key
            return not crlf
        elif key >= 0x20 and key != 0x7F:
            self._last = 0
            # One more than fits is counted, so that the line is known to be too long.
            if length < LINE_BYTES_MAX:
                line[length] = key
                self._echo(line[length : length + 1])
            self._length = min(length + 1, LINE_BYTES_MAX + 1)
        elif key == 0x08 or key == 0x7F:
            self._erase()
        elif key == 0x15 or key == 0x03:
            self._clear()
        self._escape = 1 if key == 0x1B else self._escape
        self._ended_by = self._ended_by if key == 0x0A or key == 0x0D else 0
        return False

    def _echo(self, data: "bytes | memoryview") -> None:
        if self._line[0] != _BRACE:
            self.terminal.echo(data)

    def _follow_escape(self, key: int) -> None:
        # ESC [ A or ESC O A is the arrow up; other sequences end alike and mean nothing here.
        if self._escape == 1:
            self._escape = 2 if key == 0x5B or key == 0x4F else 0
            return
        if key == 0x41 and not self._length and self._last:
            self._length = self._last
            self.terminal.echo(self._line[: self._length])
        if key >= 0x40:
            self._escape = 0

    def _erase(self) -> None:
        """The last character: in UTF-8 up to four bytes, and Chinese ones are two columns wide."""
        length = min(self._length, LINE_BYTES_MAX)
        if not length:
            return
        length -= 1
        while length and self._line[length] & 0xC0 == 0x80:
            length -= 1
        self._length = length
        self._echo(b"\b\b  \b\b" if self._line[length] >= 0xE0 else b"\b \b")

    def _clear(self) -> None:
        if self._length:
            self._echo(b"\r\x1b[K")
            self._length = 0
            self._echo(b"nuan> ")
        self._escape = 0

    async def _carry_out(self) -> None:
        from nuan_firmware.console import dispatch

        length, self._length, self._escape = self._length, 0, 0
        self._last = min(length, LINE_BYTES_MAX)
        self._line_s = self.node.clock.uptime()
        self.turns += 1
        if self._line_s >= self.open_s:
            self.open_s = 0
        await dispatch.carry_out(self, self._line[: self._last], length > LINE_BYTES_MAX)
        self._line_s = self.node.clock.uptime()
        if self.open_s:
            self.open_s = self._line_s + IDLE_S
        if self.job is None:
            self._unload()

    def _unload(self) -> None:
        """Give back the memory of everything but this."""
        for name in list(sys.modules):
            if name.startswith(_PACKAGE) and name != _SELF:
                on_demand.unload(name[len("nuan_firmware.") :])
        gc.collect()
