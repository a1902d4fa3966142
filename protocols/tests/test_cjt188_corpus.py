"""CJ/T 188 frames out of makers' documents, each in the mode its file names."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.cjt188.annotate import byte_groups
from nuan_protocols.cjt188.dialects import DIALECTS, Dialect
from nuan_protocols.cjt188.frame import ANSWER, parse
from nuan_protocols.cjt188.layouts import identifier
from nuan_protocols.cjt188.probe import CONFIRMED, CONTRADICTED, UNCONFIRMED, rank
from nuan_protocols.cjt188.telegram import Telegram, decode, find
from nuan_protocols.errors import ChecksumError, FrameError
from nuan_protocols.reading import Reading

MODES = {
    "le": "standard",
    "be": "high_first",
    "unitfirst": "unit_first",
    "plus33": "plus33",
}
# Unit of the file -> base unit and exponent.
UNITS = {
    "kWh": ("Wh", 3),
    "W": ("W", 0),
    "kW": ("W", 3),
    "m3/h": ("m3/h", 0),
    "L/h": ("m3/h", -3),
    "m3": ("m3", 0),
    "L": ("m3", -3),
}
VALUES = {
    "energy_1": ("energy", 1),
    "energy_2": ("energy", 0),
    "power": ("power", 0),
    "flow": ("volume_flow", 0),
    "volume": ("volume", 0),
    "settlement_volume": ("volume", 1),
}
# What each answer's dialect turns out to be: some dialects read as their mode, with one thing else.
CONFIRMED_DIALECTS = {"heat_02": "cooling_first", "heat_15": "high_first", "heat_19": "standard"}
LIKELY = {
    "heat_01": "unit_first",
    "heat_03": "nines",
    "heat_04": "plus33",
    "heat_05": "cooling_first",
    "heat_08": "plus33",
    "heat_09": "unit_first",
    "heat_13": "two_byte_temperatures",
    "heat_20": "unit_first",
    "heat_23": "two_byte_temperatures",
    "heat_24": "century_00",
}
HIGH_FIRST = ("heat_07", "heat_14", "heat_16", "heat_17")


@pytest.fixture(scope="module")
def entries(shared_data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((shared_data / "cn" / "cjt188.json").read_text())
    return found


def raw_of(entry: dict[str, Any]) -> bytes:
    return bytes.fromhex(entry["hex"])


def dialect_of(entry: dict[str, Any]) -> Dialect:
    expected = entry["expected"]
    if expected.get("temp_two_byte"):
        return DIALECTS["two_byte_temperatures"]
    return DIALECTS[MODES[expected.get("mode", "le")]]


def current(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if "volume" in entry["expected"]]


def value_of(reading: Reading) -> Decimal:
    assert reading.integer is not None, reading
    return Decimal(reading.integer).scaleb(reading.exponent)


def reading_of(telegram: Telegram, quantity: str, storage: int = 0) -> Reading:
    reading = find(telegram, quantity, storage)
    assert reading is not None, quantity
    return reading


def test_every_frame_has_its_header(entries: list[dict[str, Any]]) -> None:
    assert len(entries) > 40
    for entry in entries:
        expected, frame = entry["expected"], parse(raw_of(entry))
        assert f"{frame.type:02X}" == expected["t"], entry["name"]
        assert frame.address.hex() == expected["address_wire"]
        assert f"{frame.control:02X}" == expected["c"]
        assert len(frame.data) == expected["l"]
        if "data" in expected:
            assert frame.data.hex() == expected["data"]


def test_masters_frames_are_named_as_such(entries: list[dict[str, Any]]) -> None:
    asked = [entry for entry in entries if not int(entry["expected"]["c"], 16) & ANSWER]
    assert len(asked) > 10
    for entry in asked:
        with pytest.raises(FrameError, match="a master's command"):
            decode(raw_of(entry))


def test_answers_name_address_identifier_and_number(entries: list[dict[str, Any]]) -> None:
    for entry in current(entries):
        telegram, expected = decode(raw_of(entry), dialect_of(entry)), entry["expected"]
        di = bytes.fromhex(expected["di"])
        assert telegram.address == expected["address"].upper(), entry["name"]
        assert telegram.di == identifier(di[0], di[1]) == 0x901F
        assert telegram.ser == expected["ser"]
        assert telegram.status.hex() == expected["st"]


def test_values_in_the_mode_the_file_names(entries: list[dict[str, Any]]) -> None:
    compared = 0
    for entry in current(entries):
        telegram, expected = decode(raw_of(entry), dialect_of(entry)), entry["expected"]
        for name, (quantity, storage) in VALUES.items():
            if name not in expected:
                continue
            told = expected[name]
            reading = reading_of(telegram, quantity, storage)
            if told["unit"] is None:
                digits = bytes.fromhex(told["raw"])[::-1].hex()
                assert (reading.integer, reading.text) == (None, digits), entry["name"]
                assert reading.status == f"unreadable:unit {told['unit_code']} is unknown"
            else:
                unit, exponent = UNITS[told["unit"]]
                assert reading.unit == unit
                assert value_of(reading) == Decimal(repr(told["value"])).scaleb(exponent), name
            compared += 1
    assert compared > 120


def test_temperatures_hours_and_clocks(entries: list[dict[str, Any]]) -> None:
    for entry in current(entries):
        telegram, expected = decode(raw_of(entry), dialect_of(entry)), entry["expected"]
        clock = reading_of(telegram, "datetime")
        if "t_supply_c" in expected:
            for name, quantity in (("t_supply_c", "flow"), ("t_return_c", "return")):
                reading = reading_of(telegram, f"{quantity}_temperature")
                assert value_of(reading) == Decimal(repr(expected[name])), entry["name"]
                assert reading.unit == "degC"
            hours = reading_of(telegram, "operating_time")
            assert (hours.integer, hours.unit) == (expected["hours"] * 3600, "s")
            if not expected["clock"].startswith("00"):
                assert (clock.text, clock.status) == (expected["clock"], "ok")
        elif expected["clock_raw"].strip("0"):
            assert clock.text.translate({ord(each): "" for each in "-T:"}) == expected["clock_raw"]
        else:
            assert clock.text == expected["clock_raw"]
            assert clock.status == "unreadable:no such date or time"


def test_a_year_of_11_is_no_date_unless_the_maker_means_2011(
    entries: list[dict[str, Any]],
) -> None:
    (entry,) = [each for each in current(entries) if each["name"].startswith("heat_24")]
    clock = reading_of(decode(raw_of(entry)), "datetime")
    assert (clock.status, clock.text) == ("unreadable:no such date or time", "00110627105356")
    clock = reading_of(decode(raw_of(entry), DIALECTS["century_00"]), "datetime")
    assert clock.text == "2011-06-27T10:53:56"


def test_eight_nines_are_no_value_where_the_maker_says_so(entries: list[dict[str, Any]]) -> None:
    (entry,) = [each for each in current(entries) if each["name"].startswith("heat_03")]
    telegram = decode(raw_of(entry), DIALECTS["nines"])
    for quantity, storage in (("energy", 1), ("power", 0)):
        reading = reading_of(telegram, quantity, storage)
        assert (reading.integer, reading.status) == (None, "unreadable:no value")
        assert reading.text == "99999999"
    assert reading_of(telegram, "energy").integer == 0


def test_other_answers(entries: list[dict[str, Any]]) -> None:
    named = {entry["name"]: entry for entry in entries}
    history = decode(raw_of(named["danfoss_history_reply_D125"]), DIALECTS["high_first"])
    assert history.address == "12345678901234"
    assert reading_of(history, "energy", 6).integer == 0
    for name in ("broadcast_read_address_reply", "water_aixiwang_read_address_reply"):
        expected = named[name]["expected"]
        telegram = decode(raw_of(named[name]))
        assert telegram.di == 0x810A
        assert reading_of(telegram, "bus_address").text == expected["address"].upper()
    assert decode(raw_of(named["danfoss_set_time_ack"])).di == 0xA015
    vendor = decode(raw_of(named["tiangang_high_precision_reply_3F90"]))
    (record,) = vendor.records
    assert vendor.di == 0x903F
    assert record.reading.status == "unreadable:no layout is known for this answer"
    assert record.data == raw_of(named["tiangang_high_precision_reply_3F90"])[14:-2]


def test_a_frame_copied_with_a_wrong_checksum_is_refused(shared_data: Path) -> None:
    entries = json.loads((shared_data / "cn" / "negatives.json").read_text())
    (entry,) = [each for each in entries if each["name"] == "cjt188_bad_checksum_tutorial"]
    raw = bytes.fromhex(entry["hex"])
    with pytest.raises(ChecksumError, match="checksum is 08, the bytes add up to 13") as refused:
        decode(raw)
    assert refused.value.offset == len(raw) - 2


def test_every_byte_is_named_once(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        raw, at = raw_of(entry), 0
        for offset, length, name, _ in byte_groups(raw, dialect_of(entry)):
            assert offset == at, entry["name"]
            assert length > 0
            assert name
            at += length
        assert at == len(raw)


def test_records_take_every_byte_of_the_data_once(entries: list[dict[str, Any]]) -> None:
    for entry in current(entries):
        raw = raw_of(entry)
        records = decode(raw, dialect_of(entry)).records
        start = raw.index(b"\x68") + 14
        assert sum(record.length for record in records) == len(raw) - 2 - start
        for record in records:
            assert record.offset == start
            start += record.length


def test_probing_finds_the_dialect_or_says_why_it_cannot(entries: list[dict[str, Any]]) -> None:
    confirmed = {}
    for entry in current(entries):
        name = entry["name"].split("_")[0] + "_" + entry["name"].split("_")[1]
        verdicts = rank(raw_of(entry))
        assert all(verdict.reason for verdict in verdicts)
        assert [each.state for each in verdicts].count(CONFIRMED) <= 1
        best = verdicts[0]
        assert best.state != CONTRADICTED, entry["name"]
        if best.state == CONFIRMED:
            confirmed[name] = best.dialect
            continue
        assert best.state == UNCONFIRMED
        right = "high_first" if name in HIGH_FIRST else LIKELY.get(name, "standard")
        assert best.dialect == right, (entry["name"], verdicts[:3])
        assert "idle" in best.reason or "too little" in best.reason or "no more" in best.reason
    assert confirmed == CONFIRMED_DIALECTS
