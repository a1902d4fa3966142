"""What Modbus functions beyond plain reading ask and answer: 5, 6, 15, 16, 23 and 43/14.

Frames are drawn in exchange.py. This makes no request: write.py and identification.py do.
"""

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.identification import (
    BASIC,
    DEVICE_IDENTIFICATION,
    ENCAPSULATED,
    SINGLE,
    identification_bytes,
)
from nuan_protocols.modbus.rtu import (
    READ_AND_WRITE,
    REGISTERS_MAX,
    REPEATED_BYTES,
    answer_head,
)

WRITE_COIL = 5
WRITE_REGISTER = 6
WRITE_COILS = 15
WRITE_REGISTERS = 16
COILS_WRITTEN_MAX = 1968
REGISTERS_WRITTEN_MAX = 123
REGISTERS_EXCHANGED_MAX = 121
COIL_ON = 0xFF00
# Its answers are known by so many bytes; their length is not foretold.
IDENTIFY_HEAD_BYTES = 4

# Unit, function and the two words that all requests to registers and coils begin with.
_FIXED_BYTES = 6
_IDENTIFY_BYTES = 5


def body_bytes(frame: bytes, at: int, end: int) -> int:
    """Length that the request body at frame[at:end] says it has. Raises FrameError."""
    function = frame[at + 1]
    if function == ENCAPSULATED:
        return _IDENTIFY_BYTES
    if function in (WRITE_COIL, WRITE_REGISTER):
        return _FIXED_BYTES
    if function in (WRITE_COILS, WRITE_REGISTERS, READ_AND_WRITE):
        length_at = at + _FIXED_BYTES + (4 if function == READ_AND_WRITE else 0)
        return length_at - at + 1 + (frame[length_at] if length_at < end else 0)
    raise FrameError(f"function {function} is not one of 1..6, 15, 16, 23 and 43", at + 1)


def parse(frame: bytes, at: int) -> tuple[int, int, bytes]:
    """(start, span, head) of exchange.Question for a body of body_bytes. Raises FrameError."""
    function = frame[at + 1]
    if function == ENCAPSULATED:
        code = frame[at + 3]
        if frame[at + 2] != DEVICE_IDENTIFICATION or not BASIC <= code <= SINGLE:
            raise FrameError("43 stands for 43/14, read code 1..4, only", at + 2)
        return code, frame[at + 4], bytes(frame[at : at + IDENTIFY_HEAD_BYTES])
    start, count = _word(frame, at + 2), _word(frame, at + 4)
    head = answer_head(frame[at : at + _FIXED_BYTES])
    if function in (WRITE_COIL, WRITE_REGISTER):
        if function == WRITE_COIL and count not in (0, COIL_ON):
            raise FrameError(f"a coil is written FF00h or 0000h, not {count:04X}h", at + 4)
        return start, 1, head
    _check_written(frame, at, function, start, count)
    return start, count, head


def answer_body_bytes(head: bytes, answer: bytes, at: int, end: int) -> int:
    """Length of the good answer's body that begins with `head`. Raises FrameError for another."""
    for index in range(2, len(head)):
        if answer[at + index : at + index + 1] != head[index : index + 1]:
            raise FrameError("the answer doesn't repeat what it answers", at + index)
    if head[1] == ENCAPSULATED:
        return identification_bytes(answer, at, end)
    return REPEATED_BYTES


def _check_written(frame: bytes, at: int, function: int, start: int, count: int) -> None:
    written_at = at + 2
    most = COILS_WRITTEN_MAX if function == WRITE_COILS else REGISTERS_WRITTEN_MAX
    if function == READ_AND_WRITE:
        _check_range(start, count, REGISTERS_MAX, at + 2)
        written_at = at + _FIXED_BYTES
        most = REGISTERS_EXCHANGED_MAX
        start, count = _word(frame, written_at), _word(frame, written_at + 2)
    _check_range(start, count, most, written_at)
    size = (count + 7) // 8 if function == WRITE_COILS else 2 * count
    if frame[written_at + 4] != size:
        raise FrameError(f"{frame[written_at + 4]} bytes for {count} take {size}", written_at + 4)


def _check_range(start: int, count: int, most: int, at: int) -> None:
    if not 1 <= count <= most or start + count > 0x10000:
        raise FrameError(f"count {count} from {start} is not within 1..{most} up to 65535", at + 2)


def _word(frame: bytes, at: int) -> int:
    return frame[at] << 8 | frame[at + 1]
