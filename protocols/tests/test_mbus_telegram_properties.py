"""What must hold for every telegram, tried on generated and on damaged ones."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import plan
from nuan_protocols.mbus.annotate import byte_groups
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.pick import Picker
from nuan_protocols.mbus.records import read_records
from nuan_protocols.mbus.telegram import decode, find
from nuan_protocols.mbus.walk import more_follows

ADDRESS = 5
SEED = 20261120
HEADER = bytes.fromhex("785634122d2c010455000000")
REGISTERS = [
    bytes.fromhex(text)
    for text in (
        "0c0678563412",
        "0c1411223344",
        "0b2d123400",
        "0a5a4506",
        "0a5e45f3",
        "046d0a0b6c3b",
        "426c7f3c",
        "8410065ad00000",
        "052eb1d12ebe",
        "02fd48ea08",
        "0d7803434241",
        "2f",
        "02fc0348522574d411",
        "02fc7403485225d411",
        "01fd1b05",
        "0c7878563412",
        "0cabfc8310112233",
        "04be5071bbb000",
        "0d06c3563412",
        "01ff2105",
        "3f",
        "01fd7c05",
        "1f0102",
        "0f0102",
        "0c2bdddd",
        # One of each way to read a column: integers of all sizes, with a factor, without a sign.
        "0106f0",
        "0206feff",
        "0306563412",
        "0606010203040506",
        "07060102030405060708",
        "022234f2",
        "0b22563400",
        "02fd170180",
        "03fd17010280",
        "04fd0c01020304",
        "066d0102030405ff",
        "036d010203",
        "055b0000c842",
        "05220000803f",
        "0594780000e0ff",
        "046d1e8f3f3c",
        "02fd1a0100",
    )
]
telegrams = st.builds(
    lambda records, tail: long_frame(
        0x08, ADDRESS, 0x72, (HEADER + b"".join(records) + tail)[:250]
    ),
    st.lists(st.sampled_from(REGISTERS), max_size=12),
    st.binary(max_size=8),
)


def resealed(body: bytes) -> bytes:
    length = len(body)
    return bytes((0x68, length, length, 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))


@given(telegrams, st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=4))
def test_mutated_telegrams_decode_or_raise_protocol_errors(
    raw: bytes, changes: list[tuple[int, int]]
) -> None:
    body = bytearray(raw[4:-2])
    for at, byte in changes:
        body[at % len(body)] = byte
    mutated = resealed(bytes(body))
    try:
        telegram = decode(mutated)
        groups = byte_groups(mutated)
    except ProtocolError as error:
        assert 0 <= error.offset <= len(mutated)  # noqa: PT017
        return
    assert [(each[0], each[1]) for each in groups] == [
        (each[0], each[1]) for each in sorted(groups)
    ]
    assert sum(each[1] for each in groups) == len(mutated)
    end = 0
    for record in telegram.records:
        assert record.offset >= end
        assert record.length == len(record.dib) + len(record.vib) + len(record.data)
        end = record.offset + record.length
        reading = record.reading
        if reading.integer is None and reading.status == "ok":
            textual = reading.unit in ("", "1") or reading.quantity.startswith("text_unit")
            assert textual, reading
    assert more_follows(mutated) == telegram.more


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_protocol_errors(raw: bytes) -> None:
    for function in (decode, byte_groups):
        try:
            function(raw)
        except ProtocolError as error:
            assert 0 <= error.offset <= max(len(raw), 261)  # noqa: PT017


@given(telegrams, st.binary(min_size=250, max_size=250))
def test_a_remembered_layout_reads_the_same(raw: bytes, values: bytes) -> None:
    """The same layout with other values, and with any other bytes, read with and without plan."""
    decode(raw)
    body = bytearray(raw[4:-2])
    for record in decode(raw).records:
        start = record.offset + record.length - len(record.data) - 4
        for index in range(start, start + len(record.data)):
            body[index] = values[index]
    other = resealed(bytes(body))
    signature = other[17] | other[18] << 8
    records, more = read_records(other, 19, signature)
    for _ in range(2):
        telegram = decode(other)
        assert telegram.records == records
        assert telegram.more == more


@given(telegrams)
def test_picked_registers_are_those_of_the_telegram(raw: bytes) -> None:
    wanted = [
        ("energy", 0, 0, 0, "instantaneous"),
        ("energy", 0, 1, 0, "instantaneous"),
        ("flow_temperature", 0, 0, 0, "instantaneous"),
        ("datetime", 0, 0, 0, "instantaneous"),
        ("manufacturer_specific", 0, 0, 0, "instantaneous"),
    ]
    picker = Picker(wanted)
    telegram = decode(raw)
    readings = [record.reading for record in telegram.records]
    expected = [
        each
        for each in readings
        if (each.quantity, each.storage, each.tariff, each.subunit, each.function) in wanted
    ]
    for _ in range(2):
        assert picker.pick(raw) == (0, expected)
    first = find(telegram, "energy")
    assert first == next(
        (each for each in expected if each[:1] == ("energy",) and each.tariff == 0), None
    )


def test_plans_are_bounded() -> None:
    plan.forget()
    raws = []
    for storage in range(100):
        data = bytes((0x84, storage & 0x0F, storage, 1, 0, 0, 0))
        raws.append(long_frame(0x08, 1, 0x72, HEADER + data))
        decode(raws[-1])
    known = [raw for raw in raws if plan.match(raw) is not None]
    assert known == raws[-plan.PLANS_PER_LENGTH :]
    plan.forget()
    assert plan.match(raws[-1]) is None


@given(st.binary(min_size=4, max_size=4), st.sampled_from(("046d", "055b", "0578", "8c0522")))
def test_every_date_and_real_reads_the_same_from_a_remembered_layout(
    value: bytes, block: str
) -> None:
    head = bytes.fromhex(block)
    decode(long_frame(0x08, ADDRESS, 0x72, HEADER + head + bytes(4)))
    raw = long_frame(0x08, ADDRESS, 0x72, HEADER + head + value)
    records, _ = read_records(raw, 19, 0)
    for _ in range(2):
        telegram = decode(raw)
        assert telegram.readings == [record.reading for record in records]
        assert telegram.records == records


def test_remembered_and_new_layouts_never_read_differently() -> None:
    """Many random telegrams, each read again with other values, with and without its plan."""
    rng = Random(SEED)
    tricky = (0, 0x80, 0x39, 0xFC, 0xFF, 0x41)
    for _ in range(8000):
        records = b"".join(rng.choice(REGISTERS) for _ in range(rng.randint(0, 6)))
        tail = rng.randbytes(rng.randint(0, 8))
        raw = long_frame(0x08, ADDRESS, 0x72, (HEADER + records + tail)[:250])
        body = bytearray(raw[4:-2])
        share = rng.choice((5, 1))
        for record in decode(raw).records:
            end = record.offset + record.length - 4
            for index in range(end - len(record.data), end):
                if rng.randrange(share) == 0:
                    body[index] = rng.choice((*tricky, rng.randrange(256)))
        other = resealed(bytes(body))
        expected, _ = read_records(other, 19, other[17] | other[18] << 8)
        for _ in range(2):
            telegram = decode(other)
            assert telegram.records == expected, (SEED, other.hex())
            assert telegram.readings == [record.reading for record in expected]
