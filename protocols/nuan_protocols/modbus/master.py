"""Reads one Modbus meter, as the master: each of its reads is a question of its own.

    reads       (function 1..4, wire address of the first register or bit, how many)
    part        the read's place in `reads`, as the journal has it

A meter that stays silent is left for the rest of its turn; a read it refuses or garbles is not.

An answer doesn't say which addresses it holds. A slow meter may answer a question twice, if that
was sent twice, and the second time into the next one: so after a repeated question, as many answers
as are still due are passed over where they would fit the new question too, until that is repeated.
"""

from typing import TYPE_CHECKING

from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import (
    EXCEPTION_BIT,
    answer_bytes,
    answer_head,
    exception_code,
    read_request,
)
from nuan_protocols.readout import EXCEPTION, FOREIGN, NO_ANSWER, OK, TRIES, UNREADABLE
from nuan_protocols.readout import ReadOut as BaseReadOut

if TYPE_CHECKING:
    from collections.abc import Sequence


class ReadOut(BaseReadOut):
    """Asks the meter at `unit` all `reads`. Raises FrameError for one outside the protocol.

    `reader` is the line's, or one of its own.
    """

    def __init__(
        self,
        unit: int,
        reads: "Sequence[tuple[int, int, int]]",
        reader: "ResponseReader | None" = None,
        tries: int = TRIES,
    ) -> None:
        self._unit = unit
        self._reads = reads
        self._responses = ResponseReader() if reader is None else reader
        self._late = 0
        self._head_before = b""
        super().__init__(self._responses, self._question(0), tries)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`: how long the line may be busy with it."""
        return answer_bytes(answer_head(self.question))

    def _look(self) -> "tuple[int, bytes] | None":
        frame = self._responses.next_frame()
        if frame is None:
            return None
        if self._late and self.tries == 1 and self._fits_before(frame):
            self._late -= 1
            return FOREIGN, frame
        return (OK if exception_code(frame) is None else EXCEPTION), frame

    def _fits_before(self, frame: bytes) -> bool:
        """Whether it could answer the question before this one."""
        head = self._head_before
        if exception_code(frame) is None:
            return frame[: len(head)] == head
        return frame[1] & ~EXCEPTION_BIT == head[1]

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":  # noqa: ARG002  # the base class passes it
        if verdict == NO_ANSWER or self.part + 1 >= len(self._reads):
            return None
        # What was unreadable came in time, as far as can be told.
        self._late = 0 if verdict == UNREADABLE else self.tries - 1
        self._head_before = answer_head(self.question)
        self.part += 1
        return self._question(self.part)

    def _question(self, part: int) -> "bytes | None":
        if part >= len(self._reads):
            return None
        function, start, count = self._reads[part]
        return read_request(self._unit, function, start, count)
