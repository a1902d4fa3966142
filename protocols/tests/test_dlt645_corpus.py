"""Recorded DL/T 645 frames decode to what their sources say; broken ones are refused."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.dlt645.annotate import byte_groups
from nuan_protocols.dlt645.frame import FROM_METER, parse
from nuan_protocols.dlt645.status import error_names
from nuan_protocols.dlt645.telegram import Telegram, decode
from nuan_protocols.errors import ChecksumError, FrameError

# What a reading's base unit is of the unit the sources give: kWh, kW, kvar, kVA; V, A and cos phi
# are their own.
THOUSANDS = ("Wh", "W", "var", "VA")


def frames(shared_data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared_data / "cn" / "dlt645.json").read_text())
    return found


def values(telegram: Telegram) -> list[Decimal]:
    found: list[Decimal] = []
    for record in telegram.records:
        reading = record.reading
        assert reading.integer is not None, reading
        exponent = reading.exponent - (3 if reading.unit in THOUSANDS else 0)
        found.append(Decimal(reading.integer).scaleb(exponent))
    return found


def test_every_frame_is_divided_as_expected(shared_data: Path) -> None:
    count = 0
    for one in frames(shared_data):
        expected = one["expected"]
        frame = parse(bytes.fromhex(one["hex"]))
        assert frame.address == expected["address"].upper(), one["name"]
        assert frame.control == int(expected["c"], 16), one["name"]
        assert frame.data.hex() == expected["data_minus33"], one["name"]
        count += 1
    assert count >= 41


def test_every_answer_gives_the_expected_values(shared_data: Path) -> None:
    compared = 0
    for one in frames(shared_data):
        raw = bytes.fromhex(one["hex"])
        expected = one["expected"]
        if not parse(raw).control & FROM_METER:
            with pytest.raises(FrameError, match="a master's command"):
                decode(raw)
            continue
        telegram = decode(raw)
        assert str(telegram.version) == one["protocol"].split("-")[1], one["name"]
        if "di" in expected:
            assert telegram.di == int(expected["di"], 16), one["name"]
        if "values" in expected:
            said = [Decimal(str(value)) for value in expected["values"]]
            assert values(telegram) == said, one["name"]
            compared += len(said)
        elif telegram.error >= 0:
            assert telegram.error == int(expected["data_minus33"], 16)
        else:
            address = bytes.fromhex(expected["data_minus33"])[::-1].hex()
            assert telegram.records[0].reading.text == address
    assert compared >= 25


def test_errors_are_called_what_the_sources_call_them() -> None:
    assert error_names(2007, 2) == "no such data"
    assert error_names(2007, 6) == "no such data, wrong password or not authorised"


def test_every_byte_of_every_frame_is_named(shared_data: Path) -> None:
    for one in frames(shared_data):
        raw = bytes.fromhex(one["hex"])
        for wake in (b"", b"\xfe\xfe\xfe\xfe"):
            at = 0
            for offset, length, name, _ in byte_groups(wake + raw):
                assert offset == at, one["name"]
                assert length > 0
                assert name
                at += length
            assert at == len(wake) + len(raw), one["name"]


def test_a_changed_byte_is_refused_with_its_reason(shared_data: Path) -> None:
    for one in frames(shared_data):
        raw = bytes.fromhex(one["hex"])
        for at in range(len(raw)):
            spoilt = bytearray(raw)
            spoilt[at] ^= 0x01
            with pytest.raises(FrameError) as caught:
                decode(bytes(spoilt))
            if at not in (0, 7, 9, len(raw) - 1):
                assert isinstance(caught.value, ChecksumError), (one["name"], at)
                assert caught.value.offset == len(raw) - 2


def test_negatives_of_other_protocols_are_refused(shared_data: Path) -> None:
    refused = 0
    for one in json.loads((shared_data / "cn" / "negatives.json").read_text()):
        with pytest.raises(FrameError):
            decode(bytes.fromhex(one["hex"]))
        refused += 1
    for one in json.loads((shared_data / "cn" / "cjt188.json").read_text()):
        with pytest.raises(FrameError):
            decode(bytes.fromhex(one["hex"]))
        refused += 1
    assert refused > 40
