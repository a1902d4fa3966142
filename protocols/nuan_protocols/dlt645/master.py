"""Reads one DL/T 645 meter, as the master: questions out, answers in; see readout.py for the use.

    2007   11 DI        -> 91 DI data, or B1: more follows      D1 error
           12 DI SEQ    -> 92 DI data SEQ, or B2: still more    SEQ counts from 1
           13           -> 93 address                           asked of AA..AA, alone on the line
    1997   01 DI        -> 81 DI data, or A1: more follows      C1 error
           02 DI        -> 82 DI data, or A2: still more        C2 error

Each part of an answer is an exchange of its own, under the number of the read it continues. An
answer that names another DI or SEQ is an old one that came late: it is passed over.
A meter of 1997 counts its parts itself, so a part asked for twice could be skipped unseen; its
02 is sent once only, and what one lost answer proves isn't that the meter is gone.
"""

from typing import TYPE_CHECKING

from nuan_protocols.dlt645.frame import (
    CONTROL_AT,
    DATA_AT,
    ERROR_BIT,
    FRAME_BYTES_MIN,
    FUNCTION_MASK,
    LENGTH_AT,
    MASK,
    MORE_BIT,
    READ,
    READ_1997,
    READ_ADDRESS,
    READ_DATA_BYTES_MAX,
    READ_NEXT,
    READ_NEXT_1997,
    WAKE_BYTES,
    di_bytes,
    read_request,
)
from nuan_protocols.dlt645.reader import FrameReader
from nuan_protocols.errors import FrameError
from nuan_protocols.readout import (
    EXCEPTION,
    FOREIGN,
    NO_ANSWER,
    OK,
    TRIES,
)
from nuan_protocols.readout import (
    ReadOut as _ReadOut,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    # Control code 11h, 13h (2007) or 01h (1997), data identifier, 0.
    Read: TypeAlias = tuple[int, int, int]

# A meter that never says it is done must not hold the line for ever.
FOLLOW_UPS_MAX = 32

# Longest data of an identifier that is no block: a demand and its time, and the identifier.
_SINGLE_DATA_BYTES_MAX = 12
_SINGLE_GROUPS = 0x02
_BLOCK = 0xFF
_BLOCK_1997 = 0x0F
_READS = (READ, READ_1997, READ_ADDRESS)


class ReadOut(_ReadOut):
    """Asks the meter at `address` (12 digits as printed, AA for any pair) for all of `reads`.

    reads   ((control, di, 0), ...): 0x11 with a DI of 2007, 0x01 with one of 1997, 0x13 for the
            address

    Raises FrameError for an address or a read that can't be sent.
    """

    def __init__(
        self,
        address: str,
        reads: "tuple[Read, ...]",
        reader: "FrameReader | None" = None,
        tries: int = TRIES,
    ) -> None:
        for control, di, _ in reads:
            if control not in _READS:
                raise FrameError(
                    f"C {control:02X} begins no read (11, 13, or 01 of 1997)",
                    WAKE_BYTES + CONTROL_AT,
                )
            read_request(address, control, di)
        self._address = address
        self._reads = reads
        self._seq = 0
        self._tries = tries
        self._frames = FrameReader() if reader is None else reader
        super().__init__(self._frames, self._first(0), tries)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`, its FE included."""
        control, di, _ = self._reads[self.part]
        most = READ_DATA_BYTES_MAX
        if control == READ_ADDRESS or (not self._seq and _is_single(control, di)):
            most = _SINGLE_DATA_BYTES_MAX
        return WAKE_BYTES + FRAME_BYTES_MIN + most

    def _look(self) -> "tuple[int, bytes] | None":
        answer = self._frames.next_frame()
        if answer is None:
            return None
        asked, control = self.question[WAKE_BYTES + CONTROL_AT], answer[CONTROL_AT]
        if control & FUNCTION_MASK != asked:
            return FOREIGN, answer
        if control & ERROR_BIT:
            return EXCEPTION, answer
        if asked != READ_ADDRESS and not self._answers(answer):
            # Should nothing better come, the meter was heard, if not understood.
            self._frames.noise_bytes += len(answer)
            return FOREIGN, answer
        return OK, answer

    def _answers(self, answer: bytes) -> bool:
        """It carries the DI of the question and, when it continues an answer of 2007, its SEQ."""
        control = self.question[WAKE_BYTES + CONTROL_AT]
        size = di_bytes(control)
        if answer[LENGTH_AT] < size:
            return False
        at = WAKE_BYTES + DATA_AT
        if answer[DATA_AT : DATA_AT + size] != self.question[at : at + size]:
            return False
        if control != READ_NEXT:
            return True
        last = DATA_AT + answer[LENGTH_AT] - 1
        return last >= DATA_AT + size and (answer[last] - MASK) & 0xFF == self._seq

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":
        asked_once = self._tries_max == 1 and self._seq
        if verdict == NO_ANSWER and not asked_once:
            return None
        if verdict == OK and answer[CONTROL_AT] & MORE_BIT and self._seq < FOLLOW_UPS_MAX:
            self._seq += 1
            control, di, _ = self._reads[self.part]
            if control == READ_1997:
                self._tries_max = 1
                return read_request(self._address, READ_NEXT_1997, di)
            return read_request(self._address, READ_NEXT, di, self._seq)
        self._seq = 0
        self._tries_max = self._tries
        question = self._first(self.part + 1)
        if question is not None:
            self.part += 1
        return question

    def _first(self, part: int) -> "bytes | None":
        if part >= len(self._reads):
            return None
        control, di, _ = self._reads[part]
        return read_request(self._address, control, di)


def _is_single(control: int, di: int) -> bool:
    """The identifier names one value, by the standard at most 8 bytes long."""
    if control == READ_1997:
        return di & 0x0F != _BLOCK_1997 and di & 0xF0 != 0xF0
    return (
        di >> 24 <= _SINGLE_GROUPS
        and di >> 16 & 0xFF != _BLOCK
        and di >> 8 & 0xFF != _BLOCK
        and di & 0xFF != _BLOCK
    )
