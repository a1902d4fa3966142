"""The world's end of the lockstep: frames to and from one board over a socket pair.

    from the board  u32 now | u16 bytes | u8 kind | u8 0    then records
    to the board    u32 grant | u32 value | u16 bytes | u16 flags    then records
    record          u8 type | u8 id | u16 bytes | u32 time | data

Times are milliseconds since the board's base, little-endian; the base moves on by days. A board
that waits has done everything up to `now` and stands still until it is answered; it then runs alone
up to `grant`. The pair is a byte stream without loss; a bad length is a fault of the program.
"""

from __future__ import annotations

import hashlib
import socket
import struct
from typing import NamedTuple

KIND_IDLE = 0
KIND_CALL = 1
KIND_HEAP = 2
FLAG_HEAP = 1
FLAG_POWER_CUT = 2

# Records from the board.
UART_SEND = 1
UART_SETUP = 2
PIN_SET = 3
SOCKET_OPEN = 4
SOCKET_SEND = 5
SOCKET_CLOSE = 6
WIFI_REQUEST = 7
REBASE = 8
NVS_READ = 9
RESET = 10
NVS_WRITE = 11
POWER_LOST = 12
NVS_COMMIT = 13
HEAP_REPORT = 14
CONSOLE_WRITE = 15
I2C = 16
DATAGRAM_SEND = 17
LINK_REQUEST = 18
PWM_SET = 19
ONE_WIRE = 20

# Records to the board.
REPLY = 0
UART_RECEIVE = 1
SOCKET_STATE = 2
SOCKET_RECEIVE = 3
CONSOLE_INPUT = 4
DATAGRAM_RECEIVE = 5
WIFI_STATE = 6
PIN_INPUT = 7
LINK_STATE = 8

DAY_MS = 86_400_000
GRANT_MS_MAX = 3 * DAY_MS
PAYLOAD_BYTES_MAX = 1408
RECORD_BYTES = 8

_HEAD_UP = struct.Struct("<IHBB")
_HEAD_DOWN = struct.Struct("<IIHH")
_RECORD = struct.Struct("<BBHI")
_RECEIVE_BYTES = 65536


class Record(NamedTuple):
    """One thing that happened, `time` in ms since the board's base."""

    type: int
    ident: int
    time: int
    data: bytes


class Frame(NamedTuple):
    """What a board says when it stops to wait."""

    now: int
    kind: int
    records: list[Record]


class Channel:
    """Frames over one end of a socket pair, and a digest of all that passed."""

    def __init__(self, end: socket.socket, timeout_s: float) -> None:
        self._socket = end
        self._socket.settimeout(timeout_s)
        self._buffer = b""
        self._digest = hashlib.sha256()

    def receive(self) -> Frame | None:
        """The next frame; None when the board is gone. Raises TimeoutError."""
        buffer = self._buffer
        while True:
            if len(buffer) >= _HEAD_UP.size:
                now, size, kind, _ = _HEAD_UP.unpack_from(buffer)
                end = _HEAD_UP.size + size
                if len(buffer) >= end:
                    break
            try:
                data = self._socket.recv(_RECEIVE_BYTES)
            except ConnectionResetError:
                return None
            if not data:
                return None
            buffer += data
        self._buffer = buffer[end:]
        self._digest.update(buffer[:end])
        return Frame(now, kind, _records(buffer, _HEAD_UP.size, end) if size else [])

    def send(self, grant: int, payload: bytes, value: int = 0, flags: int = 0) -> None:
        """Answer the board; a board that died meanwhile is noticed at the next receive()."""
        data = _HEAD_DOWN.pack(grant, value, len(payload), flags) + payload
        self._digest.update(data)
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def digest(self) -> bytes:
        """SHA-256 over every frame both ways so far."""
        return self._digest.digest()

    def close(self) -> None:
        """Close this end; the board's program then ends by itself."""
        self._socket.close()


def pack_record(kind: int, ident: int, time: int, data: bytes) -> bytes:
    """The bytes of one record."""
    return _RECORD.pack(kind, ident, len(data), time) + data


def _records(buffer: bytes, at: int, end: int) -> list[Record]:
    records: list[Record] = []
    while at < end:
        kind, ident, size, time = _RECORD.unpack_from(buffer, at)
        at += RECORD_BYTES
        records.append(Record(kind, ident, time, buffer[at : at + size]))
        at += size
    return records
