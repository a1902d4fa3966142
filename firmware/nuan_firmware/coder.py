"""Codes entries as records of a block, exchanges as differences from the last ones (segment.py)."""

from nuan_firmware.difference import encode
from nuan_firmware.references import References
from nuan_firmware.segment import (
    BLOCK_BYTES_MAX,
    BLOCK_HEAD_BYTES,
    TAG_DIFF,
    TAG_KEPT,
    put_varint,
    zigzag,
)


class Coder:
    """One block in the making: `fill` bytes of `block`; and what differences are made against.

    `references` exchanges of `reference_bytes` in all are kept.
    """

    def __init__(self, references: int, reference_bytes: int) -> None:
        self.references = References(references, reference_bytes)
        self.block = memoryview(bytearray(BLOCK_BYTES_MAX))
        self.fill = BLOCK_HEAD_BYTES
        self._last_time = 0

    def begin_block(self, time: int, fill: int) -> None:
        """Begin a block with the base time; its first `fill` bytes are its head."""
        self._last_time = time
        self.fill = fill

    def encode(self, tag: int, body: memoryview, time: int, slot: int, part: int) -> None:
        """Put a record into the block, as the difference from what is kept under (slot, part)."""
        block = self.block
        length = len(body)
        at = start = put_varint(block, self.fill + 1, zigzag(time - self._last_time))
        self._last_time = time
        if part >= 0:
            index = self.references.find(slot, part)
            if index >= 0 and self.references.length(index) == length:
                kept = self.references.view(index)
                at = put_varint(block, at, index)
                # One byte of length is enough: a longer difference isn't worth having.
                end = encode(kept, body, block, at + 1, min(at + 0x80, at + length))
                if end >= 0:
                    block[self.fill] = tag | TAG_DIFF
                    block[at] = end - at - 1
                    kept[:] = body
                    self.fill = end
                    return
                at = start
            index = self.references.place(slot, part, length)
            if index >= 0:
                self.references.view(index)[:] = body
                tag |= TAG_KEPT
                block[at] = part
                at += 1
        block[self.fill] = tag
        at = put_varint(block, at, length)
        block[at : at + length] = body
        self.fill = at + length
