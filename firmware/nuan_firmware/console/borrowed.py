"""The journal's cursor and the uplink's batch buffer, for a while the console's.

There is one of each, made at boot: a second pair would take memory that a long-lived heap no longer
has in one piece. Meanwhile the uplink sends nothing, and then again what isn't acknowledged.
"""

import asyncio
import os
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console.reply import Refused
from nuan_firmware.hal import chip
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.entry import EPOCH_BYTES
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import MESSAGE_BYTES_DEFAULT

if TYPE_CHECKING:
    from nuan_firmware.console.listener import Console
    from nuan_firmware.journal import Journal
    from nuan_firmware.node import Node

_LOOK_MS = const(20)
# An entry takes some 2 ms on a board: nobody else is to wait longer than for a few of them.
STEPS = const(8)
# Of a journal that is opened without a configuration: the most that any has.
_FOLDER = "/journal"
_SEGMENT_BYTES = const(32768)
_JOURNAL_BYTES_MAX = const(1 << 24)
_REFERENCES = const(300)
_REFERENCES_BYTES = const(7168)


class Borrowed:
    """A job of the console: `journal.cursor` and `builder` are its own from begin() to end()."""

    def __init__(self, console: "Console") -> None:
        node = console.node
        journal = opened(node)
        keys = NodeKeys(chip.node_key())
        if journal is None:
            journal = _open(node, keys)
        self.journal = journal
        self.keys = keys
        self.nonce = b""
        self.is_placed = False
        self._uplink = getattr(node, "uplink", None)
        self.builder = (
            self._uplink.builder
            if self._uplink is not None
            else BatchBuilder(
                bytearray(MESSAGE_BYTES_DEFAULT), keys, journal.shelf.node, journal.epoch
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


def opened(node: "Node") -> "Journal | None":
    """The node's journal; None in a safe mode that has left it alone."""
    journal: "Journal | None" = getattr(node, "journal", None)
    return journal if getattr(journal, "shelf", None) is not None else None


def _open(node: "Node", keys: NodeKeys) -> "Journal":
    """The journal of a node that has no readable configuration, with room for any. Raises Refused.

    More references than the writer had do no harm: what was not kept is stored as a whole.
    """
    from nuan_firmware.journal import Journal

    try:
        folders = os.listdir(_FOLDER)
    except OSError:
        folders = []
    if len(folders) != 1:
        raise Refused("%d journals are on flash, and no configuration says which" % len(folders))
    return Journal(
        _FOLDER + "/" + folders[0],
        keys,
        bytes.fromhex(folders[0]),
        node.clock,
        lambda: chip.random_bytes(EPOCH_BYTES),
        _SEGMENT_BYTES,
        _JOURNAL_BYTES_MAX,
        _REFERENCES,
        _REFERENCES_BYTES,
    )
