"""Where a journal goes on after a boot: what its folder holds. Loaded on demand, once a boot."""

import os
from binascii import crc32
from struct import pack, unpack, unpack_from
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.cursor import Cursor
from nuan_firmware.on_demand import unload
from nuan_firmware.references import ARENA_BYTES_MAX
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    RECORD_BYTES_MAX,
    RESERVE_COUNT,
)
from nuan_firmware.shelf import MARK_BYTES, MARK_MAGIC, NEW, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.references import References
    from nuan_firmware.shelf import Shelf
    from nuan_protocols.uplink.keys import NodeKeys

# Numbers that can be in use and not yet flushed: a cycle closes its segment at the first block
# after as many as are reserved at once, and no block holds more entries than this.
UNFLUSHED_MAX = RESERVE_COUNT + BLOCK_BYTES_MAX // 4

_NAME_CHARS = const(12)


class Found:
    """What a journal goes on from: `numbers` are (flushed, delivered, reserved).

    `segment` and `size`: the newest file to append to; a size of 0 begins a new one.
    """

    def __init__(self, cursor: Cursor, epoch: bytes) -> None:
        self.cursor = cursor
        self.epoch = epoch
        self.chain = cursor.chain
        self.segment = self.size = 0
        self.torn_bytes = self.removed = 0
        self.numbers: "tuple[int, int, int]" = (0, 0, 0)


def recover(
    shelf: "Shelf",
    keys: "NodeKeys",
    references: "References",
    segment_bytes: int,
    draw_epoch: "Callable[[], bytes]",
) -> Found:
    """Read mark and newest segment, whose exchanges are in `references` afterwards.

    A folder without either begins the epoch that `draw_epoch` gives.
    """
    mark = _read_mark(shelf)
    header = None
    removed = 0
    while shelf.count and header is None:
        header = shelf.header(shelf.first(shelf.count - 1))
        # An empty file was being made when the power went: nothing was flushed to it.
        if header is None and _remove_newest(shelf):
            removed += 1
    if header is not None:
        epoch = bytes(header[12:20])
    elif mark and not mark[2] and not removed:
        epoch = mark[0]
    else:
        epoch = draw_epoch()
        mark = None
    found = Found(Cursor(shelf, keys, epoch, references), epoch)
    found.removed = removed
    flushed = delivered = reserved = 0
    if shelf.count:
        flushed = _scan_newest(found, shelf, segment_bytes)
        reserved = flushed + RESERVE_COUNT + UNFLUSHED_MAX
    if mark and mark[0] == epoch:
        reserved = max(mark[1], flushed)
        delivered = min(mark[2], flushed)
    found.numbers = flushed, delivered, reserved
    return found


def _scan_newest(found: Found, shelf: "Shelf", segment_bytes: int) -> int:
    cursor = found.cursor
    found.segment = shelf.first(shelf.count - 1)
    cursor.open_segment(shelf.count - 1)
    while cursor.entry() is not None:
        cursor.advance()
    found.chain = cursor.chain
    file_bytes = os.stat(shelf.path(found.segment))[6]
    found.torn_bytes = file_bytes - cursor.offset
    room = segment_bytes - file_bytes - BLOCK_HEAD_BYTES - RECORD_BYTES_MAX
    # Behind a torn block nothing can be read: go on in a new segment.
    found.size = 0 if found.torn_bytes or room < 0 else file_bytes
    return cursor.seq - 1


def _read_mark(shelf: "Shelf") -> "tuple[bytes, int, int] | None":
    """(epoch, reserved, delivered), or None without a sound mark."""
    mark = memoryview(shelf.mark)
    try:
        with open(shelf.root + "/mark", "rb") as file:
            size = file.readinto(mark)
    except OSError:
        return None
    reserved, delivered, crc = unpack_from(">III", mark, 12)
    if size != MARK_BYTES or mark[:4] != MARK_MAGIC or crc != crc32(mark[:20]):
        return None
    return bytes(mark[4:12]), reserved, delivered


def _remove_newest(shelf: "Shelf") -> int:
    """Delete the newest segment from flash, whose header isn't sound; the size it had."""
    path = shelf.path(shelf.first(shelf.count - 1))
    size = os.stat(path)[6]
    os.remove(path)
    shelf.forget(shelf.count - 1)
    return int(size)


def arena(root: str, count: int, size: int) -> "tuple[int, int]":
    """How many exchanges of how many bytes to keep: what is wanted, or more if it ever was more.

    Segments written with more can't be read with less, as after a change of configuration. What was
    the most stands in the file `arena`: u16 count | u16 bytes.
    """
    path = root + "/arena"
    before = 0, 0
    try:
        with open(path, "rb") as file:
            data = file.read(5)
    except OSError:
        data = b""
    if len(data) == 4:
        before = unpack(">HH", data)
    most = max(count, before[0]), max(size, before[1])
    if most != before:
        with open(path, "wb") as file:
            file.write(pack(">HH", *most))
    return most


def wish(root: str, references: "References") -> None:
    """Have the next boot keep exchanges as long as the one that there was no room for."""
    try:
        arena(root, 0, min(ARENA_BYTES_MAX, len(references.keys) * references.missed))
    except OSError:
        # The next segment's start tries again.
        pass


def segments(root: str) -> "list[tuple[int, int]]":
    """(first number, level of thinning) of the segments on flash, in order."""
    names = [item[0] for item in os.ilistdir(root)]
    if NEW[1:] in names or [name for name in names if name[8:] in SUFFIXES[1:]]:
        from nuan_firmware.thin import names_left

        names = names_left(root, names)
        unload("thin")
    found = [
        (int(name[:8], 16), SUFFIXES.index(name[8:]))
        for name in names
        if len(name) == _NAME_CHARS and name[8:] in SUFFIXES
    ]
    return sorted(found)


def make_folder(path: str) -> None:
    """Make a folder and those it lies in, as far as they are missing."""
    at = path.find("/", 1)
    while at >= 0:
        _make_one(path[:at])
        at = path.find("/", at + 1)
    _make_one(path)


def _make_one(path: str) -> None:
    try:
        os.mkdir(path)
    except OSError:
        os.stat(path)
