"""Recorded telegrams of many makers against the values an older decoder printed for them.

Where that decoder is known to be wrong the record is named here; docs/protocols.md argues each.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.telegram import Telegram, decode
from nuan_protocols.quantity import base
from nuan_protocols.reading import Reading

# Expected quantity -> ours. What isn't here must not be compared by name.
QUANTITIES = {
    "%RH": "text_unit",
    "Actuality Duration": "actuality_duration",
    "Averaging Duration": "averaging_duration",
    "C": "text_unit",
    "Current": "current",
    "Customer location": "customer_location",
    "Digital Input": "digital_input",
    "Digital Output": "digital_output",
    "Dimensionless": "dimensionless",
    "Energy": "energy",
    "Error flags": "error_flags",
    "External temperature": "external_temperature",
    "Fabrication No": "fabrication_number",
    "Firmware version": "firmware_version",
    "Flow temperature": "flow_temperature",
    "H.C.A.": "heat_cost_units",
    "Manufacturer specific": "manufacturer_specific",
    "Model / Version": "model_version",
    "On time": "on_time",
    "Operating time": "operating_time",
    "PW": "text_unit",
    "Parameter set identification": "parameter_set",
    "Power": "power",
    "Reset counter": "reset_counter",
    "Return temperature": "return_temperature",
    "Software version": "software_version",
    "Special supplier information": "supplier_information",
    "Temperature difference": "temperature_difference",
    "Time point (date & time)": "datetime",
    "Time point (date)": "date",
    "Voltage": "voltage",
    "Volume": "volume",
    "Volume flow": "volume_flow",
    "bat. time": "text_unit",
    "c": "text_unit",
    "cust. ID": "text_unit",
}
UNITS = {"°C": "degC", "m^3": "m3", "m^3/h": "m3/h", "Units for H.C.A.": "1"}
FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
}

# Old decoder wrong, by (file, record), with what is right.
EXCEPTED = {
    ("ACW_Itron-BM-plus-m", 2): "0000 is no date",
    ("itron_bm_+m", 2): "0000 is no date",
    ("siemens_water", 3): "0000 is no date",
    ("siemens_wfh21", 3): "0000 is no date",
    ("REL-Relay-Padpuls2", 1): "the meter marks its time invalid",
    ("ELS_Elster-F96-Plus", 4): "digits A-F are an error mark",
    ("ELS_Elster-F96-Plus", 5): "digits A-F are an error mark",
    ("SEN_Pollustat", 12): "VIFE 50 makes it a duration",
    ("SEN_Pollustat", 13): "VIFE 58 makes it a duration",
    ("sen_pollutherm", 2): "VIF 7B alone means nothing",
    ("siemens_rvd235", 3): "VIF FD 7C is reserved",
    ("siemens_rvd235", 4): "VIF FD 7C is reserved",
    ("siemens_rvd235", 5): "VIF FD 7C is reserved",
    ("manual_frame2", 0): "fixed structure: expected value isn't scaled",
    ("manual_frame2", 1): "fixed structure: expected value isn't scaled",
    ("sen_pollusonic_2", 0): "fixed structure: expected value isn't scaled",
    ("sen_pollusonic_2", 1): "fixed structure: expected value isn't scaled",
    ("example_binary16_lvar", 0): "a 16-byte binary number, expected as text",
}
FIXED = {
    "manual_frame2": [("volume", 1, -3, "m3", 0), ("volume", 135, -3, "m3", 1)],
    "sen_pollusonic_2": [("energy", 6531, 3, "Wh", 0), ("volume", 69, -3, "m3", 0)],
}
TELEGRAMS = 56


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> list[tuple[dict[str, Any], Telegram]]:
    entries = [
        json.loads(file.read_text()) for file in sorted((shared_data / "mbus").glob("*.json"))
    ]
    return [(entry, decode(bytes.fromhex(entry["hex"]))) for entry in entries]


def test_headers(corpus: list[tuple[dict[str, Any], Telegram]]) -> None:
    assert len(corpus) == TELEGRAMS
    for entry, telegram in corpus:
        expected, header = entry["header"], telegram.header
        assert header is not None
        assert (telegram.control, telegram.address) == (entry["c_field"], entry["a_field"])
        assert telegram.more == (telegram.records[-1].dib == b"\x1f")
        assert header.identification == expected["id8"]
        assert header.access_number == expected["access_no"]
        assert header.status == expected["status"]
        if expected["manufacturer"] is not None:
            assert header.manufacturer == expected["manufacturer"]
            assert header.version == expected["version"]
            assert header.signature == expected["signature"]
            assert header.medium[0] == expected["medium_code"]


def test_every_record_is_found_at_its_bytes(corpus: list[tuple[dict[str, Any], Telegram]]) -> None:
    for entry, telegram in corpus:
        raw = bytes.fromhex(entry["hex"])
        assert len(telegram.records) == len(entry["records"]), entry["name"]
        for record, expected in zip(telegram.records, entry["records"], strict=True):
            said = record.dib + record.vib + record.data
            assert raw[record.offset : record.offset + record.length] == said
            if "dib" in expected:
                told = [expected[part] or "" for part in ("dib", "vib", "data")]
                assert [record.dib.hex(), record.vib.hex(), record.data.hex()] == told


def test_every_value(corpus: list[tuple[dict[str, Any], Telegram]]) -> None:
    compared = 0
    for entry, telegram in corpus:
        for index, record in enumerate(telegram.records):
            expected = entry["records"][index]
            if (entry["name"], index) in EXCEPTED or expected["kind"] == "mfr":
                continue
            where = (entry["name"], index, expected, record.reading)
            assert matches(record.reading, expected), where
            compared += 1
    assert compared > 500


def test_the_exceptions_are_needed(corpus: list[tuple[dict[str, Any], Telegram]]) -> None:
    for entry, telegram in corpus:
        for index, record in enumerate(telegram.records):
            expected = entry["records"][index]
            if (entry["name"], index) in EXCEPTED:
                assert not matches(record.reading, expected), (entry["name"], index)
            elif expected["kind"] != "mfr":
                assert not expected["suspect"], (entry["name"], index)


def test_fixed_structures(corpus: list[tuple[dict[str, Any], Telegram]]) -> None:
    found = {
        entry["name"]: [
            (*record.reading[:4], record.reading.storage) for record in telegram.records
        ]
        for entry, telegram in corpus
        if entry["structure"] == "fixed"
    }
    assert found == FIXED


def matches(reading: Reading, expected: dict[str, Any]) -> bool:
    ours = (reading.function, reading.storage, reading.tariff, reading.subunit)
    theirs = (
        FUNCTIONS.get(expected["function"], "instantaneous"),
        expected["storage"] or 0,
        expected["tariff"] or 0,
        expected["device"] or 0,
    )
    if ours != theirs or base(reading.quantity) != QUANTITIES.get(expected["quantity"]):
        return False
    if not expected["numeric"]:
        shown = str(expected["value"])
        # The old decoder prints seconds and UTC, which type F doesn't have.
        return reading.status == "ok" and shown in {
            reading.text,
            reading.text + ":00Z",
            reading.text + "Z",
        }
    unit = UNITS.get(expected["unit"], expected["unit"])
    if unit not in ("", "-") and reading.unit != unit:
        return False
    if reading.integer is None or reading.status != "ok":
        return False
    value = Decimal(reading.integer).scaleb(reading.exponent)
    told = Decimal(repr(expected["value"]))
    return abs(value - told) <= max(Decimal("1e-6"), abs(told) * Decimal("1e-6"))


# Error frames that are telegrams all the same, and how they end.
ACCEPTED = {
    "application_busy": "application busy",
    "buffer_too_long": "buffer too long",
    "error": "unspecified error",
    "premature_end_of_record": "premature end of record",
    "too_many_difes": "too many DIFE",
    "too_many_readouts": "too many readouts",
    "too_many_records": "too many records",
    "too_many_vifes": "too many VIFE",
    "unimplemented_ci": "unimplemented CI",
    "unspecified_error": "unspecified error",
}
REFUSED = {
    "invalid_length": 6,
    "invalid_length2": 22,
    "manual_frame1": 0,
    "manual_frame4": 4,
    "manual_frame5": 4,
    "manual_frame6": 4,
    "too_short_header": 12,
}
# Their good records are kept, the last one says at which byte the telegram goes wrong.
BROKEN_AT = {
    "premature_end_of_data1": 32,
    "premature_end_of_data2": 34,
    "premature_end_of_dif1": 30,
    "premature_end_of_dif2": 31,
    "premature_end_of_var_vif1": 50,
    "premature_end_of_vif1": 31,
    "too_long_var_vif": 50,
    "too_many_dife": 40,
    "too_many_vife": 42,
}
MANUFACTURERS_OWN = {"svm_f22_telegram2"}


def test_error_frames(shared_data: Path) -> None:
    names = set()
    for file in sorted((shared_data / "mbus" / "error").glob("*.json")):
        entry = json.loads(file.read_text())
        name, raw = entry["name"], bytes.fromhex(entry["hex"])
        names.add(name)
        if name in REFUSED:
            with pytest.raises(FrameError) as caught:
                decode(raw)
            assert caught.value.offset == REFUSED[name], name
            continue
        last = decode(raw).records[-1].reading
        if name in ACCEPTED:
            assert (last.status, last.text) == ("error", ACCEPTED[name])
        elif name in BROKEN_AT:
            assert last.status.startswith("unreadable:")
            assert last.status.endswith(f"(byte {BROKEN_AT[name]})"), (name, last)
        else:
            assert last.quantity == "manufacturer_specific"
    assert names == {*REFUSED, *ACCEPTED, *BROKEN_AT, *MANUFACTURERS_OWN}
