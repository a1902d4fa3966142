"""The node's journal: entries numbered, chained, coded as differences and flushed to flash.

Only what flush() has written is ever sent. Blocks that don't fit into memory until then go to the
segment's file, which stays open: each closing costs littlefs a copy of the last block, and only
closing puts them there for good. Numbers are reserved on flash in blocks before they are used;
after a reboot a tombstone names those of the last block that were not. Everything here is allocated
when the journal is opened: a long-lived heap breaks into pieces too small for more.
"""

import os
from struct import pack_into
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.coder import Coder
from nuan_firmware.on_demand import unload
from nuan_firmware.references import References
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    BODY_BYTES_MAX,
    HEADER_BYTES,
    RECORD_BYTES_MAX,
    RESERVE_COUNT,
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
    put_head,
)
from nuan_protocols.uplink.fields import uint

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from nuan_firmware.clock import Clock
    from nuan_protocols.uplink.batch import BatchBuilder
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

# Not in the errno module of a board.
_ENOSPC = const(28)
# Stays free for a new configuration, whatever else fills the flash.
_FREE_BYTES = const(49152)
# Days are local ones: China's, unless the configuration says otherwise.
UTC_OFFSET_S = const(28800)


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
        from nuan_firmware.recover import arena, recover

        references, reference_bytes = arena(root, references, reference_bytes)
        super().__init__(references, reference_bytes)
        self._keys = keys
        self._clock = clock
        self.utc_offset_s = UTC_OFFSET_S
        # littlefs keeps a pointer or two in each of a file's blocks: leave room for them.
        self.segment_bytes = segment_bytes - segment_bytes // 512
        self._header = bytearray(HEADER_BYTES)
        self._entry = bytearray(HEAD_BYTES + BODY_BYTES_MAX)
        self.view = memoryview(self._entry)
        self._block_seq = self._block_time = 0
        self.crowded = False
        self.doomed = 0
        self.stone: "tuple[int, int, int, bytes, bytes] | None" = None
        self._fault = ""
        self._failures = self.unkept = 0
        # The newest segment while blocks wait in it for its closing.
        self._file: "BinaryIO | None" = None
        found = recover(self.shelf, keys, self.references, self.segment_bytes, draw_epoch)
        unload("recover")
        self.cursor = found.cursor
        self.epoch, self.chain = found.epoch, found.chain
        self.flushed, self.delivered, self._reserved = found.numbers
        self.torn_bytes, self.removed = found.torn_bytes, found.removed
        self.segment, self.size = found.segment, found.size
        self.seq = self._reserved + 1
        put_head(self._entry, 1, node, self.epoch, 1, 0, 0)
        if not self.size:
            self.roll()
            self.crowded = self.is_crowded()
        self.set_limit()
        if self._reserved > self.flushed:
            first, last = self.flushed + 1, self._reserved
            self.tombstone(first, last, bodies.TOMBSTONE_RESERVED, self.chain)
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
        if not self.write(closes=True):
            return False
        if self.crowded:
            from nuan_firmware.room import make_room

            make_room(self)
            unload("room")
        if self._fault:
            text = "journal: %d failures of flash, %d entries not kept: %s"
            text %= self._failures, self.unkept, self._fault
            self._fault = ""
            self._failures = self.unkept = 0
            self.event(bodies.EVENT_FAULT, text)
        return True

    def _append(
        self, kind: int, end: int, time: int, clock: int, slot: int = 0, part: int = -1
    ) -> None:
        room = BODY_BYTES_MAX - RECORD_BYTES_MAX + HEAD_BYTES - end
        if self.fill - room > self._limit:
            self.write(closes=self.seq - self.flushed > RESERVE_COUNT)
        if self.fill - room > self._limit or not self._reserve():
            # Flash takes nothing and memory is full. It gets no number, so none will be missing.
            self.unkept += 1
            return
        seq = self.seq
        if self.fill == BLOCK_HEAD_BYTES:
            self.shelf.keep(0, 0, None)
            self._block_seq = seq
            self._block_time = time
            self.begin_block(time, BLOCK_HEAD_BYTES)
        self._entry[1] = kind
        pack_into(">IIB", self._entry, 18, seq, time, clock)
        self.encode(kind - 1 | clock << 4, self.view[HEAD_BYTES:end], time, slot, part)
        salt = self._keys.salt(self.epoch, seq)
        self.chain = chain(self.chain, digest(salt, self.view[:end]))
        self.seq = seq + 1
        if self.crowded and self.shelf.count > self.shelf.count_max + 1:
            # Flushing is too far away: this can't wait for thinning.
            from nuan_firmware.room import drop_oldest

            drop_oldest(self)
            unload("room")

    def _reserve(self) -> bool:
        """Whether the next number may be used."""
        last = self.seq + RESERVE_COUNT - 1
        if self.seq > self._reserved:
            try:
                self.shelf.write_mark(self.epoch, last, self.delivered)
            except OSError as problem:
                self.failed(problem)
                return False
            self._reserved = last
        return True

    def write(self, closes: bool) -> bool:
        """Put the block into the segment; only when that `closes`, it is flushed."""
        if self.fill > BLOCK_HEAD_BYTES:
            seal(self.block, self.fill, self._block_seq, self._block_time)
        elif self._file is None:
            return False
        waits = self._file is not None
        try:
            try:
                self._put(closes)
            except OSError as problem:
                if problem.errno != _ENOSPC or waits or self.shelf.count < 2:
                    raise
                # Others have filled the flash: what is told by the numbers is named when it's sent.
                self.shelf.remove_oldest()
                self._put(closes)
        except OSError as problem:
            # The block stays in memory, and is written with the next flush.
            self.failed(problem)
            if waits:
                from nuan_firmware.room import abandon

                abandon(self)
                unload("room")
            return False
        return True

    def _put(self, closes: bool) -> None:
        shelf = self.shelf
        path = shelf.path(self.segment)
        if self._fault and self._file is None:
            from nuan_firmware.mend import is_written

            done = is_written(path, shelf.root + NEW, self.size, self.block[: self.fill])
            unload("mend")
            if done:
                self.size = self.size or HEADER_BYTES
                self._settle()
                return
        size = self.size
        file = self._file
        try:
            if file is None:
                # Blocks that wait there can't be written again: see that there is room.
                if (
                    not closes
                    and shelf.count > 1
                    and 0 < free_bytes(shelf.root) < self.segment_bytes
                ):
                    shelf.remove_oldest()
                file = open(path, "ab")  # noqa: SIM115
                if not size:
                    file.write(self._header)
                    size = HEADER_BYTES
            if self.fill > BLOCK_HEAD_BYTES:
                file.write(self.block[: self.fill])
            end = size + self.fill + BLOCK_HEAD_BYTES + RECORD_BYTES_MAX
            if closes or end > self.segment_bytes:
                self._file = None
                file.close()
                self.size = size
                self._settle()
                return
        except OSError:
            self._file = None
            if file is not None:
                file.close()
            raise
        self._file = file
        self.size = size + self.fill
        self.fill = BLOCK_HEAD_BYTES
        self.shelf.keep(0, 0, None)
        self.set_limit()

    def _settle(self) -> None:
        """The block at the end of the segment is on flash, with all before it."""
        shelf = self.shelf
        if not shelf.count or shelf.first(shelf.count - 1) != self.segment:
            shelf.add(self.segment)
        if self.fill > BLOCK_HEAD_BYTES:
            shelf.keep(self.segment, self.size, self.block[: self.fill])
            self.size += self.fill
        self.fill = BLOCK_HEAD_BYTES
        self.flushed = self.seq - 1
        if self.size + BLOCK_HEAD_BYTES + RECORD_BYTES_MAX > self.segment_bytes:
            self.roll()
            self.crowded = self.is_crowded()
        self.set_limit()
        while shelf.first(0) < self.doomed:
            shelf.remove_oldest()

    def set_limit(self) -> None:
        """See how many bytes of the block fit into the segment."""
        self._limit = min(BLOCK_BYTES_MAX, self.segment_bytes - max(HEADER_BYTES, self.size))

    def failed(self, problem: Exception) -> None:
        """Have flush() tell what flash has done wrong."""
        self._fault = repr(problem)
        self._failures += 1

    def roll(self) -> None:
        """Begin a new segment with the next number; what was journaled is flushed or given up."""
        self.size = 0
        self.segment = self.seq
        if self.references.missed:
            from nuan_firmware.recover import wish

            wish(self.shelf.root, self.references)
            unload("recover")
        self.references.reset()
        put_header(self._header, self.shelf.node, self.epoch, self.seq, self.chain)

    def is_crowded(self) -> bool:
        """Whether there is no room for another segment."""
        shelf = self.shelf
        return shelf.count >= shelf.count_max or (
            shelf.count > 1 and free_bytes(shelf.root) < self.segment_bytes + _FREE_BYTES
        )

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
            from nuan_firmware.room import named

            seq, before, stone = named(self, cursor.lost)
            unload("room")
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


def free_bytes(path: str) -> int:
    """Free bytes of the file system that holds `path`; 0 when it doesn't tell."""
    try:
        stat = os.statvfs(path)
    except OSError:
        return 0
    return int(stat[0]) * int(stat[3])
