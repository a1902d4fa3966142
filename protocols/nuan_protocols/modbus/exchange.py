"""A Modbus question and its answer, from a serial line or from TCP: all functions, checked.

    RTU     unit | function | data | crc u16 (low byte first)
    TCP     transaction u16 | 0 u16 | length u16 | unit | function | data

    function    question's data                                answer's data
    1..4        start u16 | count u16                          n u8 | n bytes
    5, 6        address u16 | value u16                        the same
    15, 16      start | count | n u8 | n bytes                 start | count
    23          start | count | start | count | n u8 | n bytes n u8 | n bytes
    43          0Eh | code u8 | object u8                      functions.py
    any + 80h                                                  exception code u8

Frames are taken as they were on the wire and say themselves where they come from: a question is
RTU when function, length and CRC fit, else TCP when its header does.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.rtu import (
    CRC_BYTES,
    EXCEPTION_BIT,
    EXCEPTION_BYTES,
    READ_AND_WRITE,
    READ_INPUT_REGISTERS,
    UNIT_MAX,
    answer_bytes,
    answer_head,
    check_crc,
    check_read,
    exception_code,
)
from nuan_protocols.modbus.tcp import HEADER_BYTES, check_header, has_header

if TYPE_CHECKING:
    from typing import NamedTuple

    class Question(NamedTuple):
        """A checked request.

        start, span   what is read (23 too), or written; for 43 read code and first object
        at             of the unit in the question and in its answer: 0 in RTU, 6 in TCP
        head           what a good answer has from there on
        answer_bytes   length of a whole good answer; 0: its own bytes say it (43)
        """

        unit: int
        function: int
        start: int
        span: int
        at: int
        head: bytes
        answer_bytes: int

else:
    from collections import namedtuple

    Question = namedtuple(
        "Question", ("unit", "function", "start", "span", "at", "head", "answer_bytes")
    )

_READ_BODY_BYTES = 6
_REQUEST_BYTES_MIN = 7


def parse_question(question: bytes) -> Question:
    """A request of any function, on RTU or TCP. Raises FrameError with the offset."""
    if not has_header(question):
        asked = _parse(question, 0, len(question) - CRC_BYTES)
        check_crc(question)
        return asked
    try:
        asked = _parse(question, 0, len(question) - CRC_BYTES)
        check_crc(question)
    except FrameError:
        return _parse(question, HEADER_BYTES, len(question))
    return asked


def check_answer(asked: Question, question: bytes, answer: bytes) -> None:
    """Raise FrameError unless `answer` is one whole answer, or exception answer, to `question`.

    `asked` is parse_question(question), or of the same question with another transaction number.
    """
    at, head = asked.at, asked.head
    if len(answer) != asked.answer_bytes or answer[at : at + len(head)] != head:
        _check_shape(asked, answer)
    if at:
        check_header(question, answer)
    else:
        check_crc(answer)


def check_exchange(question: bytes, answer: bytes) -> Question:
    """The checked question of a checked answer. Raises FrameError with the offset."""
    asked = parse_question(question)
    check_answer(asked, question, answer)
    return asked


def exception_in(asked: Question, answer: bytes) -> int | None:
    """Code of a checked exception answer, None for any other (named in exceptions.py)."""
    return exception_code(answer, asked.at)


def _check_shape(asked: Question, answer: bytes) -> None:
    """What is wrong with an answer, or a good one that the question alone doesn't foretell."""
    at, function = asked.at, asked.function
    least = at + EXCEPTION_BYTES - (CRC_BYTES if at else 0)
    if len(answer) < least:
        raise FrameError(f"an answer has at least {least} bytes, this one has {len(answer)}", 0)
    if answer[at] != asked.unit:
        raise FrameError(f"unit {answer[at]} answered instead of unit {asked.unit}", at)
    if answer[at + 1] == function | EXCEPTION_BIT:
        expected = least
    elif answer[at + 1] != function:
        raise FrameError(
            f"function {answer[at + 1]:#04x} answered to function {function:#04x}", at + 1
        )
    elif function <= READ_INPUT_REGISTERS or function == READ_AND_WRITE:
        if answer[at + 2] != asked.head[2]:
            raise FrameError(
                f"{answer[at + 2]} data bytes answered, {asked.head[2]} were asked for", at + 2
            )
        expected = asked.answer_bytes
    else:
        from nuan_protocols.modbus import functions

        end = len(answer) - (0 if at else CRC_BYTES)
        size = functions.answer_body_bytes(asked.head, answer, at, end)
        expected = at + size + len(answer) - end
    if len(answer) != expected:
        raise FrameError(f"the answer has {len(answer)} bytes instead of {expected}", at + 2)


def _parse(frame: bytes, at: int, end: int) -> Question:
    """The request whose body (unit, function, data) is frame[at:end]."""
    if len(frame) < _REQUEST_BYTES_MIN:
        raise FrameError(
            f"a request has at least {_REQUEST_BYTES_MIN} bytes, this one has {len(frame)}",
            len(frame),
        )
    unit, function = frame[at], frame[at + 1]
    if at == 0 and unit > UNIT_MAX:
        raise FrameError(f"unit {unit} is not within 0..{UNIT_MAX}", 0)
    if 1 <= function <= READ_INPUT_REGISTERS:
        _check_size(frame, at, end, _READ_BODY_BYTES)
        start, span = frame[at + 2] << 8 | frame[at + 3], frame[at + 4] << 8 | frame[at + 5]
        check_read(function, start, span, at)
        head = answer_head(frame[at:end])
    else:
        # The board reads with the four above and never loads the others.
        from nuan_protocols.modbus import functions

        _check_size(frame, at, end, functions.body_bytes(frame, at, end))
        start, span, head = functions.parse(frame, at)
        if len(head) == functions.IDENTIFY_HEAD_BYTES:
            return Question(unit, function, start, span, at, head, 0)
    size = answer_bytes(head) + (at - CRC_BYTES if at else 0)
    return Question(unit, function, start, span, at, head, size)


def _check_size(frame: bytes, at: int, end: int, size: int) -> None:
    if end - at != size:
        raise FrameError(
            f"a request for function {frame[at + 1]} has {len(frame) - end + at + size} bytes, "
            f"this one has {len(frame)}",
            len(frame),
        )
