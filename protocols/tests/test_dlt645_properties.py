"""Properties of the DL/T 645 codec, against an encoder that knows nothing of it."""

import random
from decimal import Decimal

import construct
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.dlt645.frame import parse
from nuan_protocols.dlt645.reader import FrameReader
from nuan_protocols.dlt645.telegram import decode, join
from nuan_protocols.errors import ChecksumError, ProtocolError
from nuan_protocols.quantity import UNITS_OF, base

MUTATIONS = 20_000
ADDRESS = "123456789012"


class Plus33(construct.Adapter):  # type: ignore[misc,type-arg]
    def _decode(self, obj: bytes, context: object, path: str) -> bytes:
        return bytes(byte - 0x33 & 0xFF for byte in obj)

    def _encode(self, obj: bytes, context: object, path: str) -> bytes:
        return bytes(byte + 0x33 & 0xFF for byte in obj)


BODY = construct.Struct(
    "start" / construct.Const(b"\x68"),
    "address" / construct.Bytes(6),
    "again" / construct.Const(b"\x68"),
    "control" / construct.Int8ub,
    "data" / Plus33(construct.Prefixed(construct.Int8ub, construct.GreedyBytes)),
)
FRAME = construct.Struct(
    "body" / construct.RawCopy(BODY),
    "sum"
    / construct.Checksum(construct.Int8ub, lambda data: sum(data) % 256, lambda c: c.body.data),
    "stop" / construct.Const(b"\x16"),
)


def frame(control: int, data: bytes, address: str = ADDRESS) -> bytes:
    low_first = bytes.fromhex(address)[::-1]
    body = {"address": low_first, "control": control, "data": data}
    return bytes(FRAME.build({"body": {"value": body}}))


def digits(value: int, size: int, negative: bool = False) -> bytes:
    data = bytearray(bytes.fromhex(f"{value:0{2 * size}d}")[::-1])
    data[-1] |= 0x80 if negative else 0
    return bytes(data)


# Identifier, bytes, decimals behind the point in kilo-units or units, factor to the base unit,
# and whether the top bit is a sign: typed from the standard's tables, not from di_tables.py.
SINGLES = (
    (0x00000000, 4, 2, 1000, True, 79999999),
    (0x00010000, 4, 2, 1000, False, 99999999),
    (0x00020000, 4, 2, 1000, False, 99999999),
    (0x00030000, 4, 2, 1000, True, 79999999),
    (0x00050203, 4, 2, 1000, False, 99999999),
    (0x0201_0200, 2, 1, 1, False, 9999),
    (0x0202_0300, 3, 3, 1, True, 799999),
    (0x0203_0000, 3, 4, 1000, True, 799999),
    (0x0204_0100, 3, 4, 1000, True, 799999),
    (0x0205_0000, 3, 4, 1000, True, 799999),
    (0x0206_0000, 2, 3, 1, True, 1000),
    (0x0280_0001, 3, 3, 1, True, 799999),
    (0x0280_0002, 2, 2, 1, False, 9999),
    (0x0280_0007, 2, 1, 1, True, 7999),
)
SINGLES_1997 = (
    (0x9010, 4, 2, 1000, 99999999),
    (0x9120, 4, 2, 1000, 99999999),
    (0xA010, 3, 4, 1000, 999999),
    (0xB612, 2, 0, 1, 9999),
    (0xB623, 2, 2, 1, 9999),
    (0xB630, 3, 4, 1000, 999999),
    (0xB640, 2, 2, 1000, 9999),
    (0xB650, 2, 3, 1, 9999),
)


@given(st.data(), st.sampled_from(SINGLES))
def test_a_value_comes_back(data: st.DataObject, row: tuple[int, int, int, int, bool, int]) -> None:
    di, size, decimals, factor, signed, most = row
    value = data.draw(st.integers(0, most))
    negative = signed and value > 0 and data.draw(st.booleans())
    raw = frame(0x91, di.to_bytes(4, "little") + digits(value, size, negative))
    (record,) = decode(raw).records
    reading = record.reading
    assert reading.integer is not None
    want = Decimal(-value if negative else value).scaleb(-decimals) * factor
    assert Decimal(reading.integer).scaleb(reading.exponent) == want
    assert reading.unit in UNITS_OF[base(reading.quantity)]
    assert bytes(record.data) == digits(value, size, negative)


@given(st.data(), st.sampled_from(SINGLES_1997))
def test_a_value_of_1997_comes_back(
    data: st.DataObject, row: tuple[int, int, int, int, int]
) -> None:
    di, size, decimals, factor, most = row
    value = data.draw(st.integers(0, most))
    (record,) = decode(frame(0x81, di.to_bytes(2, "little") + digits(value, size))).records
    assert record.reading.integer is not None
    want = Decimal(value).scaleb(-decimals) * factor
    assert Decimal(record.reading.integer).scaleb(record.reading.exponent) == want


