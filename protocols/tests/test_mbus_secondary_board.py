"""Reading by secondary address, and after an application reset, on CPython and on the board."""

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import secondary
from nuan_protocols.mbus.frame import ACK, long_frame, short_frame
from nuan_protocols.mbus.master import ReadOut
from nuan_protocols.readout import NO_ANSWER, OK, UNREADABLE

PRINTED = "123456782C2D0104"
WIRE = bytes.fromhex("785634122d2c0104")
E5 = bytes((ACK,))
NKE = short_frame(0x40, 0xFD)
SELECT = bytes.fromhex("680b0b6853fd52785634122d2c010414 16".replace(" ", ""))
SELECT_73 = secondary.select_frame(WIRE, 0x73)
FIRST = short_frame(0x7B, 0xFD)
SECOND = short_frame(0x5B, 0xFD)


def answer(data=b"\x01\x06\x05", head=WIRE):
    return long_frame(0x08, 5, 0x72, head + b"\x55\x00\x00\x00" + data)


def run(readout, script):
    """Feed scripted answers; gives what was sent."""
    sent = []
    question = readout.request()
    while question is not None:
        sent.append(question)
        reply = script.pop(0) if script else b""
        while readout.waiting:
            if reply:
                readout.feed(reply)
                reply = b""
            else:
                readout.timeout()
        question = readout.request()
    return sent


def test_an_address_is_printed_high_digit_first_and_sent_low_byte_first():
    assert secondary.wire(PRINTED) == WIRE
    assert secondary.wire(PRINTED.lower()) == WIRE
    assert secondary.printed(WIRE) == PRINTED
    for text, at in (("1234567", 7), (PRINTED + "0", 16), ("12345678XC2D0104", 8)):
        offset = -1
        try:
            secondary.wire(text)
        except FrameError as error:
            offset = error.offset
        assert offset == at, text


def test_wildcards_are_nibbles_of_the_identification_and_bytes_of_the_rest():
    shown = WIRE
    for mask in ("FFFFFFFFFFFFFFFF", "12FF56F8FFFF01FF", PRINTED, "1234567FFF2DFFFF"):
        assert secondary.matches(secondary.wire(mask), shown), mask
    for mask in ("22FFFFFFFFFFFFFF", "FFFFFFFFFFFF02FF", "FFFFFFFFFFFFFFF4", "FFFFFFFF2DFFFFFF"):
        assert not secondary.matches(secondary.wire(mask), shown), mask


def test_who_answered_is_read_from_every_kind_of_header():
    assert secondary.who(answer()) == WIRE
    high_first = bytes.fromhex("123456782c2d0104") + bytes(4)
    assert secondary.who(long_frame(8, 5, 0x76, high_first)) == WIRE
    assert (
        secondary.who(long_frame(8, 5, 0x73, bytes.fromhex("7856341200") + bytes(11)))[:4]
        == (WIRE[:4])
    )
    for ci in (0x78, 0x7A, 0x70):
        assert secondary.who(long_frame(8, 5, ci, bytes(20))) == b""
    assert secondary.who(long_frame(8, 5, 0x72, bytes(7))) == b""


def test_a_meter_is_selected_then_read_at_fd():
    assert SELECT[-2] == sum(SELECT[4:-2]) & 0xFF
    more = answer(b"\x01\x06\x07\x1f")
    readout = ReadOut(WIRE)
    assert run(readout, [b"", E5, more, answer()]) == [NKE, SELECT, FIRST, SECOND]
    assert readout.result == OK
    assert readout.exchanges == [(0, OK, 1, FIRST, more), (1, OK, 1, SECOND, answer())]
    assert not readout.fcb_kept


def test_some_meters_want_the_frame_count_bit_in_a_selection():
    readout = ReadOut(WIRE)
    sent = run(readout, [E5, b"", E5, b"", answer()])
    assert sent == [NKE, SELECT, SELECT_73, FIRST, FIRST]
    assert readout.exchanges == [(0, OK, 2, FIRST, answer())]


def test_who_does_not_acknowledge_is_not_asked():
    readout = ReadOut(WIRE, tries=3)
    assert run(readout, []) == [NKE, SELECT, SELECT_73, SELECT]
    assert readout.result == NO_ANSWER
    assert readout.exchanges == [(0, NO_ANSWER, 3, SELECT, b"")]
    assert readout.question == SELECT


def test_another_meters_answer_is_refused():
    stranger = answer(head=bytes.fromhex("795634122d2c0104"))
    readout = ReadOut(WIRE, tries=2)
    run(readout, [E5, E5, stranger, stranger])
    assert readout.result == UNREADABLE
    assert readout.exchanges == [(0, UNREADABLE, 2, FIRST, b"")]
    readout = ReadOut(secondary.wire("FFFFFFFFFFFFFFFF"))
    run(readout, [E5, E5, stranger])
    assert readout.exchanges[0][4] == stranger


def test_an_application_reset_goes_before_the_reading():
    reset = long_frame(0x53, 5, 0x50, b"\x10")
    readout = ReadOut(5, application_reset=0x10)
    sent = run(readout, [E5, E5, answer()])
    assert sent == [short_frame(0x40, 5), reset, short_frame(0x7B, 5)]
    # Some meters count the reset's bit with the requests': 53, then 5B would be a repetition.
    assert not readout.fcb_kept
    readout = ReadOut(WIRE, application_reset=0)
    sent = run(readout, [E5, E5, E5, answer()])
    assert sent == [NKE, SELECT, long_frame(0x53, 0xFD, 0x50, b"\x00"), FIRST]
    readout = ReadOut(5, reset=False, fcb=False, application_reset=0x10)
    assert run(readout, [E5, answer()]) == [reset, short_frame(0x5B, 5)]


def test_without_its_acknowledgement_a_meter_is_not_read():
    readout = ReadOut(5, application_reset=0x10, tries=2)
    sent = run(readout, [E5])
    assert sent[1:] == [long_frame(0x53, 5, 0x50, b"\x10")] * 2
    assert readout.exchanges == [(0, NO_ANSWER, 2, sent[1], b"")]


def test_after_several_telegrams_the_next_turn_starts_anew():
    readout = ReadOut(5)
    run(readout, [E5, answer(b"\x1f"), answer()])
    assert readout.result == OK
    assert not readout.fcb_kept
    readout = ReadOut(5, telegrams_max=1)
    run(readout, [E5, answer(b"\x1f")])
    assert not readout.fcb_kept
