"""What must hold for every stream of bytes on the line, tried on generated ones."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.checksum import sum8
from nuan_protocols.mbus.frame import long_frame, short_frame
from nuan_protocols.mbus.reader import FrameReader

ADDRESS = 5

payloads = st.binary(max_size=40) | st.builds(bytes, st.integers(0, 240))
answers = st.builds(lambda data: long_frame(0x08, ADDRESS, 0x72, data), payloads)
others = st.builds(
    lambda address, data: long_frame(0x08, address, 0x72, data), st.integers(6, 250), payloads
)
echoes = st.builds(
    short_frame,
    st.sampled_from([0x40, 0x5B, 0x7B]),
    st.integers(0, 255),
)
# Without 68 noise can't look like the start of a frame; tests with 68 follow.
calm_noise = st.binary(max_size=30).map(lambda noise: noise.replace(b"\x68", b"\x67"))
wild_noise = st.binary(max_size=30) | st.lists(
    st.sampled_from([b"\x68", b"\x10", b"\x16", b"\x68\x09\x09\x68", b"\xe5", b"\x68\xff\xff\x68"]),
    max_size=6,
).map(b"".join)


def feed(reader: FrameReader, stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    found: list[bytes] = []
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        reader.feed(stream[start:end])
        found.extend(drain(reader))
    reader.idle()
    return found + drain(reader)


def drain(reader: FrameReader) -> list[bytes]:
    found: list[bytes] = []
    while (frame := reader.next_frame()) is not None:
        if frame.raw != b"\xe5":
            found.append(frame.raw)
    return found


@given(
    st.lists(st.tuples(st.one_of(answers, others, echoes, calm_noise), st.booleans()), max_size=8),
    st.lists(st.integers(0, 5000), max_size=20),
)
def test_all_good_frames_and_only_they_come_out(
    parts: list[tuple[bytes, bool]], cuts: list[int]
) -> None:
    stream = b"".join(part for part, _ in parts)
    good = [
        part for part, _ in parts if part[:1] == b"\x68" and part[4] == 0x08 and part[5] == ADDRESS
    ]
    assert feed(FrameReader(ADDRESS), stream, cuts) == good


@given(wild_noise, answers, wild_noise, answers, st.lists(st.integers(0, 900), max_size=10))
def test_frames_behind_wild_noise_come_out_once_the_line_is_silent(
    before: bytes, first: bytes, between: bytes, second: bytes, cuts: list[int]
) -> None:
    found = feed(FrameReader(ADDRESS), before + first + between + second, cuts)
    assert [raw for raw in found if raw in (first, second)][-1] == second
    assert found.count(first) >= 1


@given(answers, answers, st.data())
def test_a_broken_frame_costs_nothing_behind_it(
    broken: bytes, good: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(broken) - 1))
    how = data.draw(st.sampled_from(["cut", "drop", "change", "insert"]))
    byte = bytes((data.draw(st.integers(0, 255)),))
    damaged = {
        "cut": broken[:at],
        "drop": broken[:at] + broken[at + 1 :],
        "change": broken[:at] + byte + broken[at + 1 :],
        "insert": broken[:at] + byte + broken[at:],
    }[how]
    found = feed(FrameReader(ADDRESS), damaged + good, [len(damaged)])
    assert found[-1] == good


@given(st.binary(max_size=1200), st.lists(st.integers(0, 2000), max_size=10))
def test_any_bytes_are_taken_and_what_comes_out_is_whole(stream: bytes, cuts: list[int]) -> None:
    reader = FrameReader()
    for raw in feed(reader, stream, cuts):
        assert raw in stream
        assert sum8(raw, 4, len(raw) - 2) == raw[-2]
    assert reader.wanted() == 1


@given(answers, st.lists(st.integers(0, 300), max_size=10))
def test_wanted_never_asks_for_more_than_the_frame_has(raw: bytes, cuts: list[int]) -> None:
    reader = FrameReader(ADDRESS)
    for end in range(len(raw)):
        assert 1 <= reader.wanted() <= len(raw) - end
        reader.feed(raw[end : end + 1])
    assert drain(reader) == [raw]
