"""A journal in a file, as `nuan pull` takes it from a node's console: its messages, framed.

    header   0  "NUANPULL"    8 u8 version = 1    9 node[8]    17 u32 CRC-32 of the bytes before
    record   0  "NM"          2 u16 length        4 message    4 + length  u32 CRC-32 of what is
                                                                            before it in the record

Big-endian. A message is a HELLO or a BATCH (docs/wire.md), byte for byte as it would have
travelled; a HELLO stands before the batches that came with it. Resynchronising: after a damaged
record, the next "NM" whose CRC is right begins the next one.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nuan_gateway.errors import GatewayError
from nuan_protocols.uplink.message import MESSAGE_BYTES_MAX

MAGIC = b"NUANPULL"
VERSION = 1
NODE_BYTES = 8
HEADER_BYTES = len(MAGIC) + 1 + NODE_BYTES + 4
# The largest flash holds 16 MB, and a file may hold several pulls.
FILE_BYTES_MAX = 256 << 20
# False beginnings may cost this many bytes of CRC for each byte of the file: damage costs far less,
# and a file that is made of them would take minutes.
_SEARCH_BYTES_PER_BYTE = 16
_MARK = b"NM"
_LENGTH_BYTES = 2
_CRC_BYTES = 4
_BEFORE = len(_MARK) + _LENGTH_BYTES


class PullFileError(GatewayError):
    """The file can't be read as a pulled journal at all."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The `number`-th message of a file (from 1), and where its record begins."""

    number: int
    offset: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, in the place of the `number`-th message."""

    number: int
    offset: int
    size: int
    reason: str


def header(node: bytes) -> bytes:
    """What a file of this node's (8 bytes) begins with."""
    start = MAGIC + bytes([VERSION]) + node
    return start + crc32(start).to_bytes(_CRC_BYTES, "big")


def record(message: bytes) -> bytes:
    """A message as the file holds it."""
    start = _MARK + len(message).to_bytes(_LENGTH_BYTES, "big") + message
    return start + crc32(start).to_bytes(_CRC_BYTES, "big")


def load(path: Path) -> bytes:
    """The bytes of a file that may be a pulled journal; raises PullFileError."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise PullFileError(f"{path}: no file")
        if size > FILE_BYTES_MAX:
            raise PullFileError(
                f"{path}: no journal: {size} bytes, a pull has at most {FILE_BYTES_MAX}"
            )
        return path.read_bytes()
    except OSError as error:
        raise PullFileError(f"{path}: {error.strerror}") from None


def node_of(data: bytes, path: Path) -> bytes:
    """The node a file's header names; raises PullFileError."""
    if not data.startswith(MAGIC):
        raise PullFileError(f"{path}: no journal: a file of nuan pull begins with {MAGIC.decode()}")
    if len(data) < HEADER_BYTES:
        raise PullFileError(f"{path}: the file ends within its header, at byte {len(data)}")
    if data[len(MAGIC)] != VERSION:
        raise PullFileError(
            f"{path}: format {data[len(MAGIC)]}, this nuan reads {VERSION}; install a newer one"
        )
    end = HEADER_BYTES - _CRC_BYTES
    if crc32(data[:end]) != int.from_bytes(data[end:HEADER_BYTES], "big"):
        raise PullFileError(f"{path}: the header is damaged, bytes 0 to {HEADER_BYTES - 1}")
    return data[end - NODE_BYTES : end]


def records(data: bytes) -> Iterator[Pulled | Damage]:
    """The messages behind a header, and what is damaged between them, in their order."""
    at, number = HEADER_BYTES, 1
    search = _Search(data)
    while at < len(data):
        end = _record_end(data, at)
        if end:
            yield Pulled(number, at, data[at + _BEFORE : end - _CRC_BYTES])
        else:
            end = search.next_record(at + 1)
            reason = "the CRC doesn't match"
            if search.given_up:
                reason = "too much of the rest only looks like messages; pull it once more"
            elif end == len(data) and not data.startswith(_MARK[: len(data) - at], at):
                reason = "no message begins here"
            elif end == len(data):
                reason = "the file ends within the message, or it is damaged"
            yield Damage(number, at, end - at, reason)
        at = end
        number += 1


def _record_end(data: bytes, at: int) -> int:
    """Where the sound record at `at` ends; 0 when there is none."""
    end = _said_end(data, at)
    if not end:
        return 0
    said = int.from_bytes(data[end - _CRC_BYTES : end], "big")
    return end if crc32(data[at : end - _CRC_BYTES]) == said else 0


def _said_end(data: bytes, at: int) -> int:
    """Where a record at `at` would end by its length; 0 when none can begin there."""
    if not data.startswith(_MARK, at):
        return 0
    size = int.from_bytes(data[at + len(_MARK) : at + _BEFORE], "big")
    end = at + _BEFORE + size + _CRC_BYTES
    return 0 if size > MESSAGE_BYTES_MAX or end > len(data) else end


class _Search:
    """Looks for sound records behind damage, as long as that is worth its while."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _SEARCH_BYTES_PER_BYTE * len(data)
        self.given_up = False

    def next_record(self, at: int) -> int:
        """Where the next sound record begins; the end of the data when there is none."""
        while True:
            at = self._data.find(_MARK, at)
            if at < 0:
                return len(self._data)
            self._left -= max(0, _said_end(self._data, at) - at)
            if self._left < 0:
                self.given_up = True
                return len(self._data)
            if _record_end(self._data, at):
                return at
            at += 1
