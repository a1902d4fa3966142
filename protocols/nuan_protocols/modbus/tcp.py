"""Modbus TCP's header (MBAP), made and checked.

    transaction u16 | protocol u16 = 0 | bytes to follow u16 | unit u8 | function | data

Behind the header stands what RTU puts a CRC behind. TCP loses and garbles nothing, so there is no
CRC and no resynchronising: a stream that doesn't fit its lengths is to be closed.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.rtu import CRC_BYTES, check_crc, check_read, closed, read_body

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

# Without the unit, which the length counts among what follows.
HEADER_BYTES = 6
BODY_BYTES_MIN = 2
BODY_BYTES_MAX = 254
FRAME_BYTES_MAX = HEADER_BYTES + BODY_BYTES_MAX
# An interface that is the meter itself is asked by one of these, as its maker likes.
UNITS_OF_ITSELF = (0, 255)


def framed(transaction: int, body: bytes) -> bytes:
    """The frame of a body (unit, function, data). Raises FrameError for what doesn't fit."""
    if not 0 <= transaction <= 0xFFFF:
        raise FrameError(f"transaction {transaction} is not within 0..65535", 0)
    if not BODY_BYTES_MIN <= len(body) <= BODY_BYTES_MAX:
        raise FrameError(f"{len(body)} bytes don't fit into a frame", 4)
    return transaction.to_bytes(2, "big") + b"\x00\x00" + len(body).to_bytes(2, "big") + body


def read_request(unit: int, function: int, start: int, count: int, transaction: int) -> bytes:
    """As rtu.read_request, for TCP; unit 0..255. Raises FrameError."""
    if not 0 <= unit <= UNITS_OF_ITSELF[1]:
        raise FrameError(f"unit {unit} is not within 0..255", HEADER_BYTES)
    check_read(function, start, count, HEADER_BYTES)
    return framed(transaction, read_body(unit, function, start, count))


def from_rtu(frame: bytes, transaction: int) -> bytes:
    """The TCP frame that says what an RTU frame says. Raises FrameError."""
    check_crc(frame)
    return framed(transaction, frame[:-CRC_BYTES])


def to_rtu(frame: bytes) -> bytes:
    """The RTU frame that says what a TCP frame says. Raises FrameError."""
    _check(frame)
    return closed(frame[HEADER_BYTES:])


def frame_bytes(received: "Buffer") -> int:
    """Length of the frame that begins what was received; 0 while the header isn't whole.

    Raises FrameError when no frame can begin so.
    """
    if len(received) < HEADER_BYTES:
        return 0
    if received[2] or received[3]:
        raise FrameError("the protocol number is not 0: no Modbus TCP frame", 2)
    size = received[4] << 8 | received[5]
    if not BODY_BYTES_MIN <= size <= BODY_BYTES_MAX:
        raise FrameError(f"{size} bytes to follow are not within 2..{BODY_BYTES_MAX}", 4)
    return HEADER_BYTES + size


def has_header(frame: "Buffer") -> bool:
    """Whether the frame begins as a Modbus TCP frame of its length does."""
    return (
        len(frame) >= HEADER_BYTES + BODY_BYTES_MIN
        and frame[2] == frame[3] == 0
        and (frame[4] << 8 | frame[5]) == len(frame) - HEADER_BYTES
    )


def check_header(question: "Buffer", answer: "Buffer") -> None:
    """Raise FrameError unless both are whole TCP frames of the same transaction."""
    _check(question)
    _check(answer)
    if question[0] != answer[0] or question[1] != answer[1]:
        asked, answered = question[0] << 8 | question[1], answer[0] << 8 | answer[1]
        raise FrameError(f"transaction {answered} answered instead of {asked}", 0)


def _check(frame: "Buffer") -> None:
    expected = frame_bytes(frame)
    if expected != len(frame):
        raise FrameError(f"the frame has {len(frame)} bytes instead of {expected}", 4)
