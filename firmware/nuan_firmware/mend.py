"""What a journal needs once: at its opening, and after a failed write. Loaded on demand."""

import os
from struct import pack, unpack
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.segment import HEADER_BYTES

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

_PIECE_BYTES = const(256)


def is_written(path: str, spare: str, size: int, block: "Buffer") -> bool:
    """Whether the block stands whole behind the segment's `size` bytes; if not, nothing does.

    littlefs keeps the old content when writing fails. Should it ever not, the sound part is copied
    to `spare`, which takes the segment's place.
    """
    try:
        there = os.stat(path)[6]
    except OSError:
        return False
    if there == size or not there:
        return False
    start = size or HEADER_BYTES
    with open(path, "rb") as file:
        file.seek(start)
        if file.read(len(block) + 1) == block:
            return True
        file.seek(0)
        with open(spare, "wb") as copy:
            left = size
            while left:
                piece = file.read(min(left, _PIECE_BYTES))
                if not piece:
                    raise OSError("a segment is shorter than it was")
                copy.write(piece)
                left -= len(piece)
    os.rename(spare, path)
    return False


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
