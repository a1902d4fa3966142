"""The node's journal: entries numbered, chained, coded as differences and flushed to flash.

Only what flush() has written is ever sent. Numbers are reserved on flash in blocks before they are
used; after a reboot a tombstone names those of the last block that were not. Everything here is
allocated when the journal is opened: a long-lived heap breaks into pieces too small for more.
"""

import os
from struct import pack_into
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.coder import Coder
from nuan_firmware.cursor import Cursor
from nuan_firmware.on_demand import unload
from nuan_firmware.references import References
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    BODY_BYTES_MAX,
    HEADER_BYTES,
    RECORD_BYTES_MAX,
    put_header,
    seal,
)
from nuan_firmware.shelf import NEW, Shelf
from nuan_protocols.uplink import body as bodies
from nuan_protocols.uplink.entry import (
    HEAD_BYTES,
    KIND_CONTROL,
    KIND_EVENT,
    KIND_EXCHANGE,
    KIND_TOMBSTONE,
    chain,
    digest,
    genesis,
    put_head,
)
from nuan_protocols.uplink.fields import uint

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.clock import Clock
    from nuan_protocols.uplink.batch import BatchBuilder
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

# Not in the errno module of a board.
_ENOSPC = const(28)
_RESERVE_COUNT = const(256)
# A block holds fewer entries than this, so no more numbers can be in use and not yet flushed.
UNFLUSHED_MAX = BLOCK_BYTES_MAX // 4
# Stays free for a new configuration, whatever else fills the flash.
_FREE_BYTES = const(49152)
# Days are local ones: China's, unless the configuration says otherwise.
UTC_OFFSET_S = const(28800)
# Segments thinned at one flush, each of which takes a board some seconds.
_THINNED_MAX = const(3)


