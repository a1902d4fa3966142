"""Modbus functions beyond reading registers, and TCP, wherever they run."""

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus import tcp, write
from nuan_protocols.modbus.annotate import byte_groups, request_groups
from nuan_protocols.modbus.exchange import check_exchange, exception_in, parse_question
from nuan_protocols.modbus.identification import identification, identification_request
from nuan_protocols.modbus.identify import IdentificationReader, Identify
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import closed, read_request
from nuan_protocols.readout import EXCEPTION, OK

# The examples of the Modbus Application Protocol specification, sections 6.5 to 6.21.
WRITES = (
    (write.write_coil(17, 0xAC, True), "110500acff00", "110500acff00"),
    (write.write_register(17, 1, 3), "110600010003", "110600010003"),
    (
        write.write_coils(17, 19, [byte == "1" for byte in "1011001110"]),
        "110f0013000a02cd01",
        "110f0013000a",
    ),
    (write.write_registers(17, 1, (10, 258)), "1110000100020400 0a0102", "111000010002"),
    (
        write.read_and_write(17, 3, 6, 14, (255, 255, 255)),
        "111700030006000e00030600ff00ff00ff",
        "11170c00fe0acd00010003000d00ff",
    ),
)
FIRST = closed(bytes.fromhex("112b0e0101ff0202 0002414201 0143".replace(" ", "")))
SECOND = closed(bytes.fromhex("112b0e01010000010203562e31"))


def refusal(make, *fields):
    try:
        make(*fields)
    except FrameError as error:
        return error.offset
    return None


def covers(groups, frame):
    at = 0
    for offset, length, name, meaning in groups:
        assert offset == at, groups
        assert length > 0
        assert name
        assert meaning
        at += length
    assert at == len(frame), groups


def test_writes_are_as_the_specification_shows_them():
    for request, body, answered in WRITES:
        assert request == closed(bytes.fromhex(body.replace(" ", "")))
        answer = closed(bytes.fromhex(answered))
        asked = check_exchange(request, answer)
        assert (asked.unit, asked.function) == (17, request[1])
        covers(request_groups(request), request)
        covers(byte_groups(request, answer), answer)


def test_writes_out_of_bounds_are_not_made():
    assert refusal(write.write_register, 1, 0, 65536) == 4
    assert refusal(write.write_register, 1, -1, 0) == 2
    assert refusal(write.write_register, 248, 0, 0) == 0
    assert refusal(write.write_registers, 1, 0, [0] * 124) is not None
    assert refusal(write.write_registers, 1, 0, []) is not None
    assert refusal(write.write_coils, 1, 0, [True] * 1969) is not None
    assert refusal(write.read_and_write, 1, 0, 126, 0, [0]) is not None
    assert refusal(write.read_and_write, 0, 0, 1, 0, [0]) == 0
    assert refusal(write.write_registers, 1, 0, [0] * 123) is None
    assert refusal(write.write_coils, 0, 0, [True] * 1968) is None


def test_the_reader_finds_the_answers_to_writes():
    reader = ResponseReader()
    for request, _, answered in WRITES:
        answer = closed(bytes.fromhex(answered))
        for step in (1, 3, 64):
            for noise in (b"", b"\xff", b"\x11", b"\x11\x05\xff"):
                reader.echoes = False
                reader.expect(request)
                stream = noise + answer
                for at in range(0, len(stream), step):
                    reader.feed(stream[at : at + step])
                assert reader.next_frame() == answer


def test_on_a_line_that_echoes_the_echo_of_a_write_is_not_its_answer():
    reader = ResponseReader()
    request, _, _ = WRITES[1]
    question, answer = read_request(17, 3, 0, 1), closed(b"\x11\x03\x02\x00\x07")
    reader.expect(question)
    reader.feed(question + answer)
    assert reader.next_frame() == answer
    assert reader.echoes
    reader.expect(request)
    reader.feed(request)
    assert reader.next_frame() is None
    reader.idle()
    assert reader.noise_bytes == 0
    reader.expect(request)
    reader.feed(request + request)
    assert reader.next_frame() == request


