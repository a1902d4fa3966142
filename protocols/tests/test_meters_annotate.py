"""Every byte of an exchange is named exactly once, by its meter's model where it can be."""

import struct

import pytest

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.frame import short_frame
from nuan_protocols.meters import registry
from nuan_protocols.meters.annotate import answer_groups, question_groups
from nuan_protocols.modbus.rtu import read_request

DTSU666 = registry.profile("dtsu666")
HEAT = registry.profile("mbus_heat")
QUESTION = read_request(15, *DTSU666.reads[0])
TELEGRAM = bytes.fromhex(
    "68 1B 1B 68 08 05 72 78563412 2D2C 01 04 2A 00 0000 0C06 78563412 0C13 34120000 A6 16"
)


def framed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


ANSWER = framed(bytes.fromhex("0f0318") + struct.pack(">6f", 12345.67, 0, 0, 0, 0, 0.5))
SPLIT = framed(bytes.fromhex("0f0302 4640"))
EXCEPTION = framed(bytes.fromhex("0f8302"))


@pytest.mark.parametrize(
    ("model", "question", "answer"),
    [
        ("dtsu666", QUESTION, ANSWER),
        ("dtsu666", QUESTION, EXCEPTION),
        ("dtsu666", read_request(15, 3, 0x101E, 1), SPLIT),
        ("room_rs485", read_request(15, 3, 7, 1), SPLIT),
        ("mbus_heat", short_frame(0x7B, 5), TELEGRAM),
    ],
    ids=["answer", "exception", "half a register", "no register", "telegram"],
)
def test_every_byte_is_named_once(model: str, question: bytes, answer: bytes) -> None:
    meter = registry.profile(model)
    for data, groups in (
        (question, question_groups(meter, question)),
        (answer, answer_groups(meter, question, answer)),
    ):
        at = 0
        for offset, length, name, _ in groups:
            assert offset == at
            assert length > 0
            assert name
            at += length
        assert at == len(data)


def test_a_models_registers_are_named_with_their_values() -> None:
    groups = answer_groups(DTSU666, QUESTION, ANSWER)
    assert (3, 4, "register 101Eh", "float32 energy: 12345670 Wh") in groups
    assert (7, 2, "register 1020h", "0") in groups
    assert (23, 4, "register 1028h", "float32 energy:backward: 500 Wh") in groups


def test_a_register_cut_in_half_stays_a_bare_word() -> None:
    groups = answer_groups(DTSU666, read_request(15, 3, 0x101E, 1), SPLIT)
    assert (3, 2, "register 101Eh", str(0x4640)) in groups


def test_what_was_unreadable_says_so() -> None:
    broken = framed(bytes.fromhex("0f0318 ffffffff") + bytes(20))
    meanings = [meaning for *_, meaning in answer_groups(DTSU666, QUESTION, broken)]
    assert "float32 energy: unreadable:not a number" in meanings


def test_bytes_that_are_no_answer_are_refused() -> None:
    with pytest.raises(FrameError):
        answer_groups(DTSU666, QUESTION, ANSWER[:-1])
    with pytest.raises(FrameError):
        answer_groups(HEAT, short_frame(0x7B, 5), TELEGRAM[:-1])
