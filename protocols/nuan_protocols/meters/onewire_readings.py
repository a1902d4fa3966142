"""Readings in the scratchpad of a one-wire thermometer.

question  55 | ROM code, 8 bytes, CRC last | BE      as the board put it on the wire
answer    9 bytes: temperature low, high, TH, TL, configuration, FF, reserved, 10, CRC
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.reading import Reading, value_text

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile

MATCH_ROM = 0x55
READ_SCRATCHPAD = 0xBE
QUESTION_BYTES = 10
SCRATCHPAD_BYTES = 9
POWER_ON = "unreadable:no conversion since power-on"
# 85.0 degrees.
_POWER_ON_BYTES = b"\x50\x05"
_POLYNOMIAL = 0x8C
# A sixteenth is 0.0625.
_STEP = 625
_EXPONENT = -4


def onewire_readings(meter: "Profile", question: bytes, answer: bytes) -> "list[Reading]":
    """The probe's temperature. Raises FrameError when question or answer isn't one of its."""
    if (
        len(question) != QUESTION_BYTES
        or question[0] != MATCH_ROM
        or question[-1] != READ_SCRATCHPAD
        or crc8(question[1:-1])
    ):
        raise FrameError("not a question for a scratchpad: 55, 8 bytes of ROM code, BE", 0)
    if len(answer) != SCRATCHPAD_BYTES:
        raise FrameError(f"a scratchpad has {SCRATCHPAD_BYTES} bytes, not {len(answer)}", 0)
    if crc8(answer):
        raise FrameError("the scratchpad's checksum is wrong", SCRATCHPAD_BYTES - 1)
    quantity = meter.registers[0].quantity
    if answer[:2] == _POWER_ON_BYTES:
        return [Reading(quantity, None, 0, "degC", 0, 0, 0, "instantaneous", POWER_ON, "")]
    value = answer[1] << 8 | answer[0]
    value -= (value & 0x8000) << 1
    integer = value * _STEP
    return [Reading(quantity, integer, _EXPONENT, "degC", 0, 0, 0, "instantaneous", "ok", "")]


def question_bytes(question: bytes) -> "list[tuple[int, int, str, str]]":
    """(offset, length, name, meaning) of every byte of a question."""
    return [
        (0, 1, "command", "match ROM"),
        (1, 8, "ROM code", question[1:9].hex()),
        (9, 1, "command", "read scratchpad"),
    ]


def scratchpad_bytes(
    meter: "Profile", question: bytes, answer: bytes
) -> "list[tuple[int, int, str, str]]":
    """(offset, length, name, meaning) of every byte of an answer. Raises FrameError."""
    temperature = value_text(onewire_readings(meter, question, answer)[0])
    return [
        (0, 2, "temperature", temperature),
        (2, 2, "alarm limits", f"{answer[2]}, {answer[3]}"),
        (4, 1, "configuration", f"{9 + (answer[4] >> 5 & 3)} bits"),
        (5, 3, "reserved", ""),
        (8, 1, "checksum", "right"),
    ]


def crc8(data: bytes) -> int:
    """The one-wire checksum; 0 over data that end with theirs."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc
