"""The ESP32's second-stage bootloader: which VM image runs, by the two entries of otadata.

    entry    u32 number | 20 bytes | u32 state | u32 CRC-32 of the number; each in a block of 4096

The entry with the highest number wins, and image (number - 1) mod 2 runs. A new image gets one
start: it says that it works, or the next start goes back. Source: ESP-IDF's page on app roll-back.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

BLOCK_BYTES = 4096
NEW, PENDING, VALID, INVALID, ABORTED = range(5)
_ENTRY = struct.Struct("<I20sII")
_NEVER = 0xFFFFFFFF


def start(path: Path) -> str:
    """Choose what runs from now on, as at each reset: "ota_0" or "ota_1"."""
    data = bytearray(path.read_bytes() if path.exists() else b"")
    data += b"\xff" * (2 * BLOCK_BYTES - len(data))
    while True:
        found = _best(data)
        if found is None:
            return "ota_0"
        number, state, at = found
        if state != PENDING:
            break
        # It had its start, and didn't say that it works.
        _set(path, data, at, ABORTED)
    if state == NEW:
        _set(path, data, at, PENDING)
    return f"ota_{(number - 1) % 2}"


def _best(data: bytearray) -> tuple[int, int, int] | None:
    found: list[tuple[int, int, int]] = []
    for at in (0, BLOCK_BYTES):
        number, _, state, check = _ENTRY.unpack_from(data, at)
        sound = number not in (0, _NEVER) and zlib.crc32(struct.pack("<I", number), _NEVER) == check
        if sound and state not in (INVALID, ABORTED):
            found.append((number, state, at))
    return max(found, default=None)


def _set(path: Path, data: bytearray, at: int, state: int) -> None:
    struct.pack_into("<I", data, at + 24, state)
    path.write_bytes(data)
