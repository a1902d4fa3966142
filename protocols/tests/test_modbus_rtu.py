"""Modbus RTU requests and the reader of answers: any split, any noise, no good frame lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import ChecksumError, FrameError
from nuan_protocols.modbus.exchange import check_exchange, parse_question
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.rtu import (
    FRAME_BYTES_MAX,
    exception_code,
    read_request,
)

REQUEST = read_request(7, 3, 0x2006, 4)


def framed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


ANSWER = framed(bytes.fromhex("0703080001ff0003070307"))
EXCEPTION = framed(bytes.fromhex("078302"))
NOISE = {
    "nothing": b"",
    "ff": b"\xff",
    "zeros": bytes(3),
    "echo": REQUEST,
    "echo with noise": b"\xff" + REQUEST + b"\x00",
    "half an echo": REQUEST[:5],
    "another unit": framed(bytes.fromhex("060308") + bytes(8)),
    "another function": framed(bytes.fromhex("070408") + bytes(8)),
    "another length": framed(bytes.fromhex("070304") + bytes(4)),
    "another unit's exception": framed(bytes.fromhex("068302")),
    "a broken answer": ANSWER[:-1] + b"\x00",
    "a broken exception": EXCEPTION[:-1] + b"\x55",
    "an answer cut short": ANSWER[:6],
    "its first byte": ANSWER[:1],
    "its first three bytes": ANSWER[:3],
    "three heads": ANSWER[:3] * 3,
    "much": bytes(range(256)) * 4,
}


def read(chunks: list[bytes], request: bytes = REQUEST) -> list[bytes]:
    reader = ResponseReader()
    reader.expect(request)
    found = []
    for chunk in chunks:
        reader.feed(chunk)
        frame = reader.next_frame()
        if frame is not None:
            found.append(frame)
    return found


def split(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


@pytest.mark.parametrize("frame", [ANSWER, EXCEPTION], ids=["answer", "exception"])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_no_noise_costs_the_answer_behind_it(noise: bytes, frame: bytes) -> None:
    for size in (1, 2, 3, 7, 2000):
        assert read(split(noise + frame, size)) == [frame]
        assert read(split(noise + frame + b"\xff", size)) == [frame]


@given(st.binary(max_size=700), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_any_noise_and_any_split(noise: bytes, sizes: list[int]) -> None:
    stream = noise + ANSWER
    chunks: list[bytes] = []
    while stream:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[:size])
        stream = stream[size:]
    assert read(chunks) == [ANSWER]


@given(st.data())
def test_no_changed_answer_is_accepted(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 125))
    request = read_request(7, 3, 0, count)
    answer = framed(
        bytes((7, 3, 2 * count)) + data.draw(st.binary(min_size=2 * count, max_size=2 * count))
    )
    changed = bytearray(answer)
    changed[data.draw(st.integers(0, len(answer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert read([bytes(changed)], request) == []
    with pytest.raises(FrameError):
        check_exchange(request, bytes(changed))
    assert read([answer], request) == [answer]
    check_exchange(request, answer)


def test_the_length_tells_how_much_is_wanted() -> None:
    reader = ResponseReader()
    reader.expect(REQUEST)
    wanted = []
    for at in range(len(ANSWER)):
        wanted.append(reader.wanted())
        reader.feed(ANSWER[at : at + 1])
    assert wanted == [5, 4, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert reader.wanted() == 0
    assert reader.next_frame() == ANSWER


def test_reading_what_is_wanted_never_waits_for_more_than_the_answer() -> None:
    for frame in (ANSWER, EXCEPTION):
        reader = ResponseReader()
        reader.expect(REQUEST)
        at = 0
        while reader.wanted():
            assert at + reader.wanted() <= len(frame)
            at += reader.wanted()
            reader.feed(frame[at - reader.wanted() : at])
        assert reader.next_frame() == frame


def test_a_reader_serves_the_next_request() -> None:
    reader = ResponseReader()
    reader.expect(REQUEST)
    reader.feed(ANSWER[:9])
    other = read_request(8, 4, 1, 2)
    reader.expect(other)
    reader.feed(ANSWER[9:] + ANSWER)
    assert reader.next_frame() is None
    answer = framed(bytes.fromhex("080404 00d6 017c"))
    reader.feed(answer)
    assert reader.next_frame() == answer
    assert reader.next_frame() is None


def test_a_flood_is_bounded() -> None:
    reader = ResponseReader()
    reader.expect(REQUEST)
    for _ in range(200):
        reader.feed(ANSWER[:5] * 50)
        assert reader.wanted() <= FRAME_BYTES_MAX
    reader.feed(ANSWER)
    assert reader.next_frame() == ANSWER


@given(st.integers(1, 247), st.integers(1, 4), st.integers(0, 0xFFFF), st.integers(1, 125))
def test_a_request_is_read_as_written(unit: int, function: int, start: int, count: int) -> None:
    count = min(count, 0x10000 - start)
    request = read_request(unit, function, start, count)
    asked = parse_question(request)
    assert (asked.unit, asked.function, asked.start, asked.span) == (unit, function, start, count)
    assert asked.at == 0
    assert read([request], request) == [], "an echo is no answer"


@pytest.mark.parametrize(
    ("fields", "offset"),
    [
        ((0, 3, 0, 1), 0),
        ((248, 3, 0, 1), 0),
        ((1, 0, 0, 1), 1),
        ((1, 5, 0, 1), 1),
        ((1, 3, -1, 1), 2),
        ((1, 3, 0x10000, 1), 2),
        ((1, 3, 0, 0), 4),
        ((1, 3, 0, 126), 4),
        ((1, 1, 0, 2001), 4),
        ((1, 3, 0xFFFF, 2), 4),
    ],
)
def test_a_request_out_of_bounds_is_not_made(
    fields: tuple[int, int, int, int], offset: int
) -> None:
    with pytest.raises(FrameError) as caught:
        read_request(*fields)
    assert caught.value.offset == offset


def test_a_broken_request_is_refused() -> None:
    with pytest.raises(ChecksumError):
        parse_question(REQUEST[:-1] + b"\x00")
    with pytest.raises(FrameError, match="has 8 bytes, this one has 7"):
        parse_question(REQUEST[:-1])
    with pytest.raises(FrameError, match="function 7"):
        parse_question(framed(bytes.fromhex("070700010001")))


@pytest.mark.parametrize(
    ("response", "reason", "offset"),
    [
        (b"", "at least 5", 0),
        (framed(bytes.fromhex("060308") + bytes(8)), "unit 6 answered", 0),
        (framed(bytes.fromhex("070408") + bytes(8)), "function 0x04", 1),
        (framed(bytes.fromhex("070306") + bytes(6)), "6 data bytes", 2),
        (framed(bytes.fromhex("070308") + bytes(9)), "14 bytes instead of 13", 2),
        (EXCEPTION + b"\x00", "6 bytes instead of 5", 2),
        (ANSWER[:-1] + b"\x00", "CRC", 11),
    ],
)
def test_a_wrong_answer_is_refused_with_its_offset(
    response: bytes, reason: str, offset: int
) -> None:
    with pytest.raises(FrameError, match=reason) as caught:
        check_exchange(REQUEST, response)
    assert caught.value.offset == offset


def test_exceptions_are_told_from_data() -> None:
    assert exception_code(EXCEPTION) == 2
    assert exception_code(ANSWER) is None
