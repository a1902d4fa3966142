"""What a journal seldom does: makes room, gives up, names what is missing. Loaded on demand."""

import os
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.on_demand import unload
from nuan_firmware.segment import BLOCK_HEAD_BYTES
from nuan_protocols.uplink import body as bodies
from nuan_protocols.uplink.entry import HEAD_BYTES

if TYPE_CHECKING:
    from nuan_firmware.journal import Journal

# Segments thinned at one flush, each of which takes a board some seconds.
_THINNED_MAX = const(3)


def make_room(journal: "Journal") -> None:
    """Have room for another segment, by what costs least. Everything journaled must be flushed."""
    try:
        _thin(journal)
    except (OSError, ValueError, MemoryError) as problem:
        journal.failed(problem)
        # What the buffers hold may not be this segment's any more.
        if journal.size:
            journal.roll()
            journal.set_limit()
            journal.crowded = journal.is_crowded()
    if journal.crowded and journal.shelf.count >= journal.shelf.count_max:
        drop_oldest(journal)


def _thin(journal: "Journal") -> None:
    shelf = journal.shelf
    journal.crowded = True
    for _ in range(_THINNED_MAX):
        if shelf.first(1) <= journal.delivered + 1:
            shelf.remove_oldest()
        else:
            from nuan_firmware.thin import thin

            done = thin(journal)
            unload("thin")
            if not done:
                drop_oldest(journal)
                return
        journal.crowded = journal.is_crowded()
        if not journal.crowded:
            return


def drop_oldest(journal: "Journal") -> None:
    """Remove the oldest segment: at once if delivered, else once its tombstone is flushed."""
    journal.crowded = False
    shelf = journal.shelf
    index = 1
    header = shelf.header(shelf.first(index))
    while header is None and index < shelf.count - 1:
        index += 1
        header = shelf.header(shelf.first(index))
    last = shelf.first(index) - 1
    if last <= journal.delivered:
        shelf.remove_oldest()
    elif header is not None:
        # Whatever was dropped before and its tombstones are named again by this one.
        after = bytes(header[24:56])
        journal.doomed = last + 1
        journal.tombstone(journal.delivered + 1, last, bodies.TOMBSTONE_DROPPED, after)


def abandon(journal: "Journal") -> None:
    """Give up what isn't flushed; its numbers are named when they would be sent."""
    shelf = journal.shelf
    journal.unkept += journal.seq - 1 - journal.flushed
    if not shelf.count or shelf.first(shelf.count - 1) != journal.segment:
        try:
            os.remove(shelf.path(journal.segment))
        except OSError:
            # Empty or whole, it harms nobody.
            pass
    journal.fill = BLOCK_HEAD_BYTES
    shelf.keep(0, 0, None)
    journal.roll()
    journal.set_limit()


def named(journal: "Journal", lost: "tuple[int, int, bytes]") -> "tuple[int, bytes, bytes]":
    """(number, chain value before it, canonical bytes) of the tombstone for what was lost.

    It is made and flushed if it isn't the last one that was; b"" when flash takes nothing.
    """
    first, last, after = lost
    first = max(first, journal.delivered + 1)
    stone = journal.stone
    # A connection that breaks here again and again makes no new ones.
    if stone is None or stone[:2] != (first, last):
        journal.write(closes=True)
        crowded, journal.crowded = journal.crowded, False
        seq, before = journal.seq, journal.chain
        journal.tombstone(first, last, bodies.TOMBSTONE_DROPPED, after)
        journal.crowded = crowded
        if journal.seq == seq:
            # Flash takes nothing: it wasn't journaled.
            return seq, before, b""
        stone = (
            first,
            last,
            seq,
            before,
            bytes(journal.view[: HEAD_BYTES + bodies.TOMBSTONE_BYTES]),
        )
        journal.stone = stone
    if stone[2] > journal.flushed:
        journal.write(closes=True)
    return stone[2:]


def name_losses(journal: "Journal") -> None:
    """Journal a tombstone for what is missing before the cursor's entry."""
    lost = journal.cursor.lost
    journal.cursor.lost = None
    if lost and lost[1] > journal.delivered:
        named(journal, lost)
