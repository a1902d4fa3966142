"""Listens at the serial port, for ever. All of the console that is always in memory.

What keys mean, what commands do and how answers are printed is loaded with the first key of a line
(editor.py) and gone when the line is answered.
"""

import gc
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand

if TYPE_CHECKING:
    from typing import Protocol

    from nuan_firmware.console.editor import Editor
    from nuan_firmware.hal.console import Terminal
    from nuan_firmware.node import Node

    class Job(Protocol):
        """What a command has begun and later lines go on with."""

        def end(self) -> None:
            """Nobody goes on with it."""


# The port keeps 260 bytes while the program is busy: a longer line could arrive with holes.
LINE_BYTES_MAX = const(256)
# What a command has begun is kept for so long after the last line.
_JOB_S = const(60)
_NEVER = const(1 << 29)

_ROOT = "nuan_firmware."
_PACKAGE = "nuan_firmware.console."
_SELF = "nuan_firmware.console.listener"


class Console:
    """A part of the node (see node.py). `job` is what a command has begun, None mostly.

    The lock's memory: the `challenge` that waits for an answer, how many were `wrong` in a row,
    until which uptime none is taken (`shut_s`) and until which the console is open (`open_s`).
    The editor's: the `line`, how long the `last` one was, what `ended_by`, and when (`line_s`).
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
        self.line = bytearray(LINE_BYTES_MAX)
        self.last = self.ended_by = self.line_s = 0
        self._editor: "Editor | None" = None

    async def run(self) -> None:
        """Carry out line after line, for ever."""
        while True:
            key = await self.terminal.read()
            if key >= 0:
                if self._editor is None:
                    from nuan_firmware.console import editor

                    self._editor = editor.Editor(self)
                await self._editor.feed(key)
                if not self._editor.length and self.job is None:
                    self.unload()

    def rest(self, seconds: int) -> None:
        """It is started again after so many seconds; nothing is due until then."""

    def check(self, now_s: int) -> None:
        """Called at every beat: lock a console nobody uses, end what nobody goes on with."""
        if now_s >= self.open_s:
            self.open_s = 0
        if self._editor is not None and now_s - self.line_s >= _JOB_S:
            self.end_job()
            self.unload()

    def end_job(self) -> None:
        """Let go of what a command has begun."""
        job, self.job = self.job, None
        if job is not None:
            job.end()

    def unload(self) -> None:
        """Give back the memory of everything but this."""
        self._editor = None
        for name in list(sys.modules):
            if name.startswith(_PACKAGE) and name != _SELF:
                on_demand.unload(name[len(_ROOT) :])
        on_demand.unload("hal.screen", "nuan_protocols.uplink.console_key")
        gc.collect()
