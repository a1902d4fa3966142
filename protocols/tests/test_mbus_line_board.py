"""Reader and master on a line with noise, echo and other meters, on CPython and on the board."""

from nuan_protocols.mbus.frame import ACK, FRAME_BYTES_MAX, long_frame, short_frame
from nuan_protocols.mbus.master import ReadOut
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.mbus.walk import more_follows
from nuan_protocols.readout import NO_ANSWER, OK, UNREADABLE

HEADER = bytes.fromhex("785634122d2c010455000000")
E5 = bytes((ACK,))
NKE = short_frame(0x40, 5)
FIRST = short_frame(0x7B, 5)
SECOND = short_frame(0x5B, 5)


def answer(address=5, data=b"\x01\x06\x05"):
    return long_frame(0x08, address, 0x72, HEADER + data)


def frames(reader):
    found = []
    frame = reader.next_frame()
    while frame is not None:
        found.append(frame.raw)
        frame = reader.next_frame()
    return found


def read_all(stream, address=None, piece=1):
    reader = FrameReader(address)
    for start in range(0, len(stream), piece):
        reader.feed(stream[start : start + piece])
    reader.idle()
    return frames(reader)


def test_frames_in_any_pieces():
    stream = answer() + E5 + answer(7, bytes(100)) + E5
    for piece in (1, 2, 3, 7, 64, 1000):
        assert read_all(stream, None, piece) == [answer(), E5, answer(7, bytes(100)), E5]


def test_a_bad_byte_costs_no_good_frame_behind_it():
    good = answer()
    for noise in (
        b"\xff",
        b"\x00\x00",
        b"\x68",
        b"\x68\x12",
        b"\x68\x68\x68",
        b"\x68\x12\x12\x68",
        b"\x68\xff\xff\x68\x08",
        b"\x10",
        b"\x10\x40\x05",
        b"\x16",
        good[:-1],
        good[:9] + b"\x00" + good[10:],
        good[:1] + good[2:],
        b"\x68\x02\x02\x68\x08\x05\x0d\x16",
    ):
        assert read_all(noise + good + noise + good, 5)[-2:] == [good, good], noise
        assert read_all(good + noise, 5) == [good], noise


def test_echo_and_other_meters_are_skipped():
    stream = FIRST + answer(6) + long_frame(0x53, 5, 0x51, b"\x01\x7a\x06") + answer()
    assert read_all(stream, 5) == [answer()]


def test_an_echo_is_no_acknowledgement():
    # The checksum of SND_NKE to 165 is E5, and so is the address of SND_NKE to 229.
    for address in (165, 229):
        reader = FrameReader()
        request = short_frame(0x40, address)
        reader.expect(request)
        reader.feed(request)
        assert frames(reader) == []
        assert reader.noise_bytes == 0
        reader.feed(E5)
        assert frames(reader) == [E5]


def test_what_came_before_the_request_is_no_answer():
    reader = FrameReader()
    reader.feed(answer() + b"\x68\x20")
    reader.expect(FIRST)
    reader.feed(answer(5, b"\x01\x06\x07"))
    assert frames(reader) == [answer(5, b"\x01\x06\x07")]


def test_an_acknowledgement_is_no_answer_to_a_request_for_data():
    reader = FrameReader()
    reader.expect(FIRST)
    reader.feed(E5 + answer())
    assert frames(reader) == [answer()]
    assert reader.noise_bytes == 1


def test_wanted_leads_through_a_frame_without_waiting():
    for whole in (answer(), long_frame(0x08, 5, 0x70), answer(5, bytes(240)), E5):
        reader = FrameReader(5)
        at = 0
        steps = 0
        while at < len(whole):
            count = reader.wanted()
            assert 0 < count <= len(whole) - at
            reader.feed(whole[at : at + count])
            at += count
            steps += 1
        assert steps <= 3
        assert frames(reader) == [whole]
        assert reader.wanted() == 1


def test_memory_is_bounded_when_nobody_fetches():
    reader = FrameReader()
    for _ in range(50):
        reader.feed(answer())
    assert len(frames(reader)) == 8
    reader.feed(b"\x68" * 3000)
    reader.feed(answer(5, bytes(240)))
    reader.idle()
    assert frames(reader) == [answer(5, bytes(240))]
    assert len(answer(5, bytes(240))) == FRAME_BYTES_MAX


class Meter:
    """Answers as the standard says: SND_NKE resets, an unchanged frame count bit repeats."""

    def __init__(self, telegrams, lose=()):
        self.telegrams = telegrams
        self.lose = set(lose)
        self.index = -1
        self.fcb = 0
        self.heard = []

    def hear(self, request):
        self.heard.append(request)
        if request[1] == 0x40:
            self.index = -1
            self.fcb = 0
            reply = E5
        else:
            fcb = request[1] & 0x20
            if fcb != self.fcb or self.index < 0:
                self.index = min(self.index + 1, len(self.telegrams) - 1)
                self.fcb = fcb
            reply = self.telegrams[self.index]
        return b"" if len(self.heard) in self.lose else reply


