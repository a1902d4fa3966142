"""Frames, reader and master of CJ/T 188, as the board runs them. Data: makers' example frames."""

from nuan_protocols.cjt188.frame import ADDRESS_ANY, make, parse, printed_address, wire_address
from nuan_protocols.cjt188.master import Address, ReadOut
from nuan_protocols.cjt188.reader import FrameReader
from nuan_protocols.errors import FrameError
from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK, UNREADABLE

QUESTION = bytes.fromhex("fefefefe68207536495900111101031f9012bc16")
ANSWER = bytes.fromhex(
    "682775364959001111812e1f901257923601059384630305750400001710930000358207"
    "71002c0451006146009083023124090801132004085a16"
)
WIRE = bytes.fromhex("75364959001111")
METER = Address(0x20, WIRE, 0)
READS = ((1, 0x1F, 0x90),)


def refused(raw, extra=0):
    try:
        parse(raw, extra)
    except FrameError as error:
        return error.offset
    raise AssertionError("taken")


def answer_to(question, data=b"\x00", kind=0x25, abnormal=False):
    asked = parse(question)
    if abnormal:
        return make(kind, asked.address, asked.control | 0xC0, asked.data[2:3] + data, 2)
    return make(kind, asked.address, asked.control | 0x80, asked.data + data, 2)


def found(reader):
    frames = []
    frame = reader.next_frame()
    while frame is not None:
        frames.append(frame.raw)
        frame = reader.next_frame()
    return frames


def test_frames_are_made_and_checked():
    assert make(0x20, WIRE, 1, b"\x1f\x90\x12") == QUESTION
    frame = parse(QUESTION)
    assert (frame.start, frame.type, frame.control) == (4, 0x20, 1)
    assert frame.address == WIRE
    assert frame.data == b"\x1f\x90\x12"
    assert parse(b"\xff\xaa\x00\xfe" + ANSWER).start == 4


def test_what_is_wrong_with_a_frame_is_told_with_its_byte():
    assert refused(b"") == 0
    assert refused(b"\xfe\xfe") == 2
    assert refused(b"\xfe\x67" + ANSWER) == 1
    assert refused(ANSWER[:12]) == 12
    assert refused(ANSWER[:-1]) == len(ANSWER) - 1
    assert refused(ANSWER + b"\x16") == len(ANSWER)
    assert refused(ANSWER[:-1] + b"\x17") == len(ANSWER) - 1
    assert refused(ANSWER[:-2] + b"\x00\x16") == len(ANSWER) - 2


def test_addresses_are_printed_high_byte_first():
    assert wire_address("11110059493675") == WIRE
    assert wire_address("FFFFF140390318", True) == bytes.fromhex("fffff140390318")
    assert printed_address(WIRE) == "11110059493675"
    assert printed_address(WIRE, True) == "75364959001111"
    assert wire_address("AAAAAAAAAAAAAA") == ADDRESS_ANY
    for wrong in ("1111005949367", "111100594936750", "1111005949367G", "11 11 00 59 49"):
        try:
            wire_address(wrong)
        except FrameError:
            continue
        raise AssertionError(wrong)


def test_an_extra_byte_before_the_checksum_is_counted():
    body = bytes.fromhex("6855010203040506078103901f00") + b"\x5a"
    raw = body + bytes((sum(body) & 0xFF, 0x16))
    assert parse(raw, 1).data == b"\x90\x1f\x00"
    assert refused(raw) == len(raw) - 1
    reader = FrameReader(1)
    reader.feed(QUESTION + raw)
    assert found(reader) == [raw]


def test_a_question_of_type_55_is_answered_with_one_byte_more():
    reader = FrameReader()
    readout = ReadOut(Address(0x55, WIRE, 0), ((1, 0x90, 0x1F),), 7, reader)
    readout.request()
    body = b"\x68\x55" + WIRE + bytes.fromhex("8103901f07") + b"\x5a"
    raw = body + bytes((sum(body) & 0xFF, 0x16))
    readout.feed(raw)
    assert readout.exchanges[0][4] == raw
    reader.expect(QUESTION)
    reader.feed(ANSWER)
    assert found(reader) == [ANSWER]


def test_the_reader_finds_answers_behind_echo_trains_and_noise():
    for before in (
        b"",
        QUESTION,
        b"\xfe" * 300,
        b"\xff\xaa\x00\x55" * 3,
        QUESTION[:9],
        b"\x68\x68\x68",
        b"\x16\x68\x16",
        ANSWER[:-2] + b"\x00\x16",
    ):
        reader = FrameReader()
        reader.expect(QUESTION)
        for byte in before + ANSWER:
            reader.feed(bytes((byte,)))
        reader.idle()
        assert found(reader) == [ANSWER], before


def test_wake_up_and_echo_are_no_noise():
    reader = FrameReader()
    reader.expect(QUESTION)
    reader.feed(QUESTION + b"\xfe\xfe" + ANSWER)
    assert reader.noise_bytes == 0
    reader.expect(QUESTION)
    assert reader.next_frame() is None
    reader.feed(b"\x01\x02")
    assert reader.noise_bytes == 2


def test_wanted_never_asks_for_more_than_the_answer_has():
    reader = FrameReader()
    for end in range(len(ANSWER)):
        assert 1 <= reader.wanted() <= len(ANSWER) - end
        reader.feed(ANSWER[end : end + 1])
    assert found(reader) == [ANSWER]


