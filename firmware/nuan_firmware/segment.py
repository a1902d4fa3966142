"""One journal segment: a file of blocks, each flushed at once.

    header  "nuJ1" | node[8] | epoch[8] | u32 first seq | chain[32] before it | u32 crc
    block   u16 length | u32 crc | u32 first seq | u32 base time | records (length counts seq on)
    jump    a block with bit 15 of its length set (not counted): chain[32] before its records
    record  u8 tag | zigzag varint: seconds since the record before (the first: since base time)
            full   [u8 part, when kept] | varint length | entry body
            diff   varint reference | varint length | codes (difference.py)
    tag     bits 0-1 kind - 1 | bit 2 diff | bit 3 kept as a reference | bits 4-7 clock (0 to 15)

All big-endian; CRC-32 as in zlib. An entry's head is implied by header, block and record. A block
whose CRC is wrong ends the segment: what follows was never flushed, and is never read. Numbers run
on inside a block; a block may start at a higher number than the last one ended. Between them were
numbers that never had an entry or, before a jump, entries that thinning left out (thin.py).
"""

from binascii import crc32
from struct import pack_into, unpack_from
from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

MAGIC = b"nuJ1"
HEADER_BYTES = const(60)
BLOCK_HEAD_BYTES = const(14)
BLOCK_BYTES_MAX = const(768)
# The longest exchange that is journaled: 9 + 18 bytes of question + 261 of answer.
BODY_BYTES_MAX = const(288)
RECORD_BYTES_MAX = BODY_BYTES_MAX + 12
# Numbers that the mark reserves at once.
RESERVE_COUNT = 256

# In the first byte of a block: a jump, the chain value stands behind the head.
JUMP = const(0x80)
JUMP_BYTES = BLOCK_HEAD_BYTES + 32

TAG_DIFF = const(0x04)
TAG_KEPT = const(0x08)


def put_header(out: bytearray, node: "Buffer", epoch: "Buffer", seq: int, chain: "Buffer") -> None:
    """Write a segment header into the first 60 bytes of `out`."""
    view = memoryview(out)
    view[0:4] = MAGIC
    view[4:12] = node
    view[12:20] = epoch
    pack_into(">I", out, 20, seq)
    view[24:56] = chain
    pack_into(">I", out, 56, crc32(view[:56]))


def header_seq(header: bytearray, node: "Buffer") -> int:
    """First number of the segment, or 0 when this is no sound header of this node."""
    view = memoryview(header)
    if view[:4] != MAGIC or view[4:12] != node:
        return 0
    crc, seq = unpack_from(">I", header, 56)[0], unpack_from(">I", header, 20)[0]
    return int(seq) if crc == crc32(view[:56]) else 0


def seal(block: memoryview, fill: int, seq: int, time: int, flag: int = 0) -> None:
    """Complete the head of a block that is filled up to `fill`; `flag`: JUMP or 0."""
    pack_into(">II", block, 6, seq, time)
    pack_into(">HI", block, 0, fill - 6 | flag << 8, crc32(block[6:fill]))


def block_bytes(block: memoryview, read: int) -> int:
    """Length of the block at the start of the first `read` bytes, 0 when it isn't sound."""
    if read < BLOCK_HEAD_BYTES:
        return 0
    length, crc = unpack_from(">HI", block, 0)
    end = (length & 0x7FFF) + 6
    if end > read or end < BLOCK_HEAD_BYTES or crc32(block[6:end]) != crc:
        return 0
    return int(end)


def put_varint(out: "bytearray | memoryview", at: int, value: int) -> int:
    """Write an unsigned number, 7 bits a byte, lowest first; return the offset behind it."""
    while value > 0x7F:
        out[at] = value & 0x7F | 0x80
        at += 1
        value >>= 7
    out[at] = value
    return at + 1


def varint_end(data: "Buffer", at: int) -> int:
    """Offset behind the varint at `at`."""
    while data[at] & 0x80:
        at += 1
    return at + 1


def varint(data: "Buffer", at: int) -> int:
    """The unsigned number at `at`."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift


def zigzag(value: int) -> int:
    """A signed number as an unsigned one, small when it is near zero."""
    return value << 1 if value >= 0 else -value << 1 | 1


def unzigzag(value: int) -> int:
    """The signed number again."""
    return -(value >> 1) if value & 1 else value >> 1
