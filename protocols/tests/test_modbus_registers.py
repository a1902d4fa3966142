"""Values in registers, and every byte named; makers' own samples where there are any."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import FrameError, RecordError
from nuan_protocols.ieee754 import shortest32
from nuan_protocols.modbus.annotate import (
    byte_groups,
    request_groups,
)
from nuan_protocols.modbus.exceptions import exception_name
from nuan_protocols.modbus.exchange import check_exchange
from nuan_protocols.modbus.registers import DATA_AT, bits, raw_value, registers, scaled_value
from nuan_protocols.modbus.rtu import read_request


def framed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


@given(st.binary(min_size=4, max_size=4))
def test_integers_in_both_word_orders(data: bytes) -> None:
    swapped = data[2:] + data[:2]
    for kind, code in (("uint16", ">H"), ("int16", ">h"), ("uint32", ">I"), ("int32", ">i")):
        expected = struct.unpack_from(code, data)[0]
        assert raw_value(data, 0, kind) == expected
        assert scaled_value(data, 0, kind, -2) == expected, "counts in its unit already"
        if kind.endswith("32"):
            assert raw_value(swapped, 0, kind, "little") == expected


@given(st.floats(-1e9, 1e9, width=32), st.integers(-3, 3), st.sampled_from(["big", "little"]))
def test_floats_are_kept_to_the_wanted_step(value: float, exponent: int, order: str) -> None:
    data = struct.pack(">f", value)
    if order == "little":
        data = data[2:] + data[:2]
    kept = scaled_value(b"\x01\x03\x04" + data, DATA_AT, "float32", exponent, order)
    assert kept is not None
    assert abs(kept * 10.0**exponent - value) <= 0.5000001 * 10.0**exponent


def test_a_float_that_is_no_number_has_no_value() -> None:
    assert scaled_value(b"\xff\xff\xff\xff", 0, "float32") is None


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125), st.sampled_from([3, 4]))
def test_all_registers_of_an_answer(values: list[int], function: int) -> None:
    data = struct.pack(f">{len(values)}H", *values)
    assert registers(framed(bytes((1, function, len(data))) + data)) == values


@given(st.lists(st.integers(0, 1), min_size=1, max_size=64), st.sampled_from([1, 2]))
def test_all_bits_of_an_answer(values: list[int], function: int) -> None:
    number = sum(value << index for index, value in enumerate(values))
    data = number.to_bytes((len(values) + 7) // 8, "little")
    assert bits(framed(bytes((1, function, len(data))) + data), len(values)) == values


def test_bits_and_registers_are_not_taken_for_each_other() -> None:
    with pytest.raises(RecordError):
        registers(framed(bytes.fromhex("010101ff")))
    with pytest.raises(RecordError):
        registers(framed(bytes.fromhex("018302")))
    with pytest.raises(RecordError):
        bits(framed(bytes.fromhex("01030200ff")), 16)
    with pytest.raises(RecordError):
        bits(framed(bytes.fromhex("010101ff")), 9)


def test_recorded_samples(shared_data: Path) -> None:
    samples = json.loads((shared_data / "cn" / "modbus.json").read_text())
    framed_samples = [sample for sample in samples if "request" in sample]
    assert len(framed_samples) == 3
    for sample in framed_samples:
        expected = sample["expected"]
        request, answer = bytes.fromhex(sample["request"]), bytes.fromhex(sample["hex"])
        check_exchange(request, answer)
        assert request[2:4] == expected["wire_address"].to_bytes(2, "big")
        order = "little" if expected["word_order"].startswith("low") else "big"
        raw = raw_value(answer, DATA_AT, expected["type"], order)
        if expected["type"] == "float32":
            shortest = shortest32(raw)
            assert shortest is not None
            # The manual prints a few digits more than a float has.
            assert abs(shortest[0] * 10.0 ** shortest[1] - expected["value"]) < 1e-6
        else:
            assert raw == expected["value"]


def test_a_flow_computers_block(shared_data: Path) -> None:
    samples = json.loads((shared_data / "cn" / "modbus.json").read_text())
    (block,) = (sample for sample in samples if sample["name"] == "fuxin_gas_block")
    data, expected = bytes.fromhex(block["hex"]), block["expected"]
    assert scaled_value(data, 4, "float32", -4) == round(expected["std_total_f32"] * 10_000)
    assert scaled_value(data, 12, "float32", -3) == round(expected["std_flow"] * 1000)
    assert scaled_value(data, 32, "float32", -3) == round(expected["temp_c"] * 1000)
    assert scaled_value(data, 36, "float32", -3) == round(expected["pressure_kpa"] * 1000)


@pytest.mark.parametrize(
    ("function", "count", "body"),
    [
        (3, 2, bytes.fromhex("0103040651ff9e")),
        (4, 1, bytes.fromhex("010402 00d6")),
        (1, 9, bytes.fromhex("010102ff01")),
        (3, 2, bytes.fromhex("018302")),
    ],
)
def test_every_byte_is_named_once(function: int, count: int, body: bytes) -> None:
    request, answer = read_request(1, function, 0x101E, count), framed(body)
    for groups, frame in (
        (request_groups(request), request),
        (byte_groups(request, answer), answer),
    ):
        at = 0
        for offset, length, name, meaning in groups:
            assert offset == at
            assert length > 0
            assert name
            assert meaning
            at += length
        assert at == len(frame)


def test_meanings_say_what_stands_there() -> None:
    request = read_request(1, 3, 0x101E, 2)
    groups = byte_groups(request, framed(bytes.fromhex("0103040651ff9e")))
    assert (3, 2, "register 101Eh", "1617") in groups
    assert (5, 2, "register 101Fh", "65438") in groups
    groups = byte_groups(request, framed(bytes.fromhex("018302")))
    assert (2, 1, "exception", "illegal data address") in groups
    assert exception_name(99) == "unknown exception 99"
    with pytest.raises(FrameError):
        byte_groups(request, framed(bytes.fromhex("028302")))