def test_a_meter_is_read_and_its_type_may_differ():
    readout = ReadOut(METER, READS, 0x12)
    assert readout.request() == QUESTION
    assert readout.answer_bytes_max() >= len(ANSWER)
    readout.feed(QUESTION + ANSWER)
    assert not readout.waiting
    assert readout.request() is None
    assert readout.exchanges == [(0, OK, 1, QUESTION, ANSWER)]
    assert (readout.result, readout.ser) == (OK, 0x13)


def test_ser_counts_on_over_reads_and_wraps():
    readout = ReadOut(METER, ((1, 0x90, 0x1F), (1, 0xD1, 0x20)), 0xFF)
    first = readout.request()
    assert parse(first).data == b"\x90\x1f\xff"
    readout.feed(answer_to(first))
    second = readout.request()
    assert parse(second).data == b"\xd1\x20\x00"
    readout.feed(answer_to(second))
    assert [(part, result) for part, result, _, _, _ in readout.exchanges] == [(0, OK), (1, OK)]
    assert readout.ser == 1


def test_late_answers_and_other_meters_are_foreign():
    readout = ReadOut(METER, READS, 0x12)
    asked = readout.request()
    other = make(0x20, b"\x01" * 7, 0x81, b"\x1f\x90\x12\x00")
    late = make(0x20, WIRE, 0x81, b"\x1f\x90\x11\x00")
    history = make(0x20, WIRE, 0x83, b"\x81\x0a\x12")
    bare = make(0x20, WIRE, 0x81, b"")
    readout.feed(other + late + history + bare)
    assert readout.waiting
    readout.feed(answer_to(asked))
    assert readout.exchanges[0][1] == OK


def test_a_refusal_is_kept_and_the_next_read_is_tried():
    readout = ReadOut(METER, ((1, 0xD1, 0x20), (1, 0x1F, 0x90)), 7)
    refusal = answer_to(readout.request(), b"\x04\x08", 0x20, True)
    readout.feed(refusal)
    assert readout.exchanges[0][1] == EXCEPTION
    assert readout.exchanges[0][4] == refusal[2:]
    readout.feed(answer_to(readout.request()))
    assert readout.exchanges[1][1] == OK
    assert readout.result == OK


def test_silence_ends_the_turn_after_the_same_question_thrice():
    readout = ReadOut(METER, ((1, 0x90, 0x1F), (1, 0xD1, 0x20)), 0)
    sent = set()
    while True:
        question = readout.request()
        if question is None:
            break
        sent.add(question)
        readout.timeout()
    assert len(sent) == 1
    ((part, result, tries, _, answer),) = readout.exchanges
    assert (part, result, tries, answer) == (0, NO_ANSWER, 3, b"")
    assert readout.result == NO_ANSWER


def test_noise_is_unreadable_and_the_next_read_is_tried():
    readout = ReadOut(METER, ((1, 0x90, 0x1F), (1, 0xD1, 0x20)), 0, None, 1)
    readout.request()
    readout.feed(b"\x68\x20\x00")
    readout.timeout()
    assert readout.exchanges[0][1] == UNREADABLE
    question = readout.request()
    assert parse(question).data == b"\xd1\x20\x01"
    readout.feed(answer_to(question))
    assert [each[1] for each in readout.exchanges] == [UNREADABLE, OK]


def test_a_masked_question_adds_33_to_every_byte_of_data():
    readout = ReadOut(Address(0x20, WIRE, 0x33), ((1, 0x90, 0x1F),), 1)
    question = readout.request()
    assert parse(question).data == b"\xc3\x52\x34"
    readout.feed(make(0x20, WIRE, 0x81, b"\xc3\x52\x34\x33"))
    assert readout.exchanges[0][1] == OK


def test_whoever_is_there_answers_the_wildcard():
    readout = ReadOut(Address(0xAA, ADDRESS_ANY, 0), ((3, 0x81, 0x0A),), 5)
    readout.request()
    readout.feed(make(0x10, WIRE, 0x83, b"\x81\x0a\x05"))
    assert readout.exchanges[0][1] == OK


def test_no_reads_is_no_turn():
    readout = ReadOut(METER, (), 0)
    assert readout.request() is None
    assert readout.exchanges == []


def test_an_answer_to_another_identifier_or_number_is_passed_over_but_heard():
    for data in (b"\xd1\x20\x07\x00", b"\x90\x1f\x06\x00", b"\x90\x1f", b""):
        readout = ReadOut(METER, ((1, 0x90, 0x1F),), 7, None, 1)
        readout.request()
        readout.feed(make(0x20, WIRE, 0x81, data))
        assert readout.waiting, data
        readout.timeout()
        assert readout.exchanges[0][1] == UNREADABLE, data


def test_the_identifier_may_come_back_in_the_other_order():
    readout = ReadOut(METER, ((1, 0x90, 0x1F),), 7)
    readout.request()
    readout.feed(make(0x20, WIRE, 0x81, b"\x1f\x90\x07\x00"))
    assert readout.exchanges[0][1] == OK


def test_the_running_number_begins_again_after_255():
    readout = ReadOut(METER, ((1, 0x90, 0x1F), (1, 0xD1, 0x20)), 255)
    for number in (255, 0):
        question = readout.request()
        assert parse(question).data[2] == number
        readout.feed(answer_to(question))
    assert [each[1] for each in readout.exchanges] == [OK, OK]
    assert readout.ser == 1
