"""MicroPython's read-only file system, from which a board runs compiled code in place.

    image    D2 CD 31 | number: bytes that follow | records
    record   number: kind | number: bytes | payload
    folder   kind 4: number: bytes of the name | name | records
    file     kind 5: number: bytes of the name | name | record of kind 2: the file's bytes
    number   7 bits a byte, highest first, bit 7 set on all but the last

The format is MicroPython 1.25's. Equal folders give equal images: entries are sorted by name.
"""

from __future__ import annotations

from pathlib import Path

MAGIC = b"\xd2\xcd\x31"
_VERBATIM = 2
_FOLDER = 4
_FILE = 5


def image(folder: Path) -> bytes:
    """The image of everything in the folder."""
    records = _records(folder)
    return MAGIC + _number(len(records)) + records


def _records(folder: Path) -> bytes:
    parts: list[bytes] = []
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        name = path.name.encode()
        head = _number(len(name)) + name
        if path.is_dir():
            parts.append(_record(_FOLDER, head + _records(path)))
        else:
            parts.append(_record(_FILE, head + _record(_VERBATIM, path.read_bytes())))
    return b"".join(parts)


def _record(kind: int, payload: bytes) -> bytes:
    return _number(kind) + _number(len(payload)) + payload


def _number(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))
