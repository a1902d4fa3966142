"""What a journal needs after a failed write. Loaded on demand."""

import os
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
