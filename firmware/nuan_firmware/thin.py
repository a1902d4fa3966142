"""Makes room in a full journal: of old entries nobody has taken, only day or month boundaries stay.

The oldest segment that isn't thinned is joined to the thinned one before it, if both fit into one
file, and what stays is written anew:

    of each meter's good exchanges   the first and the last of each local day (or month)
    of control decisions             the same, for each zone and mode
    of events                        those of people, configuration, time and update all; of
                                     others the first and the last of each code
    tombstones                       all

Where entries were left out, a jump carries the chain value behind them; the last block of a
thinned segment is a jump without records, to where the next segment begins. Tombstones follow from
the jumps when they are sent. The new file takes its name in one step, then the old ones go;
names_left() finishes that after a power cut. Loaded on demand, it borrows the buffers of writer and
reader.
"""

import os
from array import array
from binascii import crc32
from struct import unpack_from
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.references import PARTS_MAX
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    BODY_BYTES_MAX,
    HEADER_BYTES,
    JUMP,
    JUMP_BYTES,
    RECORD_BYTES_MAX,
    seal,
)
from nuan_firmware.shelf import NEW, SUFFIXES
from nuan_protocols.uplink import body as bodies
from nuan_protocols.uplink.entry import (
    HEAD_BYTES,
    KIND_CONTROL,
    KIND_EVENT,
    KIND_EXCHANGE,
)
from nuan_protocols.uplink.fields import uint

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from nuan_firmware.cursor import Cursor
    from nuan_firmware.journal import Journal

DAYS = const(1)
MONTHS = const(2)
# Full segments that stay as they are: the newest, a twelfth of all.
_FULL_MIN = const(2)
_FULL_SHARE = const(12)
_BITS_BYTES = const(512)
_DAY_S = const(86400)
# Keys of what is no exchange: slots this high are no meter's.
_SLOT_CONTROL = const(0xFF00)
_SLOT_EVENT = const(0xFE00)
_KEEP = const(-1)
_DROP = const(-2)
_EVENTS_SEEN = (
    bodies.EVENT_BOOT,
    bodies.EVENT_FAULT,
    bodies.EVENT_PANIC,
    bodies.EVENT_LINK,
    bodies.EVENT_STATISTICS,
)


