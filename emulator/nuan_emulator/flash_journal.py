"""The journal among a board's files, read from its description and without the node's own code.

header  "nuJ1" | node[8] | epoch[8] | u32 first seq | chain[32] | u32 crc
block   u16 length | u32 crc | u32 first seq | u32 base time | records
        with bit 15 of the length set: after the base time 32 bytes, the chain value behind a gap
record  u8 tag | zigzag varint time step | full: [u8 part] varint length, body
                                         | difference: varint reference, varint length, codes

A block whose CRC is wrong ends its segment: what follows was never flushed.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack, unpack_from
from typing import NamedTuple
from zlib import crc32

_Kept = tuple[tuple[int, int], bytes]

HEADER_BYTES = 60
BLOCK_HEAD_BYTES = 14
CHAIN_BYTES = 32
JUMP = 0x8000
# Files as they were flushed, and those of which boundaries of days and of months were kept.
SUFFIXES = (".seg", ".day", ".mon")
TAG_DIFFERENCE = 4
TAG_KEPT = 8


class FlashEntry(NamedTuple):
    """A flushed entry: its segment's file, its journal's epoch, its number, its canonical bytes."""

    segment: str
    epoch: str
    seq: int
    canonical: bytes


def read_journal(files: Mapping[str, bytes]) -> list[FlashEntry]:
    """Every flushed entry among a board's files, as flash.read_files() gives them, in order."""
    segments = sorted(path for path in files if path.endswith(SUFFIXES))
    return [entry for path in segments for entry in _segment(path, files[path])]


def _segment(path: str, data: bytes) -> list[FlashEntry]:
    if data[:4] != b"nuJ1" or crc32(data[:56]) != unpack_from(">I", data, 56)[0]:
        return []
    node, epoch = data[4:12], data[12:20]
    kept: list[_Kept] = []
    entries: list[FlashEntry] = []
    at = HEADER_BYTES
    while at + BLOCK_HEAD_BYTES <= len(data):
        length, crc = unpack_from(">HI", data, at)
        end = at + 6 + (length & ~JUMP)
        if end > len(data) or crc32(data[at + 6 : end]) != crc:
            break
        seq, time = unpack_from(">II", data, at + 6)
        at += BLOCK_HEAD_BYTES + (CHAIN_BYTES if length & JUMP else 0)
        while at < end:
            tag, step, body, at = _record(data, at, kept)
            time += step
            head = pack(">BB8s8sIIB", 1, (tag & 3) + 1, node, epoch, seq, time, tag >> 4)
            entries.append(FlashEntry(path, epoch.hex(), seq, head + body))
            seq += 1
    return entries


def _record(data: bytes, at: int, kept: list[_Kept]) -> tuple[int, int, bytes, int]:
    tag = data[at]
    step, at = _varint(data, at + 1)
    seconds = -(step >> 1) if step & 1 else step >> 1
    if tag & TAG_DIFFERENCE:
        reference, at = _varint(data, at)
        length, at = _varint(data, at)
        key, old = kept[reference]
        body = _patched(old, data[at : at + length])
        kept[reference] = (key, body)
        return tag, seconds, body, at + length
    part = -1
    if tag & TAG_KEPT:
        part, at = data[at], at + 1
    length, at = _varint(data, at)
    body = data[at : at + length]
    if part >= 0:
        _keep(kept, (body[1] << 8 | body[2], part), body)
    return tag, seconds, body, at + length


def _keep(kept: list[_Kept], key: tuple[int, int], body: bytes) -> None:
    for index, (known, _) in enumerate(kept):
        if known == key:
            kept[index] = (key, body)
            return
    kept.append((key, body))


def _patched(old: bytes, codes: bytes) -> bytes:
    """One code: five bits of bytes to skip, three bits of new bytes that follow."""
    new = bytearray(old)
    position = at = 0
    while at < len(codes):
        position += codes[at] >> 3
        count = codes[at] & 7
        new[position : position + count] = codes[at + 1 : at + 1 + count]
        position += count
        at += 1 + count
    return bytes(new)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1
