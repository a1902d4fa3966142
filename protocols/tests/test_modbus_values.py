"""Readings of every kind of register, over RTU and TCP, and of frames that went wrong."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.errors import FrameError, ProtocolError
from nuan_protocols.ieee754 import quantised64
from nuan_protocols.meters import registry
from nuan_protocols.meters.annotate import answer_groups
from nuan_protocols.meters.checks import problems
from nuan_protocols.meters.profile import Limits, Profile, Term, place, uint16
from nuan_protocols.modbus import tcp, write
from nuan_protocols.modbus.annotate import byte_groups, request_groups
from nuan_protocols.modbus.exchange import check_answer, check_exchange, parse_question
from nuan_protocols.modbus.identification import identification, identification_request
from nuan_protocols.modbus.identify import IdentificationReader
from nuan_protocols.modbus.registers import number_of, raw_value, scaled_value
from nuan_protocols.modbus.rtu import closed, read_request
from nuan_protocols.reading import Reading, decimal_text

METER = Profile(
    name="every_kind",
    title="Every kind",
    protocol="modbus",
    version=1,
    billing=None,
    limits=Limits(125, 8),
    places=(
        place(3, 0, "int64", "energy", 0, "Wh"),
        place(3, 4, "float64", "energy:a", 3, "Wh", quantum=-3),
        place(3, 8, "bcd48", "volume", -4, "m3"),
        place(3, 11, "bcd32", "volume:a", -2, "m3", word_order="little"),
        place(3, 13, "bcd24", "volume:b", 0, "m3"),
        place(3, 15, "bcd16", "volume:c", 0, "m3", byte_order="little"),
        place(3, 16, "uint16", "error_flags:high", 0, "1", mask=0xFF00),
        place(3, 16, "uint16", "error_flags:low", 0, "1", mask=0x0006),
        place(3, 17, "float32", "power", 0, "W", absent=0xFFFFFFFF),
        place(
            3, 19, "int32", "volume:d", 0, "m3", quantum=-3, word_order="little",
            terms=(Term(21, "float32", 1),),
        ),
        place(3, 23, "uint16", "volume:e", 0, "m3", factor=10000, terms=(Term(24, "bcd16", 1),)),
        place(1, 5, "bit", "error_flags:leak", 0, "1"),
        place(1, 14, "bit", "error_flags:lid", 0, "1", storage=2, tariff=1),
    ),
)  # fmt: skip
DATA = (
    struct.pack(">qd", -5, 1234.5678)
    + bytes.fromhex("000012431116 7856 f234 ff123456 3412 a506 ffffffff".replace(" ", ""))
    + struct.pack(">HH", 802609 & 0xFFFF, 802609 >> 16)
    + struct.pack(">HH", 0x0000, 0x3E80)
    + struct.pack(">H", 7)
    + bytes.fromhex("0042")
)
EXPECTED = [
    ("energy", "-5"),
    ("energy:a", "1234568"),
    ("volume", "1243.1116"),
    ("volume:a", "-23478.56"),
    ("volume:b", "123456"),
    ("volume:c", "1234"),
    ("error_flags:high", "165"),
    ("error_flags:low", "3"),
    ("power", None),
    ("volume:d", "802609.250"),
    ("volume:e", "70042"),
]


def brief(reading: Reading) -> tuple[str, str | None]:
    if reading.integer is None:
        return reading.quantity, None
    return reading.quantity, decimal_text(reading.integer, reading.exponent)


def test_the_reads_are_found_for_the_places() -> None:
    assert METER.reads == ((1, 5, 10), (3, 0, 25))


def test_every_kind_is_read_alike_over_rtu_and_tcp() -> None:
    question = read_request(9, 3, 0, 25)
    answer = closed(b"\x09\x03\x32" + DATA)
    assert len(DATA) == 50
    found = registry.readings(METER, question, answer)
    assert [brief(reading) for reading in found] == EXPECTED
    assert found[8].status == "unreadable:not supported by the meter"
    for number in (0, 77, 65535):
        asked = tcp.from_rtu(question, number)
        answered = tcp.from_rtu(answer, number)
        assert registry.readings(METER, asked, answered) == found
        with pytest.raises(FrameError, match="transaction"):
            registry.readings(METER, asked, tcp.from_rtu(answer, number ^ 1))
        groups = answer_groups(METER, asked, answered)
        assert sum(length for _, length, _, _ in groups) == len(answered)
    bad = bytearray(answer)
    bad[-1] ^= 1
    with pytest.raises(FrameError, match="CRC"):
        registry.readings(METER, question, bytes(bad))


def test_bits_are_read_each_by_itself() -> None:
    question = read_request(9, 1, 5, 10)
    found = registry.readings(METER, question, closed(b"\x09\x01\x02\x01\x02"))
    assert [brief(reading) for reading in found] == [
        ("error_flags:leak", "1"),
        ("error_flags:lid", "1"),
    ]
    assert (found[1].storage, found[1].tariff) == (2, 1)
    found = registry.readings(METER, question, closed(b"\x09\x01\x02\xfe\xfd"))
    assert [reading.integer for reading in found] == [0, 0]
    assert answer_groups(METER, question, closed(b"\x09\x01\x02\xfe\xfd"))


def test_a_tcp_exception_says_why() -> None:
    question = tcp.read_request(255, 3, 0, 4, 5)
    found = registry.readings(METER, question, tcp.framed(5, b"\xff\x83\x0b"))
    assert {reading.status for reading in found} == {"unreadable:gateway target failed to respond"}


def test_a_write_holds_no_readings() -> None:
    question = write.write_register(9, 0, 1)
    with pytest.raises(FrameError, match="holds no registers"):
        registry.readings(METER, question, question)


def test_two_profiles_of_one_name_are_told_apart() -> None:
    question, answer = read_request(9, 3, 0, 1), closed(b"\x09\x03\x02\x00\x05")
    for quantity in ("voltage", "current"):
        unit = "V" if quantity == "voltage" else "A"
        meter = Profile(
            name="twin", title="Twin", protocol="modbus", version=1, billing=None,
            places=(uint16(3, 0, quantity, 0, unit),),
        )  # fmt: skip
        assert [brief(r) for r in registry.readings(meter, question, answer)] == [(quantity, "5")]


@pytest.mark.parametrize(("kind", "data"), [("bcd16", "12a4"), ("bcd32", "1234c678")])
def test_digits_above_nine_are_no_number(kind: str, data: str) -> None:
    assert scaled_value(bytes.fromhex(data), 0, kind) is None


def test_a_value_cut_short_is_refused() -> None:
    with pytest.raises(ProtocolError, match="takes 4 bytes"):
        raw_value(b"\0\0\0", 0, "int32")


@given(st.integers(0, 10**12 - 1), st.sampled_from(["big", "little"]))
def test_bcd_of_every_length_comes_back(number: int, word_order: str) -> None:
    for kind, digits in (("bcd16", 4), ("bcd32", 8), ("bcd48", 12)):
        value = number % 10**digits
        data = bytes.fromhex(f"{value:0{digits}d}")
        if word_order == "little":
            data = b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))
        assert number_of(raw_value(data, 0, kind, word_order), kind, 0) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(-6, 6))
def test_a_binary64_is_quantised_exactly(value: float, exponent: int) -> None:
    from fractions import Fraction

    bits = int.from_bytes(struct.pack(">d", value), "big")
    assert quantised64(bits, exponent) == round(Fraction(value) / Fraction(10) ** exponent)


def test_a_binary64_that_is_no_number_has_no_value() -> None:
    assert quantised64(0x7FF0 << 48, 0) is None
    assert quantised64(0x7FF8 << 48, 0) is None


def test_the_flow_computers_bcd_total(shared_data: Path) -> None:
    samples = json.loads((shared_data / "cn" / "modbus.json").read_text())
    (block,) = (sample for sample in samples if sample["name"] == "fuxin_gas_block")
    data, expected = bytes.fromhex(block["hex"]), block["expected"]
    total = scaled_value(data, 16, "bcd48")
    assert total is not None
    assert decimal_text(total, -4) == expected["std_total_bcd"].lstrip("0")
    assert str(scaled_value(data, 26, "bcd48")) == expected["gross_total_bcd_raw"]
    assert scaled_value(data, 0, "float32") == expected["gross_total_f32"]
    question = read_request(1, 3, 0x0A, 0x14)
    found = registry.readings(
        registry.profile("fuxin_gas"), question, closed(b"\x01\x03\x28" + data)
    )
    assert ("volume", "1243.1116") in [brief(reading) for reading in found]


def test_every_recorded_frame_is_found_on_the_line_and_named(shared_data: Path) -> None:
    samples = json.loads((shared_data / "cn" / "modbus.json").read_text())
    reader = IdentificationReader()
    for sample in samples:
        if "request" not in sample:
            continue
        question, answer = bytes.fromhex(sample["request"]), bytes.fromhex(sample["hex"])
        reader.expect(question)
        for byte in b"\xff\x00" + question + answer:
            reader.feed(bytes((byte,)))
        assert reader.next_frame() == answer
        for groups, frame in (
            (request_groups(question), question),
            (byte_groups(question, answer), answer),
        ):
            assert sum(length for _, length, _, _ in groups) == len(frame)


PAIRS = (
    (read_request(9, 3, 0, 25), closed(b"\x09\x03\x32" + DATA)),
    (read_request(9, 1, 5, 10), closed(b"\x09\x01\x02\x01\x02")),
    (write.write_coils(9, 0, [True] * 9), closed(b"\x09\x0f\x00\x00\x00\x09")),
    (write.write_register(9, 1, 2), write.write_register(9, 1, 2)),
    (write.read_and_write(9, 0, 2, 9, [5]), closed(b"\x09\x17\x04\x00\x01\x00\x02")),
    (
        identification_request(9),
        closed(b"\x09\x2b\x0e\x01\x01\x00\x00\x02\x00\x03ABC\x05\x02V1"),
    ),
)


def mutated(frame: bytes, rng: random.Random) -> bytes:
    changed = bytearray(frame)
    for _ in range(rng.randrange(1, 4)):
        way, at = rng.randrange(4), rng.randrange(len(changed) + 1)
        if way == 0:
            del changed[at : at + rng.randrange(1, 5)]
        elif way == 1:
            changed[at:at] = rng.randbytes(rng.randrange(1, 5))
        elif at < len(changed):
            changed[at] = rng.randrange(256)
    return bytes(changed)


def test_mutated_frames_raise_protocol_errors_only(seed: int) -> None:
    rng = random.Random(seed)
    accepted = 0
    for number in range(20_000):
        question, answer = PAIRS[number % len(PAIRS)]
        if number % 3 == 0:
            question = closed(mutated(question[:-2], rng))
        if number % 3 != 1 and rng.random() < 0.5:
            answer = closed(mutated(answer[:-2], rng))
        else:
            answer = mutated(answer, rng)
        if number % 5 == 0 and 2 <= len(question) - 2 <= 254 and 2 <= len(answer) - 2 <= 254:
            question, answer = tcp.framed(7, question[:-2]), tcp.framed(7, answer[:-2])
        try:
            asked = parse_question(question)
            check_answer(asked, question, answer)
        except ProtocolError as error:
            assert 0 <= error.offset <= max(len(question), len(answer))  # noqa: PT017
            continue
        accepted += 1
        assert asked.at or closed(answer[:-2]) == answer
        for groups, frame in (
            (request_groups(question), question),
            (byte_groups(question, answer), answer),
        ):
            assert sum(length for _, length, _, _ in groups) == len(frame)
        if asked.function == 43 and len(answer) > asked.at + 5:
            identification(answer, asked.at)
        if asked.function < 5 or asked.function == 23:
            registry.readings(METER, question, answer)
    assert 100 < accepted < 15_000


def test_unsealed_mutations_are_never_taken(seed: int) -> None:
    rng = random.Random(seed)
    for number in range(3000):
        question, answer = PAIRS[number % len(PAIRS)]
        changed = bytearray(answer)
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        with pytest.raises(FrameError):
            check_exchange(question, bytes(changed))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"word_order": "CDAB"}, "big or little"),
        ({"kind": "bit"}, "function 1 or 2"),
        ({"kind": "float32", "mask": 1}, "not of a float32"),
        ({"kind": "bcd16", "mask": 1}, "not of a bcd16"),
        ({"quantum": -1}, "float's step"),
        ({"kind": "int32", "quantum": 1, "terms": (Term(2, "float32", 1),)}, "round"),
    ],
)
def test_a_place_that_makes_no_number_is_told(fields: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"kind": "uint16"} | fields
    meter = Profile(
        name="odd", title="Odd", protocol="modbus", version=1, billing=None,
        places=(place(3, 0, given.pop("kind"), "voltage", 0, "V", **given),),
    )  # fmt: skip
    assert any(words in problem for problem in problems(meter)), problems(meter)


def test_a_place_of_every_kind_is_right() -> None:
    assert problems(METER) == []
