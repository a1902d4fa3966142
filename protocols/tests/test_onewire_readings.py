"""A DS18B20's scratchpad, by the data sheet's table of temperatures."""

import pytest

from nuan_protocols.errors import FrameError
from nuan_protocols.meters import registry
from nuan_protocols.meters.onewire_readings import POWER_ON, crc8

PROBE = registry.profile("ds18b20")
# The ROM code of the maker's note on the checksum: family 02, number 1CB801000000, CRC A2.
NOTED = bytes.fromhex("021cb801000000a2")
QUESTION = b"\x55" + NOTED + b"\xbe"
# Sixteenths as the data sheet prints them.
PRINTED = {"07d0": 125, "0191": 25.0625, "00a2": 10.125, "0008": 0.5, "0000": 0, "fff8": -0.5,
           "ff5e": -10.125, "fe6f": -25.0625, "fc90": -55}  # fmt: skip


def scratchpad(raw: str) -> bytes:
    body = bytes.fromhex(raw)[::-1] + bytes.fromhex("4b467fff0c10")
    return body + bytes([crc8(body)])


@pytest.mark.parametrize(("raw", "degrees"), PRINTED.items())
def test_the_data_sheets_temperatures(raw: str, degrees: float) -> None:
    (reading,) = registry.readings(PROBE, QUESTION, scratchpad(raw))
    assert (reading.quantity, reading.unit, reading.status) == ("room_temperature", "degC", "ok")
    assert reading.integer == round(degrees * 10_000)
    assert reading.exponent == -4


def test_what_stands_there_at_power_on_is_no_measurement() -> None:
    (reading,) = registry.readings(PROBE, QUESTION, scratchpad("0550"))
    assert (reading.integer, reading.status) == (None, POWER_ON)


def test_the_makers_example_of_a_checksum() -> None:
    assert crc8(NOTED[:-1]) == 0xA2


def test_what_is_broken_is_refused() -> None:
    good = scratchpad("0191")
    for at in range(9):
        for bit in range(8):
            broken = bytearray(good)
            broken[at] ^= 1 << bit
            with pytest.raises(FrameError):
                registry.readings(PROBE, QUESTION, bytes(broken))
    for answer in (good[:8], good + b"\0"):
        with pytest.raises(FrameError):
            registry.readings(PROBE, QUESTION, answer)
    for question in (b"", QUESTION[:-1], QUESTION[:-1] + b"\x44", b"\xcc" + QUESTION[1:]):
        with pytest.raises(FrameError):
            registry.readings(PROBE, question, good)
