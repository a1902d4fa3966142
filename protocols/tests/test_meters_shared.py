"""Meter models held against what others wrote down of the same meters, and their telegrams."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.meters import registry
from nuan_protocols.meters.places import ModbusRegister
from nuan_protocols.meters.profile import Profile
from nuan_protocols.modbus.rtu import read_request
from nuan_protocols.reading import Reading, decimal_text

MODEL_OF = {
    "tuf2000-family": "tuf2000",
    "mag11-heat": "mag11",
    "kamstrup-403-603-803-modbus": "kamstrup_403",
    "eastron-sdm630": "sdm630",
    "chint-dtsu666": "dtsu666",
    "acrel-adw300": "adw300",
    "aoke-vortex-gas": "aoke_vortex",
}
KIND_OF = {
    "f32": "float32",
    "i32": "int32",
    "u32": "uint32",
    "u16": "uint16",
}
# What one of a unit, as written down, is in the unit of our place.
WORTH = {
    ("m3/h", "m3/h"): 1,
    ("GJ/h", "J/h"): 10**9,
    ("L/h", "m3/h"): Fraction(1, 1000),
    ("L/h per user report", "m3/h"): Fraction(1, 1000),
    ("kW per user report", "W"): 1000,
    ("kW", "W"): 1000,
    ("L", "m3"): Fraction(1, 1000),
    ("C", "degC"): 1,
    ("kWh", "Wh"): 1000,
    ("kPa", "bar"): Fraction(1, 100),
    ("Nm3", "m3"): 1,
    ("", "1"): 1,
    ("bits", "1"): 1,
    ("code", "1"): 1,
    ("n", "1"): 1,
    ("0=GJ 1=kcal ...", "1"): 1,
    # The high level of a total: which worth is not written.
    ("L", "1"): 1,
    ("Wh", "1"): 1,
}
# Settings and the units whose worth another register decides: only their kind is written down.
SETTING = ("unit in wire 1437", "unit in wire 1440", "same")
# MAG-11's unit settings are in the manual, not in the notes.
NOT_WRITTEN = {("mag11", 0x0041), ("mag11", 0x062D), ("dtsu666", 0x2016), ("dtsu666", 0x2018)}


def written(shared_data: Path, file: str) -> Any:
    return json.loads((shared_data / "cn" / file).read_text(encoding="utf-8"))


def by_name(shared_data: Path, file: str) -> dict[str, Any]:
    return {item["name"]: item for item in written(shared_data, file)}


def shown(reading: Reading) -> str:
    if reading.integer is None:
        return f"{reading.quantity} {reading.status} {reading.text}"
    return f"{reading.quantity} {decimal_text(reading.integer, reading.exponent)} {reading.unit}"


def framed(body: bytes) -> bytes:
    return body + crc16_modbus(body).to_bytes(2, "little")


@pytest.mark.parametrize("name", sorted(MODEL_OF))
def test_every_place_stands_where_others_found_it(shared_data: Path, name: str) -> None:
    (notes,) = (p for p in written(shared_data, "profiles.json")["modbus"] if p["id"] == name)
    meter = registry.profile(MODEL_OF[name])
    registers = {register["addr"]: register for register in notes["registers"]}
    checked = 0
    for place in meter.places:
        if (meter.name, place.address) in NOT_WRITTEN:
            continue
        assert place.function == notes["fc"]
        low_first = "LOW" in notes["word_order"]
        assert place.word_order == ("little" if low_first else "big") or place.kind == "uint16"
        compare(place, registers[place.address])
        for term in place.terms:
            assert KIND_OF[registers[term.address]["type"]] == term.kind
        checked += 1
    assert checked >= 4


def compare(place: ModbusRegister, register: dict[str, Any]) -> None:
    assert place.kind == KIND_OF[register["type"]], place
    if register["unit"] in SETTING:
        return
    worth = WORTH.get((register["unit"], place.unit), 1 if register["unit"] == place.unit else None)
    assert worth is not None, (register["unit"], place.unit)
    ours = Fraction(10) ** (place.exponent - place.quantum) * place.factor
    assert ours == Fraction(str(register["scale"])) * worth, place


def test_the_magnetic_meters_worked_example(shared_data: Path) -> None:
    sample = by_name(shared_data, "modbus.json")["mag11_flow_request"]
    question, answer = bytes.fromhex(sample["request"]), bytes.fromhex(sample["hex"])
    (flow,) = registry.readings(registry.profile("mag11"), question, answer)
    assert shown(flow) == "volume_flow -12.500 m3/h"


def test_the_flow_computers_worked_example(shared_data: Path) -> None:
    sample = by_name(shared_data, "modbus.json")["fuxin_gas_block"]
    answer = framed(bytes((1, 3, 40)) + bytes.fromhex(sample["hex"]))
    found = registry.readings(registry.profile("fuxin_gas"), read_request(1, 3, 10, 20), answer)
    assert [shown(reading) for reading in found] == [
        "volume:at_working_conditions 12345686.0 m3",
        "volume_flow 2.532 m3/h",
        f"volume {sample['expected']['std_total_bcd'].lstrip('0')} m3",
        "volume_flow:at_working_conditions 2.500 m3/h",
        "flow_temperature 21.649 degC",
        "pressure 1.02212 bar",
    ]


def test_the_ultrasonic_meters_worked_examples_hold_no_register_of_interest(
    shared_data: Path,
) -> None:
    samples = by_name(shared_data, "modbus.json")
    for name in ("tuf2000_velocity", "tuf2000_positive_accumulator"):
        question = bytes.fromhex(samples[name]["request"])
        answer = bytes.fromhex(samples[name]["hex"])
        assert registry.readings(registry.profile("tuf2000"), question, answer) == []


def telegrams(shared_data: Path, text: str) -> list[bytes]:
    found = [item for item in written(shared_data, "mbus.json") if text in item["name"]]
    assert found
    return [bytes.fromhex(item["hex"]) for item in found]


def readings(model: str, telegram: bytes) -> list[str]:
    found = registry.readings(registry.profile(model), b"", telegram)
    return [shown(reading) for reading in found if not reading.storage]


def test_a_difference_below_zero(shared_data: Path) -> None:
    below, above = telegrams(shared_data, "真兰")
    assert "temperature_difference -0.06 K" in readings("zenner", below)
    assert "temperature_difference -327.62 K" in readings("mbus_heat", below)
    assert "temperature_difference 0.12 K" in readings("zenner", above)
    said = registry.conditions(registry.profile("zenner"), b"", below)
    assert {condition.severity for condition in said} == {"info"}


def test_a_register_sent_twice(shared_data: Path) -> None:
    once, twice = telegrams(shared_data, "GB26381")
    assert readings("gbt26831", once)[:2] == ["energy 229671 Wh", "volume 6.50751 m3"]
    assert readings("gbt26831", twice)[:4] == [
        "energy:first 0 Wh",
        "energy 229000 Wh",
        "volume 6.50 m3",
        "volume:second 0.00 m3",
    ]


def test_idle_meters_of_landis_and_gyr(shared_data: Path) -> None:
    model = registry.profile("landis_2wr6")
    for telegram in telegrams(shared_data, "兰吉尔"):
        found = registry.readings(model, b"", telegram)
        assert sum(reading.storage == 1 for reading in found) == 2
        missing_s = next(reading.integer for reading in found if reading.function == "error")
        assert missing_s in (6325 * 3600, 6341 * 3600)
        assert [c.name for c in registry.status(model, found)] == ["temporary error"]


def test_placeholders_are_no_numbers(shared_data: Path) -> None:
    (telegram,) = telegrams(shared_data, "荷德鲁美特")
    found = registry.readings(registry.profile("hydrometer"), b"", telegram)
    assert not [r for r in found if r.quantity in ("power", "volume_flow")]
    assert "volume 0.0040 m3" in [shown(reading) for reading in found]


@pytest.mark.parametrize(
    ("model", "media", "expected"),
    [
        ("mbus_heat", ("Heat:", "Heat /"), 17),
        ("mbus_water", ("ater",), 10),
        ("mbus_electricity", ("Electricity",), 3),
        ("mbus_electricity_t1", ("Electricity",), 6),
        ("mbus_heat_forward", ("Heat:", "Heat /"), 19),
        ("mbus_gas", ("Gas",), 3),
    ],
)
def test_a_generic_model_bills_meters_of_its_medium(
    shared_data: Path, model: str, media: tuple[str, ...], expected: int
) -> None:
    meter = registry.profile(model)
    billed: list[str] = []
    for file in sorted((shared_data / "mbus").glob("*.json")):
        telegram = json.loads(file.read_text(encoding="utf-8"))
        if any(name in (telegram["header"].get("medium") or "") for name in media):
            found = registry.readings(meter, b"", bytes.fromhex(telegram["hex"]))
            if any(is_billed(meter, reading) for reading in found):
                billed.append(file.stem)
    assert len(billed) >= expected, billed


def is_billed(meter: Profile, reading: Reading) -> bool:
    register = (reading.quantity, *reading[4:8])
    return register == meter.billing and reading.integer is not None and reading.status == "ok"