@given(st.lists(st.integers(0, 99999999), min_size=1, max_size=49), st.integers(0, 12))
def test_a_block_comes_back(values: list[int], settlement: int) -> None:
    data = b"".join(digits(value, 4) for value in values)
    records = decode(frame(0x91, bytes((settlement, 0xFF, 0x01, 0x00)) + data)).records
    found = [(one.reading.integer, one.reading.tariff, one.reading.storage) for one in records]
    assert found == [(value, at, settlement) for at, value in enumerate(values)]


@given(
    st.lists(st.integers(0, 99999999), min_size=1, max_size=40),
    st.lists(st.integers(1, 200), min_size=0, max_size=3),
)
def test_parts_of_a_long_answer_come_back(values: list[int], cuts: list[int]) -> None:
    data = b"".join(digits(value, 4) for value in values)
    edges = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    di = b"\x00\xff\x01\x00"
    parts: list[bytes] = []
    for number in range(len(edges) - 1):
        more = 0x20 if number < len(edges) - 2 else 0
        tail = bytes((number,)) if number else b""
        control = (0x92 if number else 0x91) | more
        parts.append(frame(control, di + data[edges[number] : edges[number + 1]] + tail))
    assert [one.reading.integer for one in join(parts).records] == values


@given(st.binary(max_size=4), st.binary(min_size=1, max_size=1), st.integers(0, 11))
def test_a_value_that_can_not_be_read_leaves_its_neighbours(
    spoilt: bytes, bad: bytes, at: int
) -> None:
    data = b"".join(digits(value, 4) for value in range(12))
    data = data[: 4 * at] + (b"\xab" + spoilt[:3].ljust(3, bad)) + data[4 * at + 4 :]
    records = decode(frame(0x91, b"\x00\xff\x01\x00" + data)).records
    assert [one.reading.integer for one in records] == [
        None if value == at else value for value in range(12)
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from([0x91, 0x81, 0xD1, 0x93, 0xB1]), st.binary(max_size=40)),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.integers(1, 30), max_size=20),
    st.integers(0, 6),
)
def test_any_split_gives_the_same_frames(
    contents: list[tuple[int, bytes]], steps: list[int], wake: int
) -> None:
    sent = [frame(control, data) for control, data in contents]
    stream = b"".join(b"\xfe" * wake + one for one in sent)
    reader = FrameReader()
    at = 0
    for step in [*steps, len(stream)]:
        reader.feed(stream[at : at + step])
        at += step
    assert reader.noise_bytes == 0
    assert [reader.next_frame() for _ in sent] == sent


@given(st.binary(max_size=80), st.binary(max_size=60))
def test_noise_before_a_frame_never_costs_it(noise: bytes, data: bytes) -> None:
    good = frame(0x91, data)
    reader = FrameReader(ADDRESS)
    reader.feed(noise + good)
    reader.idle()
    found = []
    while (one := reader.next_frame()) is not None:
        found.append(one)
    # Noise that is a checked frame around the good one would have to guess its checksum.
    assert good in found


def test_mutated_frames_raise_protocol_errors_only(seed: int) -> None:
    rng = random.Random(seed)
    sound = [
        frame(0x91, bytes.fromhex("00000100") + digits(123456, 4)),
        frame(0x91, bytes.fromhex("00ff0101") + digits(1, 3) + bytes(5)),
        frame(0x91, bytes.fromhex("ff050004") + bytes(14)),
        frame(0xB1, bytes.fromhex("00ff0100") + bytes(30)),
        frame(0xB2, bytes.fromhex("00ff0100") + bytes(30) + b"\x01"),
        frame(0x81, bytes.fromhex("1090") + digits(142679, 4)),
        frame(0x91, bytes.fromhex("01010004") + bytes.fromhex("04201125")),
        frame(0x93, bytes(6)),
        frame(0xD1, b"\x02"),
    ]
    refused = 0
    for _ in range(MUTATIONS):
        raw = bytearray(rng.choice(sound))
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        if rng.random() < 0.2:
            del raw[rng.randrange(len(raw)) :]
        if rng.random() < 0.5 and len(raw) > 11:
            # Half get a right checksum again, so that what is inside is put to the test too.
            raw[-2] = sum(raw[:-2]) & 0xFF
        offset = -1
        try:
            telegram = decode(bytes(raw))
        except ProtocolError as error:
            offset = error.offset
            refused += 1
        assert -1 <= offset <= len(raw)
        if offset >= 0:
            continue
        at = len(raw) - len(parse(bytes(raw)).raw)
        assert sum(raw[at:-2]) & 0xFF == raw[-2]
        for record in telegram.records:
            assert record.offset + record.length <= len(raw) - 2
    assert refused > MUTATIONS // 4


def test_a_wrong_checksum_never_gives_a_value() -> None:
    good = frame(0x91, bytes.fromhex("00000100") + digits(123456, 4))
    for wrong in range(256):
        raw = good[:-2] + bytes((wrong,)) + good[-1:]
        if wrong != good[-2]:
            with pytest.raises(ChecksumError):
                decode(raw)