def test_an_echo_that_looks_like_an_answer_is_none():
    question = read_request(1, 1, 0x0300, 20)
    reader = ResponseReader()
    reader.expect(question)
    reader.feed(question)
    assert reader.next_frame() is None


def test_a_device_says_who_it_is_in_two_answers():
    reader = IdentificationReader()
    assert refusal(identification_request, 17, 5) == 3
    for noise in (b"", b"\xff\x11\x2b", b"\x11"):
        readout = Identify(17, 1, 0, reader)
        for answer, first in ((FIRST, 0), (SECOND, 2)):
            question = readout.request()
            assert question == identification_request(17, 1, first)
            assert len(answer) <= readout.answer_bytes_max()
            stream = noise + question + answer
            at = 0
            while readout.waiting:
                assert at < len(stream)
                readout.feed(stream[at : at + 1])
                at += 1
            covers(request_groups(question), question)
            covers(byte_groups(question, answer), answer)
        assert readout.request() is None
        assert readout.objects == [(0, b"AB"), (1, b"C"), (2, b"V.1")]
        assert [exchange[:3] for exchange in readout.exchanges] == [(0, OK, 1), (0, OK, 1)]
    assert identification(FIRST).next_object == 2
    assert identification(SECOND).next_object == -1


def test_a_device_that_never_moves_on_is_not_asked_for_ever():
    readout = Identify(17)
    readout.request()
    readout.feed(closed(bytes.fromhex("112b0e0101ff00010000")))
    assert readout.request() is None


def test_a_device_that_knows_no_identification_is_an_exception():
    readout = Identify(17)
    question = readout.request()
    refused = closed(b"\x11\xab\x01")
    readout.feed(b"\x00" + refused)
    assert not readout.waiting
    assert readout.request() is None
    assert readout.exchanges == [(0, EXCEPTION, 1, question, refused)]


def test_tcp_frames_say_what_rtu_frames_say():
    for number, (request, _, body) in enumerate(WRITES):
        answer = closed(bytes.fromhex(body))
        question = tcp.from_rtu(request, number)
        reply = tcp.from_rtu(answer, number)
        assert tcp.to_rtu(reply) == answer
        assert tcp.frame_bytes(reply[:6]) == len(reply)
        asked = check_exchange(question, reply)
        assert (asked.at, asked.unit, asked.function) == (6, 17, request[1])
        covers(request_groups(question), question)
        covers(byte_groups(question, reply), reply)
    question = tcp.from_rtu(identification_request(17), 9)
    assert parse_question(question).at == 6
    covers(byte_groups(question, tcp.from_rtu(FIRST, 9)), tcp.from_rtu(FIRST, 9))


def test_a_tcp_answer_belongs_to_its_transaction():
    question = tcp.read_request(255, 3, 0, 1, 65535)
    answer = tcp.framed(65535, b"\xff\x03\x02\x00\x01")
    assert exception_in(check_exchange(question, answer), answer) is None
    refused = tcp.framed(65535, b"\xff\x83\x02")
    assert exception_in(check_exchange(question, refused), refused) == 2
    assert refusal(check_exchange, question, tcp.framed(1, b"\xff\x03\x02\x00\x01")) == 0
    assert refusal(check_exchange, question, answer[:-1]) is not None
    assert refusal(check_exchange, question, answer[:5] + b"\x06" + answer[6:]) is not None
    assert refusal(check_exchange, question, b"\xff\xff\x00\x01" + answer[4:]) == 2
    assert refusal(tcp.read_request, 256, 3, 0, 1, 1) == 6
    assert refusal(tcp.read_request, 1, 3, 0, 126, 1) == 10
    assert refusal(tcp.read_request, 1, 3, 0, 1, 65536) == 0
    assert refusal(tcp.frame_bytes, b"\x00\x00\x00\x00\xff\xff") == 4
    assert tcp.frame_bytes(b"\x00\x00\x00") == 0
