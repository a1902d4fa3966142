"""Reads the journal's flushed entries one after another, with the chain value before each."""

from struct import pack_into, unpack_from
from typing import TYPE_CHECKING

from nuan_firmware.difference import apply
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    BODY_BYTES_MAX,
    HEADER_BYTES,
    JUMP,
    JUMP_BYTES,
    TAG_DIFF,
    TAG_KEPT,
    block_bytes,
    unzigzag,
    varint,
    varint_end,
)
from nuan_protocols.uplink.entry import HEAD_BYTES, chain, digest, genesis, put_head

if TYPE_CHECKING:
    from nuan_firmware.references import References
    from nuan_firmware.shelf import Shelf
    from nuan_protocols.uplink.keys import NodeKeys


class Cursor:
    """A place in the journal. `seq` is the number of the entry at hand, `chain` the value before.

    `lost` is (first, last, chain after last) of what thinning left out or flash has lost before the
    entry at hand; who reads clears it. `reference`: where the entry's body is kept, -1 nowhere.
    """

    def __init__(
        self, shelf: "Shelf", keys: "NodeKeys", epoch: bytes, references: "References"
    ) -> None:
        self.seq = 1
        self.chain = genesis(shelf.node, epoch)
        self.references = references
        self.segment = 0
        self.offset = 0
        self.reference = -1
        self._shelf = shelf
        self._keys = keys
        self._epoch = epoch
        self._block = memoryview(bytearray(BLOCK_BYTES_MAX))
        self._at = 0
        self._end = 0
        self._time = 0
        self._entry = bytearray(HEAD_BYTES + BODY_BYTES_MAX)
        self._view = memoryview(self._entry)
        self._length = 0
        put_head(self._entry, 1, shelf.node, epoch, 1, 0, 0)
        self.lost: "tuple[int, int, bytes] | None" = None

    def open_segment(self, index: int) -> bool:
        """Go to the start of a segment; False when its header isn't sound."""
        self._at = self._end = self._length = 0
        first = self._shelf.first(index)
        header = self._shelf.header(first)
        self.segment = first
        self.offset = HEADER_BYTES
        self.references.reset()
        if header is None:
            return False
        self.seq = first
        self.chain = bytes(header[24:56])
        return True

    def seek(self, seq: int) -> None:
        """Go to the entry `seq`, or to the next one that is there."""
        index = self._shelf.index(seq)
        if index < 0:
            # Nothing was ever flushed.
            self.seq = 1
            self.chain = genesis(self._shelf.node, self._epoch)
            return
        self.seq = seq
        self.chain = b""
        self.lost = None
        if not (self.open_segment(index) or self._follow(index + 1)):
            return
        if self.seq > seq:
            self._lose(seq, self.seq - 1)
        while self.entry() is not None and self.seq < seq:
            self.advance()
        lost = self.lost
        self.lost = None
        if lost and lost[1] >= seq:
            self.lost = (max(seq, lost[0]), lost[1], lost[2])

    def entry(self) -> "memoryview | None":
        """Canonical bytes of the entry at hand, valid until advance(); None at the end."""
        if not self._length and (self._at < self._end or self._next_block()):
            self._decode()
        return self._view[: self._length] if self._length else None

    def advance(self) -> None:
        """Leave the entry at hand for the next one."""
        salt = self._keys.salt(self._epoch, self.seq)
        self.chain = chain(self.chain, digest(salt, self._view[: self._length]))
        self.seq += 1
        self._length = 0

    def skip(self) -> None:
        """Leave the entry at hand for the next one, without its chain value."""
        self.seq += 1
        self._length = 0

    def _next_block(self) -> bool:
        shelf = self._shelf
        if not shelf.count:
            return False
        if self.segment < shelf.first(0):
            # The oldest segment was dropped under this cursor.
            self._follow(0)
        while True:
            size = block_bytes(
                self._block, shelf.read_block(self.segment, self.offset, self._block)
            )
            if size:
                seq, self._time = unpack_from(">II", self._block, 6)
                self._at = BLOCK_HEAD_BYTES
                if self._block[0] & JUMP:
                    self._at = JUMP_BYTES
                    self.chain = bytes(self._block[BLOCK_HEAD_BYTES:JUMP_BYTES])
                    if seq > self.seq:
                        self._lose(self.seq, seq - 1)
                self.seq = seq
                self._end = size
                self.offset += size
                if self._at < size:
                    return True
                # The end of a thinned segment: what follows stands in the next one.
                continue
            index = shelf.index(self.segment) + 1
            if not self._follow(index):
                return False

    def _follow(self, index: int) -> bool:
        """Go to the segment `index`, or the next sound one; False when there is none."""
        seq, before = self.seq, self.chain
        while index < self._shelf.count:
            if self.open_segment(index):
                if self.chain != before and self.seq > seq:
                    self._lose(seq, self.seq - 1)
                return True
            index += 1
        return False

    def _lose(self, first: int, last: int) -> None:
        if self.lost and self.lost[1] + 1 == first:
            first = self.lost[0]
        self.lost = (first, last, self.chain)

    def _decode(self) -> None:
        block = self._block
        at = self._at
        tag = block[at]
        self._time += unzigzag(varint(block, at + 1))
        at = varint_end(block, at + 1)
        body = self._view[HEAD_BYTES:]
        if tag & TAG_DIFF:
            self.reference = reference = varint(block, at)
            at = varint_end(block, at)
            end = varint_end(block, at) + varint(block, at)
            kept = self.references.view(reference)
            length = len(kept)
            if not apply(block, varint_end(block, at), end, kept):
                raise ValueError("journal block with a sound CRC has codes that lead out of it")
            body[:length] = kept
        else:
            part = self.reference = -1
            if tag & TAG_KEPT:
                part = block[at]
                at += 1
            length = varint(block, at)
            at = varint_end(block, at)
            end = at + length
            body[:length] = block[at:end]
            if part >= 0:
                self.reference = self.references.place(body[1] << 8 | body[2], part, length)
                self.references.view(self.reference)[:] = body[:length]
        self._at = end
        pack_into(">IIB", self._entry, 18, self.seq, self._time, tag >> 4)
        self._entry[1] = (tag & 3) + 1
        self._length = HEAD_BYTES + length
