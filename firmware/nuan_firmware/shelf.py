"""The journal's folder on flash: its segments in order, and its mark.

    <first seq, 8 hex digits>.seg    one segment (segment.py)
    <first seq, 8 hex digits>.day    one or more, thinned to the boundaries of days (thin.py)
    <first seq, 8 hex digits>.mon    the same, of months; months first, then days, then others
    arena                            what the segments were written with (mend.py)
    new                              a thinned segment being made
    mark                             "nuM1" | epoch[8] | u32 reserved | u32 delivered | u32 crc

`reserved` is the highest number that may have been used, written before any number up to it is.
`delivered` is a late copy of what the gateway has acknowledged. Closing a file is littlefs's
commit: a power cut leaves the old mark or the new one.
"""

import os
from array import array
from binascii import crc32
from struct import pack_into
from typing import TYPE_CHECKING

from nuan_firmware.segment import BLOCK_HEAD_BYTES, HEADER_BYTES, header_seq

if TYPE_CHECKING:
    from typing import BinaryIO

MARK_MAGIC = b"nuM1"
MARK_BYTES = 24
SUFFIXES = (".seg", ".day", ".mon")
NEW = "/new"


class Shelf:
    """At most `count_max` segments of one node in the folder `root`, which is made if missing.

    The oldest `months` and then `days` of them are thinned.
    """

    def __init__(self, root: str, node: bytes, count_max: int) -> None:
        self.root = root
        self.node = node
        self.count_max = count_max
        self.count = self.days = self.months = 0
        self.firsts = array("I", bytes(4 * (count_max + 4)))
        self._header = bytearray(HEADER_BYTES)
        self.mark = bytearray(MARK_BYTES)
        self._fresh: "memoryview | None" = None
        self._fresh_first = self._fresh_offset = 0
        from nuan_firmware.recover import make_folder, segments

        make_folder(root)
        for first, level in segments(root):
            # More than fit can only be there when the limit was lowered: the oldest go.
            if self.count > count_max:
                self.remove_oldest()
            self.firsts[self.count] = first
            self.count += 1
            self.months += level == 2
            self.days += level == 1

    def first(self, index: int) -> int:
        """First number of the segment `index`, 0 being the oldest."""
        return int(self.firsts[index])

    def index(self, seq: int) -> int:
        """The segment that holds `seq` or would; 0 when it is older than all, -1 without any."""
        low, high = 0, self.count
        while high - low > 1:
            middle = (low + high) >> 1
            if self.firsts[middle] > seq:
                high = middle
            else:
                low = middle
        return low if high else -1

    def path(self, first: int) -> str:
        """Path of the segment that begins with the number `first`."""
        index = self.index(first)
        level = 0
        if index >= 0 and self.firsts[index] == first:
            level = (index < self.months) + (index < self.months + self.days)
        return "%s/%08x%s" % (self.root, first, SUFFIXES[level])

    def add(self, first: int) -> None:
        """Note a new newest segment."""
        self.firsts[self.count] = first
        self.count += 1

    def remove_oldest(self) -> None:
        """Delete the oldest segment from flash."""
        os.remove(self.path(self.first(0)))
        self.forget(0)

    def forget(self, index: int) -> None:
        """Close the gap that a segment leaves which is no longer on flash."""
        if index < self.months:
            self.months -= 1
        elif index < self.months + self.days:
            self.days -= 1
        self.count -= 1
        for at in range(index, self.count):
            self.firsts[at] = self.firsts[at + 1]

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
                end = min(((block[0] & 0x7F) << 8 | block[1]) + 6, len(block))
                if end > size:
                    size += file.readinto(block[size:end])
        return int(size)

    def write_mark(self, epoch: bytes, reserved: int, delivered: int) -> None:
        """Put the mark down; it is on flash when this returns."""
        mark = memoryview(self.mark)
        mark[0:4] = MARK_MAGIC
        mark[4:12] = epoch
        pack_into(">II", mark, 12, reserved, delivered)
        pack_into(">I", mark, 20, crc32(mark[:20]))
        with open(self.root + "/mark", "wb") as file:
            file.write(mark)