def run(readout, meter, echo=False):
    request = readout.request()
    while request is not None:
        assert readout.request() is None
        reply = (request if echo else b"") + meter.hear(request)
        while readout.waiting:
            piece, reply = reply[: readout.wanted()], reply[readout.wanted() :]
            if piece:
                readout.feed(piece)
            else:
                readout.timeout()
        request = readout.request()


def test_one_telegram():
    readout = ReadOut(5)
    meter = Meter([answer()])
    run(readout, meter)
    assert meter.heard == [NKE, FIRST]
    assert readout.result == OK
    assert readout.exchanges == [(0, OK, 1, FIRST, answer())]


def test_telegrams_until_no_more_follow():
    telegrams = [answer(5, b"\x01\x06" + bytes((n,)) + b"\x1f") for n in range(3)] + [answer()]
    for echo in (False, True):
        readout = ReadOut(5)
        meter = Meter(telegrams)
        run(readout, meter, echo)
        assert meter.heard == [NKE, FIRST, SECOND, FIRST, SECOND]
        assert [exchange[4] for exchange in readout.exchanges] == telegrams


def test_a_lost_answer_is_asked_for_again_and_none_is_skipped():
    telegrams = [answer(5, b"\x01\x06\x01\x1f"), answer(5, b"\x01\x06\x02\x1f"), answer()]
    for lost in range(1, 6):
        readout = ReadOut(5)
        meter = Meter(telegrams, (lost,))
        run(readout, meter)
        assert readout.result == OK
        assert [exchange[4] for exchange in readout.exchanges] == telegrams, lost


def test_a_dead_meter_is_given_up_after_the_tries():
    readout = ReadOut(5, tries=2)
    meter = Meter([answer()], range(1, 10))
    run(readout, meter)
    assert meter.heard == [NKE, NKE]
    assert (readout.result, readout.tries, readout.question) == (NO_ANSWER, 2, NKE)
    assert readout.exchanges == [(0, NO_ANSWER, 2, NKE, b"")]


def test_noise_instead_of_an_answer_is_told_from_silence():
    readout = ReadOut(5, reset=False)
    meter = Meter([answer()[:-3] + b"\x00\x00\x16"])
    run(readout, meter)
    assert readout.result == UNREADABLE
    assert meter.heard == [FIRST, FIRST, FIRST]


def test_without_reset_the_frame_count_goes_on():
    meter = Meter([answer()])
    readout = ReadOut(5)
    run(readout, meter)
    readout = ReadOut(5, reset=False, fcb=readout.fcb)
    run(readout, meter)
    assert meter.heard == [NKE, FIRST, SECOND]
    assert readout.exchanges[0][2] == 1
    assert readout.fcb_kept


def test_a_meter_that_never_ends_is_bounded():
    readout = ReadOut(5, telegrams_max=4)
    run(readout, Meter([answer(5, b"\x1f")] * 100))
    assert len(readout.exchanges) == 4


def test_more_follows():
    assert more_follows(answer(5, b"\x01\x06\x05\x1f"))
    assert more_follows(answer(5, b"\x2f\x2f\x1f\x01\x02"))
    assert not more_follows(answer(5, b"\x01\x06\x05\x0f\x1f"))
    assert not more_follows(answer(5, b"\x01\x06\x1f"))
    assert not more_follows(answer(5, b"\x02\x06\x1f"))
    assert not more_follows(answer(5, b"\x3f\x1f"))
    assert not more_follows(answer(5, b""))
    assert not more_follows(long_frame(0x08, 5, 0x73, bytes(16)))
    assert more_follows(long_frame(0x08, 5, 0x7A, bytes(4) + b"\x1f"))
    assert more_follows(long_frame(0x08, 5, 0x78, b"\x1f"))


def test_encrypted_bytes_say_nothing_about_more():
    secret = bytes((0x1F,)) * 16
    for mode in (5, 7):
        word = bytes((0x10, mode))
        head = HEADER[:10] + word + (b"\x10" if mode == 7 else b"")
        assert not more_follows(long_frame(8, 5, 0x72, head + secret))
        assert more_follows(long_frame(8, 5, 0x72, head + secret + b"\x1f"))
    # An old signature, which may be anything.
    assert more_follows(long_frame(8, 5, 0x72, HEADER[:10] + b"\x00\x07\x1f"))
    assert more_follows(long_frame(8, 5, 0x72, HEADER[:10] + b"\x10\x05\x1f"))
    assert more_follows(long_frame(8, 5, 0x72, HEADER[:10] + b"\x10\x05\x2f\x2f" + secret))
