"""Readings of Modbus meters: exact, complete, and honest about what can't be read."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import FrameError
from nuan_protocols.meters import registry
from nuan_protocols.modbus.rtu import read_request
from nuan_protocols.reading import Reading, decimal_text

DTSU666 = registry.profile("dtsu666")
ROOM = registry.profile("room_rs485")
ENERGY_QUESTION = read_request(15, *DTSU666.reads[0])
LINE_QUESTION = read_request(15, *DTSU666.reads[1])


def framed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


def floats(*values: float) -> bytes:
    data = struct.pack(f">{len(values)}f", *values)
    return framed(bytes((15, 3, len(data))) + data)


def brief(reading: Reading) -> tuple[str, str, str]:
    assert reading.integer is not None
    assert reading[4:] == (0, 0, 0, "instantaneous", "ok", "")
    return (reading.quantity, decimal_text(reading.integer, reading.exponent), reading.unit)


def test_the_electricity_meters_energies() -> None:
    answer = floats(12345.67, 1, 2, 3, 4, 0.25)
    found = registry.readings(DTSU666, ENERGY_QUESTION, answer)
    assert [brief(reading) for reading in found] == [
        ("energy", "12345670", "Wh"),
        ("energy:backward", "250", "Wh"),
    ]


def test_the_electricity_meters_line_values() -> None:
    found = registry.readings(
        DTSU666,
        LINE_QUESTION,
        floats(2301, 2299, 2310, 12345, 0, 7, 45678.0, 28405, 0, -17, 1234),
    )
    assert [brief(reading) for reading in found] == [
        ("voltage:l1", "230.1", "V"),
        ("voltage:l2", "229.9", "V"),
        ("voltage:l3", "231.0", "V"),
        ("current:l1", "12.345", "A"),
        ("current:l2", "0.000", "A"),
        ("current:l3", "0.007", "A"),
        ("power", "4567.8", "W"),
        ("power:l1", "2840.5", "W"),
        ("power:l2", "0.0", "W"),
        ("power:l3", "-1.7", "W"),
        ("power_reactive", "123.4", "var"),
    ]


@given(st.integers(0, 10**8 - 1))
def test_a_displayed_energy_below_the_floats_limit_comes_back_exactly(hundredths: int) -> None:
    answer = floats(hundredths / 100, 0, 0, 0, 0, 0)
    (energy, _) = registry.readings(DTSU666, ENERGY_QUESTION, answer)
    (sent,) = struct.unpack(">f", answer[3:7])
    assert energy.integer == round(Fraction(sent) * 100)
    if hundredths < 131_072_00:
        assert energy.integer == hundredths


def test_a_float_that_is_no_number_is_unreadable_and_costs_no_neighbour() -> None:
    answer = floats(2301, float("nan"), 2310, float("inf"), 0, 7, 45678.0, 0, 0, 0, 0)
    found = registry.readings(DTSU666, LINE_QUESTION, answer)
    unreadable = {reading.quantity: reading for reading in found if reading.integer is None}
    assert set(unreadable) == {"voltage:l2", "current:l1"}
    assert all(r.status == "unreadable:not a number" for r in unreadable.values())
    assert len(found) == 11


def test_a_room_sensors_values() -> None:
    question = read_request(16, 4, 1, 2)
    for data, expected in (("00d6017c", ("21.4", "38.0")), ("ff330222", ("-20.5", "54.6"))):
        found = registry.readings(ROOM, question, framed(bytes.fromhex("100404" + data)))
        assert [brief(reading) for reading in found] == [
            ("room_temperature", expected[0], "degC"),
            ("relative_humidity", expected[1], "%"),
        ]


def test_the_question_says_which_registers_came() -> None:
    humidity = framed(bytes.fromhex("1004020222"))
    found = registry.readings(ROOM, read_request(16, 4, 2, 1), humidity)
    assert [reading.quantity for reading in found] == ["relative_humidity"]
    assert registry.readings(ROOM, read_request(16, 4, 7, 1), humidity) == []
    halved = framed(bytes.fromhex("0f030200ff"))
    assert registry.readings(DTSU666, read_request(15, 3, 0x101E, 1), halved) == []


def test_an_exception_answer_says_why_nothing_was_read() -> None:
    found = registry.readings(DTSU666, ENERGY_QUESTION, framed(bytes.fromhex("0f8302")))
    assert [reading.quantity for reading in found] == ["energy", "energy:backward"]
    assert {reading.status for reading in found} == {"unreadable:illegal data address"}
    assert {reading.integer for reading in found} == {None}


def test_no_answer_holds_no_reading() -> None:
    assert registry.readings(DTSU666, ENERGY_QUESTION, b"") == []


@pytest.mark.parametrize(
    "answer",
    [
        floats(1, 2, 3, 4, 5, 6)[:-1],
        floats(1, 2, 3, 4, 5),
        floats(1, 2, 3, 4, 5, 6)[:-1] + b"\x00",
        framed(bytes.fromhex("0e0318") + bytes(24)),
        b"\xe5",
    ],
)
def test_what_does_not_answer_the_question_is_refused(answer: bytes) -> None:
    with pytest.raises(FrameError):
        registry.readings(DTSU666, ENERGY_QUESTION, answer)


def test_a_broken_question_is_refused() -> None:
    with pytest.raises(FrameError):
        registry.readings(DTSU666, ENERGY_QUESTION[:-1], floats(1, 2, 3, 4, 5, 6))