def thin(journal: "Journal") -> bool:
    """Thin one segment; False when there is none left whose thinning helps.

    Everything journaled must be flushed. Costs the cursor nothing but time.
    """
    shelf = journal.shelf
    full = shelf.count - shelf.months - shelf.days
    if full > max(_FULL_MIN, shelf.count_max // _FULL_SHARE):
        level, at = DAYS, shelf.months + shelf.days
        joins = shelf.days > 0
    elif shelf.days > 1:
        level, at = MONTHS, shelf.months
        joins = at > 0
    else:
        return False
    cursor = journal.cursor
    seq = cursor.lost[0] if cursor.lost else cursor.seq
    try:
        done = (joins and _replace(journal, at - 1, at, level)) or _replace(journal, at, at, level)
    finally:
        _restore(journal, seq)
    return done


def _restore(journal: "Journal", seq: int) -> None:
    """Bring back the buffers of writer and reader, the reader at `seq`."""
    cursor = journal.cursor
    journal.fill = BLOCK_HEAD_BYTES
    journal.shelf.keep(0, 0, None)
    journal.references.reset()
    if journal.size:
        own = cursor.references
        cursor.references = journal.references
        cursor.open_segment(journal.shelf.count - 1)
        while cursor.entry() is not None:
            cursor.skip()
        cursor.references = own
    cursor.seek(seq)


def _replace(journal: "Journal", first: int, last: int, level: int) -> bool:
    """Write the segments first..last anew as one, if they fit."""
    shelf, cursor = journal.shelf, journal.cursor
    following = shelf.first(last + 1)
    if not cursor.open_segment(first):
        return False
    path = shelf.root + NEW
    try:
        keep = _choose(journal, following, day if level == DAYS else month)
        cursor.open_segment(first)
        header = bytes(shelf.header(shelf.first(first)) or b"")
        with open(path, "wb") as file:
            file.write(header)
            fits = Writer(journal, file).copy(keep, following)
    except (OSError, ValueError):
        # No room even for the little that stays, or damage: what is there remains.
        fits = False
    if not fits:
        _remove(path)
        return False
    _settle(journal, first, last, level)
    return True


def _settle(journal: "Journal", first: int, last: int, level: int) -> None:
    shelf = journal.shelf
    olds = [shelf.path(shelf.first(index)) for index in range(first, last + 1)]
    path = "%s/%08x%s" % (shelf.root, shelf.first(first), SUFFIXES[level])
    os.rename(shelf.root + NEW, path)
    for old in olds:
        if old != path:
            os.remove(old)
    number = shelf.first(first)
    for _ in range(first, last + 1):
        shelf.forget(first)
    for at in range(shelf.count, first, -1):
        shelf.firsts[at] = shelf.firsts[at - 1]
    shelf.firsts[first] = number
    shelf.count += 1
    if level == DAYS:
        shelf.days += 1
    else:
        shelf.months += 1


# -- what stays


def day(local_s: int) -> int:
    """The number of a local day, from 1970 on."""
    return local_s // _DAY_S


def month(local_s: int) -> int:
    """A number for the local month: months since March of the year 0."""
    days = local_s // _DAY_S + 719468
    era, days = days // 146097, days % 146097
    year = (days - days // 1460 + days // 36524 - days // 146096) // 365
    days -= 365 * year + year // 4 - year // 100
    return era * 4800 + year * 12 + (5 * days + 2) // 153


def _choose(journal: "Journal", following: int, period_of: "Callable[[int], int]") -> bytearray:
    """A bit for each entry from the cursor to the number `following`: whether it stays."""
    cursor, registry = journal.cursor, journal.references
    registry.reset()
    count = len(registry.keys)
    periods, lasts = array("H", bytes(2 * count)), array("H", bytes(2 * count))
    keep = bytearray(_BITS_BYTES)
    at = 0
    entry = cursor.entry()
    while entry is not None and cursor.seq < following and at < 8 * _BITS_BYTES:
        key = _key(cursor, entry)
        index = registry.place(key // PARTS_MAX, key % PARTS_MAX, 0) if key >= 0 else -1
        if index < 0:
            if key != _DROP:
                _set(keep, at)
        else:
            time = unpack_from(">I", entry, 22)[0] + (journal.utc_offset_s if entry[26] else 0)
            period = period_of(time) + 1
            if periods[index] != period:
                _set(keep, at)
                if periods[index]:
                    _set(keep, lasts[index])
                periods[index] = period
            lasts[index] = at
        at += 1
        cursor.skip()
        entry = cursor.entry()
    for index in range(count):
        if periods[index]:
            _set(keep, lasts[index])
    return keep


def _key(cursor: "Cursor", entry: memoryview) -> int:
    """What the entry is the first or the last of; _KEEP, _DROP."""
    kind = entry[1]
    body = entry[HEAD_BYTES:]
    if kind == KIND_EXCHANGE:
        if body[5] != bodies.RESULT_OK:
            return _DROP
        if cursor.reference >= 0:
            return int(cursor.references.keys[cursor.reference])
        # Kept nowhere, so its part isn't known: its question tells it apart.
        question = body[bodies.EXCHANGE_HEAD_BYTES :][: body[7] << 8 | body[8]]
        return int(uint(body, 1, 2) * PARTS_MAX + (crc32(question) & 0x7F | 0x80))
    if kind == KIND_CONTROL:
        return int((_SLOT_CONTROL + body[8]) * PARTS_MAX + body[0])
    if kind == KIND_EVENT and body[0] in _EVENTS_SEEN:
        return int((_SLOT_EVENT + body[0]) * PARTS_MAX)
    return _KEEP


def _set(bits: bytearray, at: int) -> None:
    bits[at >> 3] |= 1 << (at & 7)


# -- writing


class Writer:
    """Copies what stays from the journal's cursor into an open file behind its header."""

    def __init__(self, journal: "Journal", file: "BinaryIO") -> None:
        self._journal = journal
        self._file = file
        self._size = HEADER_BYTES
        self._seq = 0
        self._chain = journal.cursor.chain
        self._open = False
        self._jumps = False
        self._first = self._time = 0
        journal.references.reset()

    def copy(self, keep: bytearray, following: int) -> bool:
        """Copy up to the number `following`; False when it doesn't fit into a segment."""
        journal = self._journal
        cursor = journal.cursor
        limit = journal.segment_bytes
        at = 0
        entry = cursor.entry()
        while entry is not None and cursor.seq < following:
            stays = at >= 8 * _BITS_BYTES or keep[at >> 3] >> (at & 7) & 1
            if stays:
                self._put(entry)
                if self._size + journal.fill > limit:
                    return False
            at += 1
            cursor.advance()
            if stays:
                self._seq, self._chain = cursor.seq, cursor.chain
            entry = cursor.entry()
        self._end()
        self._begin(following, 0, jumps=True)
        self._end()
        return self._size <= limit + JUMP_BYTES

    def _put(self, entry: memoryview) -> None:
        journal = self._journal
        cursor = journal.cursor
        jumps = cursor.chain != self._chain
        time = unpack_from(">I", entry, 22)[0]
        room = BLOCK_BYTES_MAX - journal.fill + BODY_BYTES_MAX - RECORD_BYTES_MAX
        if jumps or cursor.seq != self._seq or not self._open or len(entry) - HEAD_BYTES > room:
            self._end()
            self._begin(cursor.seq, time, jumps)
        slot, part = 0, -1
        if cursor.reference >= 0:
            slot, part = divmod(cursor.references.keys[cursor.reference], PARTS_MAX)
        journal.encode(entry[1] - 1 | entry[26] << 4, entry[HEAD_BYTES:], time, slot, part)

    def _begin(self, seq: int, time: int, jumps: bool) -> None:
        journal = self._journal
        self._open, self._jumps, self._first, self._time = True, jumps, seq, time
        journal.begin_block(time, JUMP_BYTES if jumps else BLOCK_HEAD_BYTES)
        if jumps:
            journal.block[BLOCK_HEAD_BYTES:JUMP_BYTES] = journal.cursor.chain

    def _end(self) -> None:
        if not self._open:
            return
        journal = self._journal
        block, fill = journal.block, journal.fill
        seal(block, fill, self._first, self._time, JUMP if self._jumps else 0)
        self._file.write(block[:fill])
        self._size += fill
        self._open = False


# -- after a power cut


def names_left(root: str, names: "list[str]") -> "list[str]":
    """The folder's names after removing what a thinned segment has replaced already."""
    segments = sorted([(name[:8], -SUFFIXES.index(name[8:])) for name in names if _is_one(name)])
    left: "list[str]" = []
    covered = 0
    for number, level in segments:
        name = number + SUFFIXES[-level]
        if int(number, 16) < covered or (left and left[-1][:8] == number):
            os.remove(root + "/" + name)
            continue
        if level:
            covered = max(covered, _end_of(root + "/" + name))
        left.append(name)
    if NEW[1:] in names:
        os.remove(root + NEW)
    return left


def _is_one(name: str) -> bool:
    return len(name) == 12 and name[8:] in SUFFIXES


def _end_of(path: str) -> int:
    """Where the segment behind a thinned one begins; 0 when its end isn't sound."""
    end = bytearray(JUMP_BYTES)
    with open(path, "rb") as file:
        file.seek(max(0, os.stat(path)[6] - JUMP_BYTES))
        size = file.readinto(end)
    length, crc, seq = unpack_from(">HII", end, 0)
    sound = size == JUMP_BYTES and length == JUMP << 8 | JUMP_BYTES - 6 and crc == crc32(end[6:])
    return int(seq) if sound else 0


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        # It wasn't even begun.
        pass
