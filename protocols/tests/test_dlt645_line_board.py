"""Reading a DL/T 645 meter over a bad line: the reader and the master, on the PC and the board."""

from nuan_protocols.dlt645.frame import read_request, request
from nuan_protocols.dlt645.master import ReadOut
from nuan_protocols.dlt645.reader import FrameReader
from nuan_protocols.errors import FrameError
from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK, UNREADABLE

METER = "123456789012"
ADDRESS = b"\x12\x90\x78\x56\x34\x12"
ENERGY = 0x00010000
WAKE = b"\xfe\xfe\xfe\xfe"


def frame(control, data, address=ADDRESS):
    body = b"\x68" + address + bytes((0x68, control, len(data)))
    body += bytes([(byte + 0x33) & 0xFF for byte in data])
    return body + bytes((sum(body) & 0xFF, 0x16))


def energy(value=b"\x56\x34\x12\x00", control=0x91):
    return frame(control, b"\x00\x00\x01\x00" + value)


def asked(reads=((0x11, ENERGY, 0),), address=METER, tries=3):
    readout = ReadOut(address, reads, FrameReader(), tries)
    return readout, readout.request()


def test_the_question_is_the_standards():
    _, question = asked()
    assert question == WAKE + bytes.fromhex("68129078563412681104333334336816")
    assert read_request("AAAAAAAAAAAA", 0x13, 0) == WAKE + bytes.fromhex("68aaaaaaaaaaaa681300df16")
    assert read_request("010003635927", 0x01, 0x9010)[4:] == bytes.fromhex(
        "6827596303000168010243c3c016"
    )


def test_an_abbreviated_address_is_filled_with_wildcards():
    assert request("9012", 0x13)[5:11] == b"\x12\x90\xaa\xaa\xaa\xaa"
    for bad in ("", "123", "12345678901X", "1234567890123", "A1"):
        try:
            request(bad, 0x13)
        except FrameError:
            continue
        raise AssertionError(bad)


def test_noise_echo_and_other_meters_cost_nothing():
    other = frame(0x91, b"\x00\x00\x01\x00\x01\x02\x03\x04", b"\x13\x90\x78\x56\x34\x12")
    broken = bytearray(energy())
    broken[12] ^= 1
    for before in (
        b"",
        WAKE,
        b"\xfe" * 40,
        b"\x68",
        b"\x68\x68\x16\x00\xff",
        b"\x68\x12\x90\x78\x56\x34\x12",
        other,
        bytes(broken),
        bytes(broken[:9]),
        energy()[:-3],
        energy(b"\x68\x16\x68\x16")[1:],
    ):
        for echo in (False, True):
            readout, question = asked()
            readout.feed((question if echo else b"") + before + energy())
            if readout.waiting:
                readout.timeout()
            assert readout.exchanges == [(0, OK, 1, question, energy())], before
            assert readout.request() is None
            assert readout.result == OK


def test_start_and_stop_bytes_inside_data_mean_nothing():
    tricky = energy(bytes([(byte - 0x33) & 0xFF for byte in b"\x68\x16\x68\x16"]))
    readout, question = asked()
    for at in range(len(tricky)):
        assert readout.waiting
        assert readout.wanted() <= len(tricky) - at
        readout.feed(tricky[at : at + 1])
    assert readout.exchanges == [(0, OK, 1, question, tricky)]


def test_an_answer_that_names_something_else_is_passed_over():
    readout, question = asked()
    readout.feed(frame(0x91, b"\x00\x00\x02\x00\x01\x00\x00\x00"))
    readout.feed(frame(0x93, ADDRESS))
    readout.feed(frame(0x81, b"\x10\x90\x01\x00\x00\x00"))
    assert readout.waiting
    readout.feed(energy())
    assert readout.exchanges == [(0, OK, 1, question, energy())]


def test_a_meter_that_only_says_something_else_is_no_silent_one():
    readout, _ = asked(tries=1)
    readout.feed(frame(0x91, b"\x00\x00\x02\x00\x01\x00\x00\x00"))
    readout.timeout()
    assert readout.exchanges[0][1] == UNREADABLE


def test_a_wildcard_answer_is_taken():
    readout, question = asked(((0x01, 0x9010, 0),))
    answer = frame(0x81, b"\x10\x90\x01\x00\x00\x00", b"\xaa" * 6)
    readout.feed(answer)
    assert readout.exchanges == [(0, OK, 1, question, answer)]


