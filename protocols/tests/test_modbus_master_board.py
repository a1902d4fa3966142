"""The master's turn with a Modbus meter, wherever it runs."""

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.master import ReadOut
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import closed, read_request
from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK, UNREADABLE

READS = ((3, 0x101E, 2), (4, 7, 1))
FIRST = closed(b"\x05\x03\x04\x00\x01\x02\x03")
SECOND = closed(b"\x05\x04\x02\x00\x09")
REFUSAL = closed(b"\x05\x83\x02")


def turn(readout, line):
    """Drive a read-out; `line(question, tries)` gives what comes back on the line."""
    question = readout.request()
    while question is not None:
        stream = line(question, readout.tries)
        at = 0
        while readout.waiting:
            assert readout.wanted() >= 1
            piece = stream[at : at + readout.wanted()]
            at += len(piece)
            if piece:
                readout.feed(piece)
            else:
                readout.timeout()
        question = readout.request()
    return [(part, result, tries, answer) for part, result, tries, _, answer in readout.exchanges]


def answers(question):
    return FIRST if question[1] == 3 else SECOND


def test_each_read_is_an_exchange():
    readout = ReadOut(5, READS)
    assert readout.answer_bytes_max() == 9
    found = turn(readout, lambda question, tries: answers(question))
    assert found == [(0, OK, 1, FIRST), (1, OK, 1, SECOND)]
    assert readout.exchanges[1][3] == read_request(5, 4, 7, 1)
    assert readout.result == OK
    assert not readout.waiting
    assert readout.request() is None


def test_a_silent_meter_costs_one_question():
    readout = ReadOut(5, READS, ResponseReader(), 3)
    assert turn(readout, lambda question, tries: b"") == [(0, NO_ANSWER, 3, b"")]
    assert readout.result == NO_ANSWER
    assert turn(ReadOut(5, READS, None, 1), lambda question, tries: b"") == [(0, NO_ANSWER, 1, b"")]


def test_its_own_echo_alone_is_no_answer():
    readout = ReadOut(5, READS)
    assert turn(readout, lambda question, tries: question) == [(0, NO_ANSWER, 3, b"")]


def test_an_echo_before_the_answer_is_no_answer():
    found = turn(ReadOut(5, READS), lambda question, tries: question + answers(question))
    assert found == [(0, OK, 1, FIRST), (1, OK, 1, SECOND)]


def test_noise_alone_is_unreadable_and_the_next_read_goes_on():
    def line(question, tries):
        return SECOND if question[1] == 4 else question + b"\xff"

    readout = ReadOut(5, READS)
    assert turn(readout, line) == [(0, UNREADABLE, 3, b""), (1, OK, 1, SECOND)]
    assert readout.result == UNREADABLE


def test_a_refused_read_is_an_exchange_and_the_next_goes_on():
    found = turn(ReadOut(5, READS), lambda q, tries: REFUSAL if q[1] == 3 else SECOND)
    assert found == [(0, EXCEPTION, 1, REFUSAL), (1, OK, 1, SECOND)]


def test_a_lost_answer_is_asked_for_again():
    found = turn(ReadOut(5, READS), lambda q, tries: answers(q) if tries == 3 else b"")
    assert found == [(0, OK, 3, FIRST), (1, OK, 3, SECOND)]


def test_one_reader_serves_meter_after_meter():
    reader = ResponseReader()
    for _ in range(3):
        assert len(turn(ReadOut(5, READS, reader), lambda q, tries: answers(q)[:-1])) == 2
        assert len(turn(ReadOut(5, READS, reader), lambda q, tries: answers(q))) == 2


def test_nothing_to_read_is_no_turn():
    assert ReadOut(5, ()).request() is None


def test_a_write_is_no_read():
    offset = None
    try:
        ReadOut(5, ((6, 0, 1),))
    except FrameError as error:
        offset = error.offset
    assert offset == 1


def test_a_late_second_answer_is_not_taken_for_the_next_reads():
    heat = closed(b"\x05\x03\x04\x00\x00\x00\x2a")
    volume = closed(b"\x05\x03\x04\x00\x00\x00\x07")
    refusal = closed(b"\x05\x83\x06")

    def line(question, tries):
        if question[3] == 0:
            return heat if tries == 2 else b""
        # The answer to the first try, which came too late for the second.
        return late + volume

    for late in (heat, refusal):
        found = turn(ReadOut(5, ((3, 0, 2), (3, 8, 2))), line)
        assert found == [(0, OK, 2, heat), (1, OK, 1, volume)], late
    late = b""
    found = turn(ReadOut(5, ((3, 0, 2), (3, 8, 2))), line)
    assert found == [(0, OK, 2, heat), (1, OK, 2, volume)]
    found = turn(
        ReadOut(5, ((3, 0, 2), (3, 8, 1))), lambda q, tries: REFUSAL if tries == 2 else b""
    )
    assert found == [(0, EXCEPTION, 2, REFUSAL), (1, EXCEPTION, 2, REFUSAL)]
    found = turn(ReadOut(5, READS), lambda q, tries: answers(q) if q[1] == 4 or tries == 2 else b"")
    assert found == [(0, OK, 2, FIRST), (1, OK, 1, SECOND)]
