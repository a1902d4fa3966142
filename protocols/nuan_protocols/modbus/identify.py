"""Asks a Modbus device who it is, as the master: function 43/14 until nothing more follows.

Each answer is an exchange; all have part 0. A device without the function answers an exception.
"""

from typing import TYPE_CHECKING

from nuan_protocols.modbus.identification import (
    BASIC,
    ENCAPSULATED,
    SINGLE,
    identification,
    identification_bytes,
    identification_request,
)
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import (
    CRC_BYTES,
    EXCEPTION_BYTES,
    FRAME_BYTES_MAX,
    exception_code,
)
from nuan_protocols.readout import EXCEPTION, OK, TRIES, ReadOut

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_SHORT_HEAD_BYTES = 4


class IdentificationReader(ResponseReader):
    """A line's reader that finds the answers to function 43/14 too."""

    def expect(self, sent: "Buffer") -> None:
        """As ResponseReader's."""
        super().expect(sent)
        if self._function == ENCAPSULATED:
            self._head = self._sent[:_SHORT_HEAD_BYTES]

    def _length(self, at: int) -> int:
        length = super()._length(at)
        if self._function != ENCAPSULATED or length == 0:
            return length
        if self._used - at < 2 or self._buffer[at + 1] != ENCAPSULATED:
            return EXCEPTION_BYTES
        length = identification_bytes(self._buffer, at, self._used) + CRC_BYTES
        return length if length <= FRAME_BYTES_MAX else 0


class Identify(ReadOut):
    """Asks `unit` for all objects of a category (or the SINGLE one `first`). FrameError as there.

    objects   (number, text bytes) of all answers so far, in order
    """

    def __init__(
        self,
        unit: int,
        code: int = BASIC,
        first: int = 0,
        reader: "IdentificationReader | None" = None,
        tries: int = TRIES,
    ) -> None:
        self.objects: list[tuple[int, bytes]] = []
        self._unit = unit
        self._code = code
        self._first = first
        self._responses = IdentificationReader() if reader is None else reader
        super().__init__(self._responses, identification_request(unit, code, first), tries)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`: how long the line may be busy with it."""
        return FRAME_BYTES_MAX

    def _look(self) -> "tuple[int, bytes] | None":
        frame = self._responses.next_frame()
        if frame is None:
            return None
        return (OK if exception_code(frame) is None else EXCEPTION), frame

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":
        if verdict != OK:
            return None
        found = identification(answer)
        self.objects.extend(found.objects)
        # A device that doesn't move on would be asked for ever.
        if self._code == SINGLE or found.next_object <= self._first:
            return None
        self._first = found.next_object
        return identification_request(self._unit, self._code, self._first)
