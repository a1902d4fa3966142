"""Finds the answer to one Modbus RTU request in whatever the line delivers, however it is split.

    answer      unit | function     | n u8   | n bytes | crc u16 (low byte first)
    exception   unit | function+80h | code u8          | crc

How it resynchronises: the request says which answers are possible, one length for data and one for
an exception. Every byte is tried as the start of one of the two, and the first whose CRC is right
is taken, even behind a start that might still become one. Noise, the request's own echo, late
answers of others and broken frames fall away, and none of them costs a good frame behind it.
Gaps between bytes are not used; nobody can time them reliably.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import FrameError
from nuan_protocols.intake import copy, holds
from nuan_protocols.modbus.rtu import (
    EXCEPTION_BIT,
    EXCEPTION_BYTES,
    FRAME_BYTES_MAX,
    answer_bytes,
    answer_head,
)

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_BUFFER_BYTES = 2 * FRAME_BYTES_MAX
# Function 43/14.
_REQUEST_BYTES_MIN = 7
# Writes of one coil or register: the answer is the request.
_REPEATED_WHOLE = (5, 6)


class ResponseReader:
    """One line's reader: a single buffer for its lifetime, `expect` starts anew.

    noise_bytes   received since `expect`, neither the answer nor the request's echo
    echoes        the line repeats what is sent: learnt from a request seen verbatim, or told
    """

    def __init__(self, echoes: bool = False) -> None:
        self.noise_bytes = 0
        self.echoes = echoes
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._used = 0
        self._sent = self._unit = self._head = b""
        self._function = 0
        self._answer_bytes = 0
        self._echo_due = False
        self._answer: bytes | None = None

    def expect(self, sent: "Buffer") -> None:
        """Forget everything received; from now on look for the answer to the request `sent`.

        A frame equal to the request is its echo and no answer; only a single write (5, 6), whose
        answer repeats it, takes it for one, unless the line echoes. Raises FrameError.
        """
        if len(sent) < _REQUEST_BYTES_MIN:
            raise FrameError(f"a request has at least 7 bytes, this one has {len(sent)}", len(sent))
        self._sent = bytes(sent)
        self._unit = self._sent[:1]
        self._function = sent[1]
        self._head = answer_head(self._sent)
        self._answer_bytes = answer_bytes(self._head)
        self._echo_due = self.echoes or self._function not in _REPEATED_WHOLE
        self._used = 0
        self._answer = None
        self.noise_bytes = 0

    def feed(self, data: "Buffer", size: int = -1) -> None:
        """Take received bytes, any number of them: the first `size`, or all."""
        if size < 0:
            size = len(data)
        at = 0
        while at < size and self._answer is None:
            piece = min(size - at, _BUFFER_BYTES - self._used)
            self._used = copy(self._buffer, self._used, data, at, piece)
            at += piece
            self._scan()

    def idle(self) -> None:
        """The line has fallen silent: what is unfinished will never be finished."""
        self.noise_bytes += self._used
        self._used = 0

    def next_frame(self) -> bytes | None:
        """The whole, checked answer or exception answer, once; None while there is none."""
        answer = self._answer
        self._answer = None
        return answer

    def wanted(self) -> int:
        """How many more bytes would complete the frame that has begun; 0 when one is ready."""
        if self._answer is not None:
            return 0
        if not self._used:
            return EXCEPTION_BYTES
        length = self._length(0)
        if length > self._used:
            return length - self._used
        # Only the request's echo has begun; an answer may stand inside what looks like one.
        return min(len(self._sent) - self._used, EXCEPTION_BYTES)

    def _scan(self) -> None:
        """Take the first good frame; keep what may still become one, from the first byte of it."""
        keep = self._used
        at = self._buffer.find(self._unit, 0, self._used)
        while at >= 0:
            seen = min(self._used - at, len(self._sent))
            length = self._length(at)
            if self._echo_due and holds(self._buffer, at, self._sent, seen):
                if seen == len(self._sent):
                    # What came before isn't the answer; its own bytes may hold the answer's start.
                    self._echo_due = False
                    self.echoes = True
                    self.noise_bytes -= seen
                    keep = self._used
                    length = 0
                else:
                    keep = min(keep, at)
            if length and at + length > self._used:
                keep = min(keep, at)
            elif length and self._is_sound(at, at + length):
                self._answer = bytes(self._view[at : at + length])
                self._used = 0
                return
            at = self._buffer.find(self._unit, at + 1, self._used)
        # What is kept begins with the first byte of a possible frame, which wanted() relies on.
        rest = self._used - keep
        if keep and rest:
            copy(self._buffer, 0, self._buffer, keep, rest)
        self._used = rest
        self.noise_bytes += keep

    def _length(self, at: int) -> int:
        """Length of the frame that may begin at `at` as far as can be seen; 0 when none can."""
        seen = self._used - at
        if seen < 2:
            return EXCEPTION_BYTES
        if self._buffer[at + 1] == self._function | EXCEPTION_BIT:
            return EXCEPTION_BYTES
        seen = min(seen, len(self._head))
        return self._answer_bytes if holds(self._buffer, at, self._head, seen) else 0

    def _is_sound(self, at: int, end: int) -> bool:
        crc = self._buffer[end - 2] | self._buffer[end - 1] << 8
        return crc16_modbus(self._buffer, at, end - 2) == crc
