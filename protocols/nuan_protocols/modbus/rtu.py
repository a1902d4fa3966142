"""Modbus RTU, the master's side of reading: one request out, its one answer in.

    request     unit | function 1..4 | start u16 | count u16 | crc u16 (low byte first)
    answer      unit | function      | n u8      | n bytes   | crc
    exception   unit | function+80h  | code u8               | crc

The request says which answers are possible: one length for data, one for an exception. The reader
therefore tries every byte as the start of one of the two and takes the first whose CRC is right:
noise, the request's own echo, late answers of others and broken frames fall away, and none of them
costs a good frame behind it. Gaps between bytes are not used; nobody can time them reliably.
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

UNIT_MIN = 1
UNIT_MAX = 247
REGISTERS_MAX = 125
BITS_MAX = 2000
REQUEST_BYTES = 8
EXCEPTION_BYTES = 5
FRAME_BYTES_MAX = 256

_EXCEPTION_BIT = 0x80
_ANSWER_OVERHEAD_BYTES = 5
_BUFFER_BYTES = 2 * FRAME_BYTES_MAX


def read_request(unit: int, function: int, start: int, count: int) -> bytes:
    """Request for `count` registers (or bits) from wire address `start`.

    Raises FrameError when a field is outside what the protocol allows.
    """
    if not UNIT_MIN <= unit <= UNIT_MAX:
        raise FrameError(f"unit {unit} is not within {UNIT_MIN}..{UNIT_MAX}", 0)
    if not READ_COILS <= function <= READ_INPUT_REGISTERS:
        raise FrameError(f"function {function} is not a read function (1..4)", 1)
    if not 0 <= start <= 0xFFFF:
        raise FrameError(f"start {start} is not within 0..65535", 2)
    most = BITS_MAX if function <= READ_DISCRETE_INPUTS else REGISTERS_MAX
    if not 1 <= count <= most or start + count > 0x10000:
        raise FrameError(f"count {count} from {start} is not within 1..{most} up to 65535", 4)
    frame = bytes((unit, function, start >> 8, start & 0xFF, count >> 8, count & 0xFF))
    return frame + crc16_modbus(frame).to_bytes(2, "little")


def parse_request(request: "Buffer") -> tuple[int, int, int, int]:
    """Checked request -> (unit, function, start, count). Raises FrameError."""
    if len(request) != REQUEST_BYTES:
        raise FrameError(f"a read request has 8 bytes, this one has {len(request)}", len(request))
    _check_crc(request)
    unit, function = request[0], request[1]
    start, count = request[2] << 8 | request[3], request[4] << 8 | request[5]
    read_request(unit, function, start, count)
    return unit, function, start, count


def data_bytes(function: int, count: int) -> int:
    """How many data bytes answer a request for `count` registers or bits."""
    return 2 * count if function >= READ_HOLDING_REGISTERS else (count + 7) // 8


def check_response(request: "Buffer", response: "Buffer") -> None:
    """Raise FrameError unless `response` is one whole answer, or exception answer, to `request`."""
    unit, function, _, count = parse_request(request)
    check_answer(unit, function, count, response)


def check_answer(unit: int, function: int, count: int, response: "Buffer") -> None:
    """As check_response, for a request whose fields are known already."""
    if len(response) < EXCEPTION_BYTES:
        raise FrameError(f"an answer has at least 5 bytes, this one has {len(response)}", 0)
    if response[0] != unit:
        raise FrameError(f"unit {response[0]} answered instead of unit {unit}", 0)
    size = data_bytes(function, count)
    if response[1] == function | _EXCEPTION_BIT:
        expected = EXCEPTION_BYTES
    elif response[1] != function:
        raise FrameError(f"function {response[1]:#04x} answered to function {function:#04x}", 1)
    elif response[2] != size:
        raise FrameError(f"{response[2]} data bytes answered, {size} were asked for", 2)
    else:
        expected = size + _ANSWER_OVERHEAD_BYTES
    if len(response) != expected:
        raise FrameError(f"the answer has {len(response)} bytes instead of {expected}", 2)
    _check_crc(response)


def exception_code(response: "Buffer") -> int | None:
    """Code of an exception answer, None for an answer with data (named in annotate.py)."""
    return response[2] if response[1] & _EXCEPTION_BIT else None


class ResponseReader:
    """Finds the answer to one request in whatever the line delivers, however it is split.

    Keeps one buffer for its lifetime: `expect` starts anew for the next request.
    """

    def __init__(self, request: "Buffer") -> None:
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._used = 0
        self.expect(request)

    def expect(self, request: "Buffer") -> None:
        """Forget everything received; from now on look for the answer to `request`."""
        unit, function, _, count = parse_request(request)
        self._unit = bytes((unit,))
        self._function = function
        self._size = data_bytes(function, count)
        self._used = 0
        self._answer: bytes | None = None

    def feed(self, data: "Buffer") -> None:
        """Take received bytes, any number of them."""
        view = memoryview(data)
        at = 0
        while at < len(view) and self._answer is None:
            piece = min(len(view) - at, _BUFFER_BYTES - self._used)
            self._view[self._used : self._used + piece] = view[at : at + piece]
            self._used += piece
            at += piece
            self._scan()

    def next(self) -> bytes | None:
        """The whole, checked answer or exception answer, once; None while there is none."""
        answer = self._answer
        self._answer = None
        return answer

    def wanted(self) -> int:
        """How many more bytes would complete the frame that has begun; 0 when one is ready."""
        if self._answer is not None:
            return 0
        return self._length(0) - self._used if self._used else EXCEPTION_BYTES

    def _scan(self) -> None:
        """Take the first good frame; keep what may still become one, from the first byte of it."""
        keep = self._used
        at = self._buffer.find(self._unit, 0, self._used)
        while at >= 0:
            length = self._length(at)
            end = at + length
            if length and end > self._used:
                keep = min(keep, at)
            elif length and self._is_sound(at, end):
                self._answer = bytes(self._view[at:end])
                keep = self._used
                break
            at = self._buffer.find(self._unit, at + 1, self._used)
        # What is kept begins with the first byte of a possible frame, which wanted() relies on.
        rest = self._used - keep
        if keep and rest:
            self._view[:rest] = bytes(self._view[keep : self._used])
        self._used = rest

    def _length(self, at: int) -> int:
        """Length of the frame that may begin at `at` as far as can be seen; 0 when none can."""
        seen = self._used - at
        if seen < 2:
            return EXCEPTION_BYTES
        if self._buffer[at + 1] == self._function | _EXCEPTION_BIT:
            return EXCEPTION_BYTES
        if self._buffer[at + 1] != self._function:
            return 0
        if seen > 2 and self._buffer[at + 2] != self._size:
            return 0
        return self._size + _ANSWER_OVERHEAD_BYTES

    def _is_sound(self, at: int, end: int) -> bool:
        crc = self._buffer[end - 2] | self._buffer[end - 1] << 8
        return crc16_modbus(self._buffer, at, end - 2) == crc


def _check_crc(frame: "Buffer") -> None:
    end = len(frame) - 2
    crc = frame[end] | frame[end + 1] << 8
    if crc16_modbus(frame, 0, end) != crc:
        raise ChecksumError(f"the CRC {crc:04X} doesn't match the frame's bytes", end)
