"""The journal's folder on flash: its segments in order, and its mark.

    <first seq, 8 hex digits>.seg    one segment (segment.py)
    mark                             "nuM1" | epoch[8] | u32 reserved | u32 delivered | u32 crc

`reserved` is the highest number that may have been used, written before any number up to it is.
`delivered` is a late copy of what the gateway has acknowledged. Closing a file is littlefs's
commit: a power cut leaves the old mark or the new one.
"""

import os
from array import array
from binascii import crc32
from struct import pack_into, unpack_from
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.segment import BLOCK_HEAD_BYTES, HEADER_BYTES, header_seq

if TYPE_CHECKING:
    from typing import BinaryIO

MARK_MAGIC = b"nuM1"
_MARK_BYTES = const(24)
_SUFFIX = ".seg"
_NAME_CHARS = const(12)


class Shelf:
    """At most `count_max` segments of one node in the folder `root`, which is made if missing."""

    def __init__(self, root: str, node: bytes, count_max: int) -> None:
        self.root = root
        self.node = node
        self.count_max = count_max
        self.count = 0
        self._firsts = array("I", bytes(4 * (count_max + 2)))
        self._header = bytearray(HEADER_BYTES)
        self._mark = bytearray(_MARK_BYTES)
        self._fresh: "memoryview | None" = None
        self._fresh_first = self._fresh_offset = 0
        _make_folder(root)
        for first in sorted(_firsts(root)):
            # More than fit can only be there when the limit was lowered: the oldest go.
            if self.count > count_max:
                self.remove_oldest()
            self._firsts[self.count] = first
            self.count += 1

    def first(self, index: int) -> int:
        """First number of the segment `index`, 0 being the oldest."""
        return int(self._firsts[index])

    def index(self, seq: int) -> int:
        """The segment that holds `seq` or would; 0 when it is older than all, -1 without any."""
        index = self.count - 1
        while index > 0 and self._firsts[index] > seq:
            index -= 1
        return index

    def path(self, first: int) -> str:
        """Path of the segment that begins with the number `first`."""
        return "%s/%08x%s" % (self.root, first, _SUFFIX)

    def add(self, first: int) -> None:
        """Note a new newest segment."""
        self._firsts[self.count] = first
        self.count += 1

    def remove_oldest(self) -> None:
        """Delete the oldest segment from flash."""
        os.remove(self.path(self.first(0)))
        for index in range(1, self.count):
            self._firsts[index - 1] = self._firsts[index]
        self.count -= 1

    def remove_newest(self) -> int:
        """Delete the newest segment from flash, whose header isn't sound; the size it had."""
        self.count -= 1
        path = self.path(self.first(self.count))
        size = os.stat(path)[6]
        os.remove(path)
        return int(size)

    def header(self, first: int) -> "bytearray | None":
        """Header of a segment, valid until the next call; None when it isn't sound."""
        with open(self.path(first), "rb") as file:
            return self.header_of(file, first)

    def header_of(self, file: "BinaryIO", first: int) -> "bytearray | None":
        """Read the header at the start of an open segment; None when it isn't sound."""
        size = file.readinto(self._header)
        if size != HEADER_BYTES or header_seq(self._header, self.node) != first:
            return None
        return self._header

    def keep(self, first: int, offset: int, block: "memoryview | None") -> None:
        """Note what was just written at `offset` of a segment; None: it is no longer in memory."""
        self._fresh = block
        self._fresh_first = first
        self._fresh_offset = offset

    def read_block(self, first: int, offset: int, block: memoryview) -> int:
        """Read what stands at `offset` of a segment into `block`; the number of bytes read."""
        fresh = self._fresh
        if fresh is not None and first == self._fresh_first and offset == self._fresh_offset:
            # Usually what is sent next: flash needn't be asked.
            block[: len(fresh)] = fresh
            return len(fresh)
        with open(self.path(first), "rb") as file:
            file.seek(offset)
            size = file.readinto(block[:BLOCK_HEAD_BYTES])
            if size == BLOCK_HEAD_BYTES:
                end = min((block[0] << 8 | block[1]) + 6, len(block))
                if end > size:
                    size += file.readinto(block[size:end])
        return int(size)

    def write_mark(self, epoch: bytes, reserved: int, delivered: int) -> None:
        """Put the mark down; it is on flash when this returns."""
        mark = memoryview(self._mark)
        mark[0:4] = MARK_MAGIC
        mark[4:12] = epoch
        pack_into(">II", mark, 12, reserved, delivered)
        pack_into(">I", mark, 20, crc32(mark[:20]))
        with open(self.root + "/mark", "wb") as file:
            file.write(mark)

    def read_mark(self) -> "tuple[bytes, int, int] | None":
        """(epoch, reserved, delivered), or None without a sound mark."""
        mark = memoryview(self._mark)
        try:
            with open(self.root + "/mark", "rb") as file:
                size = file.readinto(mark)
        except OSError:
            return None
        reserved, delivered, crc = unpack_from(">III", mark, 12)
        if size != _MARK_BYTES or mark[:4] != MARK_MAGIC or crc != crc32(mark[:20]):
            return None
        return bytes(mark[4:12]), reserved, delivered


def _firsts(root: str) -> "list[int]":
    names = [item[0] for item in os.ilistdir(root)]
    return [int(n[:8], 16) for n in names if n.endswith(_SUFFIX) and len(n) == _NAME_CHARS]


def _make_folder(path: str) -> None:
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
