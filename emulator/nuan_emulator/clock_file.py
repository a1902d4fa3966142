"""The world's clock for processes outside it: UTC milliseconds, u64 little-endian, mapped."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

CLOCK_BYTES = 8
_FORMAT = struct.Struct("<Q")


class ClockFile:
    """Writes virtual time where another process maps the same eight bytes."""

    def __init__(self, path: Path, now_ms: int) -> None:
        path.write_bytes(_FORMAT.pack(now_ms))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), CLOCK_BYTES)

    def write(self, now_ms: int) -> None:
        """Set the clock; a reader sees the old or the new value."""
        _FORMAT.pack_into(self._map, 0, now_ms)

    def close(self) -> None:
        """Unmap the file; it keeps the last value."""
        self._map.close()