class Journal(Coder):
    """Opens the journal in `root`, or starts one with the epoch that `draw_epoch` gives.

    `references` exchanges of `reference_bytes` in all are kept to code differences against.
    """

    def __init__(
        self,
        root: str,
        keys: "NodeKeys",
        node: bytes,
        clock: "Clock",
        draw_epoch: "Callable[[], bytes]",
        segment_bytes: int,
        max_bytes: int,
        references: int,
        reference_bytes: int,
    ) -> None:
        self.shelf = Shelf(root, node, max(2, max_bytes // segment_bytes - 2))
        from nuan_firmware.mend import arena

        references, reference_bytes = arena(root, references, reference_bytes)
        unload("mend")
        super().__init__(references, reference_bytes)
        self._keys = keys
        self._clock = clock
        self.utc_offset_s = UTC_OFFSET_S
        # littlefs keeps a pointer or two in each of a file's blocks: leave room for them.
        self.segment_bytes = segment_bytes - segment_bytes // 512
        self._header = bytearray(HEADER_BYTES)
        self._entry = bytearray(HEAD_BYTES + BODY_BYTES_MAX)
        self._view = memoryview(self._entry)
        self._block_seq = self._block_time = 0
        self._crowded = False
        self._doomed = 0
        self._stone: "tuple[int, int, int, bytes, bytes] | None" = None
        self._segment = self._size = self._limit = self._reserved = 0
        self.epoch = self.chain = b""
        self.seq = self.flushed = self.delivered = 0
        self.torn_bytes = self.removed = 0
        self._fault = ""
        self._failures = self._unkept = 0
        self._recover(draw_epoch)
        self.cursor.references = References(references, reference_bytes)
        if self.shelf.count:
            self.cursor.seek(self.delivered + 1)

    # -- writing

    def exchange(
        self,
        time: int,
        clock: int,
        bus: int,
        slot: int,
        part: int,
        config_version: int,
        result: int,
        tries: int,
        question: "Buffer",
        answer: "Buffer",
    ) -> None:
        """Journal one exchange with a meter; `part` tells its telegrams apart."""
        end = bodies.put_exchange(
            self._entry, HEAD_BYTES, bus, slot, config_version, result, tries, question, answer
        )
        # An answer that failed would displace the good one that the next is like.
        self._append(KIND_EXCHANGE, end, time, clock, slot, part if result == 0 else -1)

    def event(self, code: int, text: str) -> None:
        """Journal an event now."""
        end = bodies.put_event(self._entry, HEAD_BYTES, code, text)
        self._append(KIND_EVENT, end, self._clock.now(), self._clock.quality())

    def control(
        self,
        zone: int,
        requested_dc: int,
        applied_dc: int,
        measured_dc: "int | None",
        valve_pct: int,
        mode: int,
        reason: int,
    ) -> None:
        """Journal a decision of a zone's controller now."""
        end = bodies.put_control(
            self._entry,
            HEAD_BYTES,
            zone,
            requested_dc,
            applied_dc,
            measured_dc,
            valve_pct,
            mode,
            reason,
        )
        self._append(KIND_CONTROL, end, self._clock.now(), self._clock.quality())

    def tombstone(self, first: int, last: int, reason: int, after: "Buffer") -> None:
        """Journal that first..last have no entry; `after` is the chain value after `last`."""
        end = bodies.put_tombstone(self._entry, HEAD_BYTES, first, last, reason, after)
        self._append(KIND_TOMBSTONE, end, self._clock.now(), self._clock.quality())

    def flush(self) -> bool:
        """Put everything journaled so far on flash; False when there was nothing to do."""
        if not self._write():
            return False
        if self._crowded:
            self._make_room()
        if self._fault:
            text = "journal: %d failures of flash, %d entries not kept: %s"
            text %= self._failures, self._unkept, self._fault
            self._fault = ""
            self._failures = self._unkept = 0
            self.event(bodies.EVENT_FAULT, text)
        return True

    def _append(
        self, kind: int, end: int, time: int, clock: int, slot: int = 0, part: int = -1
    ) -> None:
        room = BODY_BYTES_MAX - RECORD_BYTES_MAX + HEAD_BYTES - end
        if self.fill - room > self._limit:
            self._write()
        if self.fill - room > self._limit or not self._reserve():
            # Flash takes nothing and memory is full. It gets no number, so none will be missing.
            self._unkept += 1
            return
        seq = self.seq
        if self.fill == BLOCK_HEAD_BYTES:
            self.shelf.keep(0, 0, None)
            self._block_seq = seq
            self._block_time = time
            self.begin_block(time, BLOCK_HEAD_BYTES)
        self._entry[1] = kind
        pack_into(">IIB", self._entry, 18, seq, time, clock)
        self.encode(kind - 1 | clock << 4, self._view[HEAD_BYTES:end], time, slot, part)
        salt = self._keys.salt(self.epoch, seq)
        self.chain = chain(self.chain, digest(salt, self._view[:end]))
        self.seq = seq + 1
        if self._crowded and self.shelf.count > self.shelf.count_max + 1:
            # Flushing is too far away: this can't wait for thinning.
            self._drop_oldest()

    def _reserve(self) -> bool:
        """Whether the next number may be used."""
        last = self.seq + _RESERVE_COUNT - 1
        if self.seq > self._reserved:
            try:
                self.shelf.write_mark(self.epoch, last, self.delivered)
            except OSError as problem:
                self._fault = repr(problem)
                self._failures += 1
                return False
            self._reserved = last
        return True

    def _write(self) -> bool:
        if self.fill == BLOCK_HEAD_BYTES:
            return False
        seal(self.block, self.fill, self._block_seq, self._block_time)
        try:
            try:
                self._put()
            except OSError as problem:
                if problem.errno != _ENOSPC or self.shelf.count < 2:
                    raise
                # Others have filled the flash: what is told by the numbers is named when it's sent.
                self.shelf.remove_oldest()
                self._put()
            self._settle()
        except OSError as problem:
            # The block stays in memory, and is written with the next flush.
            self._fault = repr(problem)
            self._failures += 1
            return False
        return True

    def _put(self) -> None:
        path = self.shelf.path(self._segment)
        if self._fault:
            from nuan_firmware.mend import is_written

            done = is_written(path, self.shelf.root + NEW, self._size, self.block[: self.fill])
            unload("mend")
            if done:
                return
        with open(path, "ab") as file:
            if not self._size:
                file.write(self._header)
            file.write(self.block[: self.fill])

    def _settle(self) -> None:
        if not self._size:
            self.shelf.add(self._segment)
            self._size = HEADER_BYTES
        self.shelf.keep(self._segment, self._size, self.block[: self.fill])
        self._size += self.fill
        self.fill = BLOCK_HEAD_BYTES
        self.flushed = self.seq - 1
        if self._size + BLOCK_HEAD_BYTES + RECORD_BYTES_MAX > self.segment_bytes:
            self._roll()
        self._set_limit()
        while self.shelf.first(0) < self._doomed:
            self.shelf.remove_oldest()

    def _set_limit(self) -> None:
        self._limit = min(BLOCK_BYTES_MAX, self.segment_bytes - max(HEADER_BYTES, self._size))

    # -- room

    def _roll(self) -> None:
        self._size = 0
        self._segment = self.seq
        self.references.reset()
        put_header(self._header, self.shelf.node, self.epoch, self.seq, self.chain)
        self._crowded = self._is_crowded()

    def _is_crowded(self) -> bool:
        shelf = self.shelf
        return shelf.count >= shelf.count_max or (
            shelf.count > 1 and free_bytes(shelf.root) < self.segment_bytes + _FREE_BYTES
        )

    def _make_room(self) -> None:
        try:
            self._thin()
        except (OSError, ValueError, MemoryError) as problem:
            self._fault = repr(problem)
            self._failures += 1
            # What the buffers hold may not be this segment's any more.
            if self._size:
                self._roll()
                self._set_limit()
        if self._crowded and self.shelf.count >= self.shelf.count_max:
            self._drop_oldest()

    def _thin(self) -> None:
        shelf = self.shelf
        self._crowded = True
        for _ in range(_THINNED_MAX):
            if shelf.first(1) <= self.delivered + 1:
                shelf.remove_oldest()
            else:
                from nuan_firmware.thin import thin

                done = thin(self)
                unload("thin")
                if not done:
                    self._drop_oldest()
                    return
            self._crowded = self._is_crowded()
            if not self._crowded:
                return

    def restore(self, seq: int) -> None:
        """After thinning: bring back the buffers of writer and reader, the reader at `seq`."""
        cursor = self.cursor
        self.fill = BLOCK_HEAD_BYTES
        self.shelf.keep(0, 0, None)
        self.references.reset()
        if self._size:
            own = cursor.references
            cursor.references = self.references
            cursor.open_segment(self.shelf.count - 1)
            while cursor.entry() is not None:
                cursor.skip()
            cursor.references = own
        cursor.seek(seq)

    def _drop_oldest(self) -> None:
        self._crowded = False
        shelf = self.shelf
        index = 1
        header = shelf.header(shelf.first(index))
        while header is None and index < shelf.count - 1:
            index += 1
            header = shelf.header(shelf.first(index))
        last = shelf.first(index) - 1
        if last <= self.delivered:
            shelf.remove_oldest()
        elif header is not None:
            # Whatever was dropped before and its tombstones are named again by this one.
            after = bytes(header[24:56])
            self._doomed = last + 1
            self.tombstone(self.delivered + 1, last, bodies.TOMBSTONE_DROPPED, after)

    # -- what the gateway has

    def oldest(self) -> int:
        """The oldest number held, 0 when nothing is flushed."""
        return self.shelf.first(0) if self.shelf.count else 0

    def acknowledge(self, seq: int) -> None:
        """The gateway has everything up to `seq`; less than before after it was restored."""
        self.delivered = min(seq, self.flushed)

    def rewind(self, seq: int) -> None:
        """Go back to `seq` for sending again, as far as it is held."""
        cursor = self.cursor
        cursor.seek(seq)
        entry = cursor.entry()
        lost = cursor.lost
        if lost and entry is not None and entry[1] == KIND_TOMBSTONE:
            # Numbers that were only reserved are named by the entry at hand itself.
            first, last = uint(entry, HEAD_BYTES, 4), uint(entry, HEAD_BYTES + 4, 4)
            if first <= lost[0] and lost[1] <= last:
                cursor.lost = None

    def next_batch(self, builder: "BatchBuilder", nonce: "Buffer") -> bool:
        """Begin a batch and fill it with what follows on flash; False when there is nothing.

        What is missing there is named first, by a tombstone in a batch of its own.
        """
        cursor = self.cursor
        entry = cursor.entry() if cursor.seq <= self.flushed else None
        if entry is None:
            return False
        if cursor.lost and cursor.lost[1] > self.delivered:
            seq, before, stone = self._named(cursor.lost)
            if seq > self.flushed:
                return False
            cursor.lost = None
            builder.begin(nonce, seq, before)
            return builder.add(stone)
        cursor.lost = None
        builder.begin(nonce, cursor.seq, cursor.chain)
        following = cursor.seq
        # A jump in the numbers starts a new batch.
        while entry is not None and cursor.seq == following and builder.add(entry):
            cursor.advance()
            following += 1
            entry = cursor.entry()
        return True

    def name_losses(self) -> None:
        """Journal a tombstone for what is missing before the cursor's entry."""
        lost = self.cursor.lost
        self.cursor.lost = None
        if lost and lost[1] > self.delivered:
            self._named(lost)

    def _named(self, lost: "tuple[int, int, bytes]") -> "tuple[int, bytes, bytes]":
        """(number, chain value before it, canonical bytes) of the tombstone for what was lost."""
        first, last, after = lost
        first = max(first, self.delivered + 1)
        stone = self._stone
        # A connection that breaks here again and again makes no new ones.
        if stone is None or stone[:2] != (first, last):
            self._write()
            crowded, self._crowded = self._crowded, False
            seq, before = self.seq, self.chain
            self.tombstone(first, last, bodies.TOMBSTONE_DROPPED, after)
            self._crowded = crowded
            if self.seq == seq:
                # Flash takes nothing: it wasn't journaled.
                return seq, before, b""
            end = HEAD_BYTES + bodies.TOMBSTONE_BYTES
            stone = self._stone = (first, last, seq, before, bytes(self._view[:end]))
        if stone[2] > self.flushed:
            self._write()
        return stone[2:]

    # -- boot

    def _recover(self, draw_epoch: "Callable[[], bytes]") -> None:
        shelf = self.shelf
        mark = shelf.read_mark()
        header = None
        while shelf.count and header is None:
            header = shelf.header(shelf.first(shelf.count - 1))
            # An empty file was being made when the power went: nothing was flushed to it.
            if header is None and shelf.remove_newest():
                self.removed += 1
        if header is not None:
            self.epoch = bytes(header[12:20])
        elif mark and not mark[2] and not self.removed:
            self.epoch = mark[0]
        else:
            self.epoch = draw_epoch()
            mark = None
        self.cursor = Cursor(shelf, self._keys, self.epoch, self.references)
        self.chain = genesis(shelf.node, self.epoch)
        if shelf.count:
            self._scan_newest()
            self._reserved = self.flushed + _RESERVE_COUNT + UNFLUSHED_MAX
        if mark and mark[0] == self.epoch:
            self._reserved = max(mark[1], self.flushed)
            self.delivered = min(mark[2], self.flushed)
        put_head(self._entry, 1, shelf.node, self.epoch, 1, 0, 0)
        self.seq = self._reserved + 1
        if not self._size:
            self._roll()
        self._set_limit()
        if self._reserved > self.flushed:
            first, last = self.flushed + 1, self._reserved
            self.tombstone(first, last, bodies.TOMBSTONE_RESERVED, self.chain)

    def _scan_newest(self) -> None:
        cursor = self.cursor
        self._segment = self.shelf.first(self.shelf.count - 1)
        cursor.open_segment(self.shelf.count - 1)
        while cursor.entry() is not None:
            cursor.advance()
        self.chain = cursor.chain
        self.flushed = cursor.seq - 1
        file_bytes = os.stat(self.shelf.path(self._segment))[6]
        self.torn_bytes = file_bytes - cursor.offset
        room = self.segment_bytes - file_bytes - BLOCK_HEAD_BYTES - RECORD_BYTES_MAX
        # Behind a torn block nothing can be read: go on in a new segment.
        self._size = 0 if self.torn_bytes or room < 0 else file_bytes


def free_bytes(path: str) -> int:
    """Free bytes of the file system that holds `path`; 0 when it doesn't tell."""
    try:
        stat = os.statvfs(path)
    except OSError:
        return 0
    return int(stat[0]) * int(stat[3])
