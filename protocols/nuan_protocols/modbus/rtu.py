"""Modbus RTU, the master's side of reading: requests, and what their answers must look like.

    request     unit | function 1..4 | start u16 | count u16 | crc u16 (low byte first)
    answer      unit | function      | n u8      | n bytes   | crc
    exception   unit | function+80h  | code u8               | crc

Nothing here writes: those requests are in write.py, which a node never imports.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import ChecksumError, FrameError

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

READ_COILS = 1
READ_DISCRETE_INPUTS = 2
READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
READ_AND_WRITE = 23

UNIT_MIN = 1
UNIT_MAX = 247
REGISTERS_MAX = 125
BITS_MAX = 2000
REQUEST_BYTES = 8
EXCEPTION_BYTES = 5
EXCEPTION_BIT = 0x80
FRAME_BYTES_MAX = 256

# Unit, function and length of the data in front, the CRC behind.
ANSWER_OVERHEAD_BYTES = 5
# What the answer to a write repeats of its request: unit, function, start, value or count.
REPEATED_BYTES = 6
CRC_BYTES = 2


def read_request(unit: int, function: int, start: int, count: int) -> bytes:
    """Request for `count` registers (or bits) from wire address `start`.

    Raises FrameError when a field is outside what the protocol allows.
    """
    if not UNIT_MIN <= unit <= UNIT_MAX:
        raise FrameError(f"unit {unit} is not within {UNIT_MIN}..{UNIT_MAX}", 0)
    check_read(function, start, count, 0)
    return closed(read_body(unit, function, start, count))


def check_read(function: int, start: int, count: int, at: int) -> None:
    """Raise FrameError unless a request whose unit stands at byte `at` may read so."""
    if not READ_COILS <= function <= READ_INPUT_REGISTERS:
        raise FrameError(f"function {function} is not a read function (1..4)", at + 1)
    if not 0 <= start <= 0xFFFF:
        raise FrameError(f"start {start} is not within 0..65535", at + 2)
    most = BITS_MAX if function <= READ_DISCRETE_INPUTS else REGISTERS_MAX
    if not 1 <= count <= most or start + count > 0x10000:
        raise FrameError(f"count {count} from {start} is not within 1..{most} up to 65535", at + 4)


def read_body(unit: int, function: int, start: int, count: int) -> bytes:
    """Unit, function and data of a checked read request."""
    return bytes((unit, function, start >> 8, start & 0xFF, count >> 8, count & 0xFF))


def closed(body: bytes) -> bytes:
    """The frame of a body (unit, function, data): its CRC behind it."""
    return body + crc16_modbus(body).to_bytes(CRC_BYTES, "little")


def check_crc(frame: "Buffer") -> None:
    """Raise ChecksumError unless the last two bytes are the CRC of those before."""
    end = len(frame) - CRC_BYTES
    crc = frame[end] | frame[end + 1] << 8
    if crc16_modbus(frame, 0, end) != crc:
        raise ChecksumError(f"the CRC {crc:04X} doesn't match the frame's bytes", end)


def data_bytes(function: int, count: int) -> int:
    """How many data bytes answer a request for `count` registers or bits."""
    return 2 * count if function >= READ_HOLDING_REGISTERS else (count + 7) // 8


def answer_head(body: "Buffer") -> bytes:
    """The bytes that a good answer to the request `body` (unit, function, data) begins with.

    They settle its length too, see answer_bytes; not for function 43 (identification.py).
    """
    function = body[1]
    if function <= READ_INPUT_REGISTERS or function == READ_AND_WRITE:
        size = data_bytes(function, body[4] << 8 | body[5])
        return bytes((body[0], function, size & 0xFF))
    return bytes(body[:REPEATED_BYTES])


def answer_bytes(head: bytes) -> int:
    """Length of the whole RTU answer that begins with this answer_head."""
    if len(head) == REPEATED_BYTES:
        return REPEATED_BYTES + CRC_BYTES
    return head[2] + ANSWER_OVERHEAD_BYTES


def exception_code(answer: "Buffer", at: int = 0) -> int | None:
    """Code of a checked exception answer, None for any other (named in exceptions.py).

    `at` is where the unit stands: 0, or 6 in a TCP frame.
    """
    return answer[at + 2] if answer[at + 1] & EXCEPTION_BIT else None
