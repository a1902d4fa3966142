"""Reads one CJ/T 188 meter, as the master: bytes to send out, answers in.

    FE FE FE FE 68 T A0..A6 C 03 DI DI SER CS 16  ->  68 T A0..A6 C+80h L DI DI SER .. CS 16
                                                      68 T A0..A6 C+C0h 03 SER ST ST CS 16

The master counts SER up and the meter echoes it: an answer is known by its address, SER and DI,
whichever byte of DI goes first. T is not compared, for makers answer with their own. Some makers
add 33h to every byte of DATA.
"""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.frame import (
    ABNORMAL,
    ADDRESS_ANY,
    ANSWER,
    CONTROL_AT,
    DATA_AT,
    OVERHEAD_BYTES,
    PREAMBLE_BYTES,
    make,
)
from nuan_protocols.cjt188.reader import FrameReader
from nuan_protocols.readout import EXCEPTION, FOREIGN, NO_ANSWER, OK, TRIES
from nuan_protocols.readout import ReadOut as _ReadOut

if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    # Control code and both bytes of the data identifier, in wire order.
    Read: TypeAlias = tuple[int, int, int]

    class Address(NamedTuple):
        """Whom to ask: T, the 7 address bytes as the wire has them, and 0 or 33h added to DATA."""

        type: int
        wire: bytes
        mask: int

else:
    from collections import namedtuple

    Address = namedtuple("Address", ("type", "wire", "mask"))

MASK_PLUS_33 = 0x33

_DI_BYTES = 2
_SER_AT = PREAMBLE_BYTES + DATA_AT + _DI_BYTES
_ERROR_DATA_BYTES = 3
# L of what may be asked for; the standard allows 64h for anything read.
_L_MAX = 0x64
_L_CURRENT = 0x2E
_L_HISTORY = 0x12
_DI_CURRENT = (0x90, 0x1F)
_DI_HISTORY = 0xD1


class ReadOut(_ReadOut):
    """Asks `meter` for each of `reads`, the first with SER `ser`, the next with the one after it.

    meter    an address of only AA asks whoever is there: one meter alone on the line
    reads    (control, first DI byte, second DI byte) as the wire has them
    ser      after the turn: what the next one shall begin with (0..255)
    """

    def __init__(
        self,
        meter: Address,
        reads: "tuple[Read, ...]",
        ser: int,
        reader: FrameReader | None = None,
        tries: int = TRIES,
    ) -> None:
        self.ser = ser & 0xFF
        self._meter = meter
        self._reads = reads
        self._frames = FrameReader() if reader is None else reader
        question = self._ask(reads[0]) if reads else None
        super().__init__(self._frames, question, tries)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`, wake-up bytes included."""
        first, second = self._reads[self.part][1:]
        data = _L_MAX
        if (first, second) == _DI_CURRENT or (second, first) == _DI_CURRENT:
            data = _L_CURRENT
        elif _DI_HISTORY in (first, second):
            data = _L_HISTORY
        return PREAMBLE_BYTES + OVERHEAD_BYTES + data + self._frames.extra_bytes

    def _look(self) -> "tuple[int, bytes] | None":
        frame = self._frames.next_frame()
        if frame is None:
            return None
        if self._meter.wire != ADDRESS_ANY and frame.address != self._meter.wire:
            return FOREIGN, b""
        asked, data = self.question, frame.data
        answered = frame.control ^ asked[PREAMBLE_BYTES + CONTROL_AT]
        if answered == ANSWER and len(data) > _DI_BYTES:
            first, second = asked[_SER_AT - 2], asked[_SER_AT - 1]
            named = (data[0], data[1])
            if data[2] == asked[_SER_AT] and named in ((first, second), (second, first)):
                return OK, frame.raw
        elif (
            answered == ANSWER | ABNORMAL
            and len(data) == _ERROR_DATA_BYTES
            and data[0] == asked[_SER_AT]
        ):
            return EXCEPTION, frame.raw
        # Should nothing better come, the meter was heard, if not understood.
        self._frames.noise_bytes += len(frame.raw)
        return FOREIGN, b""

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":  # noqa: ARG002 - base class has it
        if verdict == NO_ANSWER or self.part + 1 >= len(self._reads):
            return None
        self.part += 1
        return self._ask(self._reads[self.part])

    def _ask(self, read: "Read") -> bytes:
        control, first, second = read
        mask = self._meter.mask
        data = bytes([(byte + mask) & 0xFF for byte in (first, second, self.ser)])
        self.ser = (self.ser + 1) & 0xFF
        return make(self._meter.type, self._meter.wire, control, data)