def test_an_error_answer_ends_its_read_only():
    readout, first = asked(((0x11, 0x00020000, 0), (0x11, ENERGY, 0)))
    refusal = frame(0xD1, b"\x02")
    readout.feed(refusal)
    second = readout.request()
    assert second is not None
    readout.feed(energy())
    assert readout.exchanges == [
        (0, EXCEPTION, 1, first, refusal),
        (1, OK, 1, second, energy()),
    ]
    assert readout.request() is None
    assert readout.result == OK


def test_follow_ups_are_read_until_no_more_come():
    reads = ((0x11, 0x0001FF00, 0), (0x11, ENERGY, 0))
    di = b"\x00\xff\x01\x00"
    readout, first = asked(reads)
    readout.feed(frame(0xB1, di + b"\x01\x00\x00\x00"))
    second = readout.request()
    assert second == request(METER, 0x12, di + b"\x01")
    late = frame(0xB2, di + b"\x02\x00\x00\x00\x09")
    readout.feed(late)
    assert readout.waiting, "a part with another number is an old one"
    readout.feed(frame(0xB2, di + b"\x02\x00\x00\x00\x01"))
    third = readout.request()
    assert third == request(METER, 0x12, di + b"\x02")
    readout.feed(frame(0x92, di + b"\x03\x00\x00\x00\x02"))
    readout.request()
    readout.feed(energy())
    assert [one[0] for one in readout.exchanges] == [0, 0, 0, 1]
    assert [one[3] for one in readout.exchanges[:3]] == [first, second, third]
    assert readout.request() is None


def test_a_meter_of_1997_is_asked_for_more_once_only():
    readout, _ = asked(((0x01, 0x901F, 0), (0x01, 0x9010, 0)))
    readout.feed(frame(0xA1, b"\x1f\x90\x01\x00\x00\x00"))
    assert readout.request() == request(METER, 0x02, b"\x1f\x90")
    readout.feed(b"\x68\x12")
    readout.timeout()
    assert readout.exchanges[-1][1] == UNREADABLE
    last = readout.request()
    assert last == read_request(METER, 0x01, 0x9010)
    readout.timeout()
    assert readout.request() == last, "a first question is repeated as always"


def test_a_lost_part_of_1997_costs_no_other_read():
    readout, _ = asked(((0x01, 0x901F, 0), (0x01, 0x9020, 0)))
    readout.feed(frame(0xA1, b"\x1f\x90" + bytes(4)))
    readout.request()
    readout.timeout()
    assert readout.request() == request(METER, 0x01, b"\x20\x90")
    readout.feed(frame(0x81, b"\x20\x90" + bytes(4)))
    assert [each[:2] for each in readout.exchanges] == [(0, OK), (0, NO_ANSWER), (1, OK)]


def test_a_meter_that_always_has_more_is_left_in_the_end():
    readout, _ = asked(((0x11, 0x0001FF00, 0),))
    di = b"\x00\xff\x01\x00"
    readout.feed(frame(0xB1, di + b"\x01\x00\x00\x00"))
    count = 0
    while readout.request() is not None:
        count += 1
        readout.feed(frame(0xB2, di + b"\x01\x00\x00\x00" + bytes((count,))))
    assert count == 32


def test_silence_ends_the_turn_and_noise_does_not():
    readout, question = asked(((0x11, ENERGY, 0), (0x11, 0x00020000, 0)), tries=2)
    readout.timeout()
    assert readout.request() == question
    readout.timeout()
    assert readout.request() is None
    assert readout.exchanges == [(0, NO_ANSWER, 2, question, b"")]
    readout, _ = asked(((0x11, ENERGY, 0), (0x11, 0x00020000, 0)), tries=1)
    readout.feed(b"\x00\xff\x00")
    readout.timeout()
    assert readout.request() is not None
    assert readout.exchanges[0][1] == UNREADABLE


def test_only_reads_begin_a_turn():
    for control in (0x08, 0x12, 0x14, 0x15, 0x1C, 0x04, 0x02):
        offset = -1
        try:
            ReadOut(METER, ((control, 0, 0),))
        except FrameError as error:
            offset = error.offset
        assert offset == 12, control


def test_wake_bytes_are_no_noise():
    reader = FrameReader(METER)
    reader.feed(b"\x00\x01" + WAKE + energy())
    assert reader.noise_bytes == 2
    assert reader.next_frame() == energy()
    assert reader.next_frame() is None


def test_the_longest_answer_depends_on_the_question():
    readout, _ = asked()
    assert readout.answer_bytes_max() == 4 + 12 + 12
    readout, _ = asked(((0x11, 0x0001FF00, 0),))
    assert readout.answer_bytes_max() == 4 + 12 + 200
    readout, _ = asked(((0x01, 0x901F, 0),))
    assert readout.answer_bytes_max() == 4 + 12 + 200
