"""M-Bus telegrams out of Chinese makers' documents, against a separate reading of them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.frame import parse
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.quantity import base

SECONDS = {"h": 3600, "d": 86400}
NAMES = {
    "flow": "volume_flow",
    "flow_temp": "flow_temperature",
    "return_temp": "return_temperature",
    "temp_diff": "temperature_difference",
    "fabrication_no": "fabrication_number",
    "mfr_data": "manufacturer_specific",
}
FUNCTIONS = {"inst": "instantaneous", "max": "maximum", "min": "minimum", "error": "error"}


@pytest.fixture(scope="module")
def entries(shared_data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared_data / "cn" / "mbus.json").read_text())
    return found


def answers(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["expected"].get("records")]


def test_masters_frames_are_named_as_such(entries: list[dict[str, Any]]) -> None:
    asked = [entry for entry in entries if entry not in answers(entries)]
    assert asked
    for entry in asked:
        raw = bytes.fromhex(entry["hex"])
        assert parse(raw).raw == raw
        with pytest.raises(FrameError):
            decode(raw)


def test_records_and_their_bytes(entries: list[dict[str, Any]]) -> None:
    assert len(answers(entries)) > 10
    for entry in answers(entries):
        telegram = decode(bytes.fromhex(entry["hex"]))
        expected = entry["expected"]
        if telegram.header is not None:
            assert telegram.header.identification == expected["id"].lower()
            assert telegram.header.manufacturer == expected["manufacturer"]
            assert f"{telegram.header.medium[0]:02x}" == expected["medium"].lower()
        told = [each for each in expected["records"] if "vif" in each]
        found = [record for record in telegram.records if record.vib]
        assert len(found) == len(told), entry["name"]
        for record, each in zip(found, told, strict=True):
            assert record.vib.hex() == each["vif"].lower()
            assert record.data.hex() == each["raw"].lower()
            reading = record.reading
            said = (reading.function, reading.storage, reading.tariff)
            assert said == (FUNCTIONS[each["function"]], each["storage"], each["tariff"])


def test_values(entries: list[dict[str, Any]]) -> None:
    compared = 0
    for entry in answers(entries):
        telegram = decode(bytes.fromhex(entry["hex"]))
        found = [record for record in telegram.records if record.vib]
        told = [each for each in entry["expected"]["records"] if "vif" in each]
        for record, each in zip(found, told, strict=True):
            reading, value = record.reading, each.get("value")
            if "quantity" in each and each["quantity"] in NAMES:
                assert base(reading.quantity) == NAMES[each["quantity"]]
            if isinstance(value, (int, float)):
                assert reading.integer is not None, (entry["name"], each, reading)
                mine = Decimal(reading.integer).scaleb(reading.exponent)
                theirs = Decimal(repr(value)) * SECONDS.get(each.get("unit", ""), 1)
                assert abs(mine - theirs) <= abs(theirs) * Decimal("1e-9"), (entry["name"], each)
                compared += 1
            elif value is None and "quantity" in each:
                assert (reading.integer, reading.status) == (None, "error")
    assert compared > 100
