"""The journal's cursor and the uplink's batch buffer, for a while the console's.

There is one of each, made at boot: a second pair would take memory that a long-lived heap no longer
has in one piece. Meanwhile the uplink sends nothing, and then again what isn't acknowledged.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console.reply import Refused
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.message import MESSAGE_BYTES_DEFAULT

if TYPE_CHECKING:
    from nuan_firmware.console.listener import Console

_LOOK_MS = const(20)
# An entry takes some 2 ms on a board: nobody else is to wait longer than for a few of them.
STEPS = const(8)


class Borrowed:
    """A job of the console: `journal.cursor` and `builder` are its own from begin() to end()."""

    def __init__(self, console: "Console") -> None:
        node = console.node
        journal = getattr(node, "journal", None)
        if journal is None:
            raise Refused("the journal isn't open: " + getattr(node, "safe_why", ""))
        self.journal = journal
        self.nonce = b""
        self.is_placed = False
        self._uplink = getattr(node, "uplink", None)
        self.builder = (
            self._uplink.builder
            if self._uplink is not None
            else BatchBuilder(
                bytearray(MESSAGE_BYTES_DEFAULT), node.keys, journal.shelf.node, journal.epoch
            )
        )

    async def begin(self) -> None:
        """Wait for a batch that is being sent."""
        if self._uplink is not None:
            self._uplink.lent = True
            while self._uplink.sending:
                await asyncio.sleep_ms(_LOOK_MS)

    async def seek(self, seq: int) -> None:
        """Put the cursor at a number, or at the next one that is held, a few entries at a time."""
        cursor, shelf = self.journal.cursor, self.journal.shelf
        index = max(0, shelf.index(seq))
        if not shelf.count:
            return
        cursor.seek(shelf.first(index))
        steps = 0
        while cursor.seq < seq and cursor.entry() is not None:
            cursor.advance()
            steps += 1
            if steps % STEPS == 0:
                await asyncio.sleep_ms(0)

    def end(self) -> None:
        """Give them back."""
        if self._uplink is not None:
            self._uplink.take_back()
