"""A good answer is never lost, whatever comes before it, behind it, or how it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.modbus import write
from nuan_protocols.modbus.exchange import check_exchange
from nuan_protocols.modbus.identification import identification_request
from nuan_protocols.modbus.identify import IdentificationReader
from nuan_protocols.modbus.rtu import closed, read_request

# Every function: a question and a good answer to it.
EXCHANGES = {
    "1": (read_request(5, 1, 0, 9), closed(b"\x05\x01\x02\xff\x01")),
    "2": (read_request(5, 2, 3, 3), closed(b"\x05\x02\x01\x05")),
    "3": (read_request(5, 3, 0x101E, 4), closed(b"\x05\x03\x08\xff\x00\x05\x03\x08\x05\x03\xff")),
    "4": (read_request(5, 4, 0, 2), closed(b"\x05\x04\x04\x05\x04\x05\x84")),
    "15": (write.write_coils(5, 0, [True] * 9), closed(b"\x05\x0f\x00\x00\x00\x09")),
    "16": (write.write_registers(5, 2, [1, 2]), closed(b"\x05\x10\x00\x02\x00\x02")),
    "23": (write.read_and_write(5, 0, 2, 9, [5]), closed(b"\x05\x17\x04\x05\x17\x04\x05")),
    "exception": (read_request(5, 3, 0, 1), closed(b"\x05\x83\x04")),
    "43": (
        identification_request(5),
        closed(b"\x05\x2b\x0e\x01\x01\x00\x00\x02\x00\x03ABC\x05\x02V1"),
    ),
}
WRITE_ONE = {
    "5": (write.write_coil(5, 1, True),) * 2,
    "6": (write.write_register(5, 1, 0x0506),) * 2,
}


def read(question: bytes, stream: bytes, cuts: list[int]) -> list[bytes]:
    reader = IdentificationReader()
    reader.expect(question)
    found: list[bytes] = []
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        assert reader.wanted() >= 1 or found
        reader.feed(stream[start:end])
        frame = reader.next_frame()
        if frame is not None:
            found.append(frame)
    reader.idle()
    return found


cuts = st.lists(st.integers(0, 600), max_size=8)
exchanges = st.sampled_from(sorted(EXCHANGES))


@given(exchanges, st.binary(max_size=300), st.binary(max_size=20), cuts)
def test_noise_before_and_after_costs_nothing(
    name: str, before: bytes, after: bytes, cut: list[int]
) -> None:
    question, answer = EXCHANGES[name]
    assert read(question, before + answer + after, cut)[:1] == [answer]


@given(
    exchanges,
    st.lists(
        st.sampled_from(
            [b"\x05", b"\x05\x03", b"\x05\x03\x08", b"\x05\x2b\x0e\x01", b"\xff", b"\0"]
        ),
        max_size=8,
    ),
    st.booleans(),
    cuts,
)
def test_heads_of_frames_and_an_echo_cost_nothing(
    name: str, heads: list[bytes], echo: bool, cut: list[int]
) -> None:
    question, answer = EXCHANGES[name]
    stream = b"".join(heads) + (question if echo else b"") + answer
    assert read(question, stream, cut) == [answer]


PYMODBUS_LOSES = {
    "FF before": lambda question, answer: b"\xff",
    "00 before": lambda question, answer: b"\x00",
    "echo before": lambda question, answer: question,
    "stale answer of another unit before": lambda question, answer: closed(b"\x06" + answer[1:-2]),
    "bad frame before": lambda question, answer: answer[:-1] + bytes((answer[-1] ^ 1,)),
    "FF 03 FF before": lambda question, answer: b"\xff\x03\xff",
    "the longest length before": lambda question, answer: answer[:2] + b"\xff",
    "all of it": lambda question, answer: (
        b"\x00\xff" + question + closed(b"\x06" + answer[1:-2]) + answer[:-1] + b"\xff\x03\xff"
    ),
}


@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=EXCHANGES)
@pytest.mark.parametrize("before", PYMODBUS_LOSES.values(), ids=PYMODBUS_LOSES)
def test_what_makes_other_libraries_lose_the_answer(before, exchange) -> None:
    question, answer = exchange
    stream = before(question, answer) + answer
    for step in (1, 2, 5, len(stream)):
        assert read(question, stream, list(range(0, len(stream), step))) == [answer]
        assert read(question, stream + b"\xff", list(range(0, len(stream), step))) == [answer]


@pytest.mark.parametrize("exchange", WRITE_ONE.values(), ids=WRITE_ONE)
@pytest.mark.parametrize("before", [b"", b"\xff", b"\x00", b"\x05\x05\x00", b"\xff\x03\xff"])
def test_an_answer_that_repeats_its_request_is_found(exchange, before: bytes) -> None:
    question, answer = exchange
    for step in (1, 3, 64):
        stream = before + answer
        assert read(question, stream, list(range(0, len(stream), step))) == [answer]


@given(exchanges, st.data())
def test_a_frame_with_one_bit_changed_is_never_taken(name: str, data: st.DataObject) -> None:
    question, answer = EXCHANGES[name]
    changed = bytearray(answer)
    changed[data.draw(st.integers(0, len(answer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert read(question, bytes(changed), []) == []


@given(exchanges, st.binary(max_size=40))
def test_what_is_taken_is_always_a_checked_answer(name: str, noise: bytes) -> None:
    question, _ = EXCHANGES[name]
    for frame in read(question, noise + question[:2] + noise, []):
        check_exchange(question, frame)


@given(exchanges)
def test_a_caller_that_receives_what_is_wanted_never_waits_too_long(name: str) -> None:
    question, answer = EXCHANGES[name]
    reader = IdentificationReader()
    for before in (b"", question):
        reader.expect(question)
        stream = before + answer
        at = 0
        while reader.wanted():
            size = reader.wanted()
            assert at + size <= len(stream)
            reader.feed(stream[at : at + size])
            at += size
        assert reader.next_frame() == answer
        assert at == len(stream)


def test_noise_is_counted_and_the_echo_is_not() -> None:
    question, _ = EXCHANGES["3"]
    reader = IdentificationReader()
    for stream, noise in (
        (question, 0),
        (b"\xff" + question, 1),
        (question + b"\x05\x03", 2),
        (question[:6], 6),
        (question + question, 8),
        (b"\x05\x03\x08" + question + b"\x05", 4),
    ):
        for step in (1, 4, 64):
            reader.expect(question)
            for at in range(0, len(stream), step):
                reader.feed(stream[at : at + step])
            reader.idle()
            assert reader.next_frame() is None
            assert reader.noise_bytes == noise, stream
