"""Readings of M-Bus meters: the registers of interest of recorded telegrams, and nothing else."""

import json
from pathlib import Path

import pytest

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.frame import short_frame
from nuan_protocols.meters import registry
from nuan_protocols.meters.mbus_readings import billed_record
from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.reading import Reading, decimal_text

HEAT = registry.profile("mbus_heat")
GAS = registry.profile("mbus_gas")
BILLED = {"energy": {"Wh", "J"}, "volume": {"m3"}}


def recorded(folder: Path, name: str) -> bytes:
    telegram = json.loads((folder / "mbus" / f"{name}.json").read_text())
    return bytes.fromhex(telegram["hex"])


def question(answer: bytes) -> bytes:
    return short_frame(0x7B, answer[5])


def brief(reading: Reading) -> str:
    assert reading.integer is not None, reading
    value = decimal_text(reading.integer, reading.exponent)
    return f"{reading.quantity} {value} {reading.unit}"


def long_frame(body: bytes) -> bytes:
    return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))


def heat_telegram(records: str, status: int = 0) -> bytes:
    header = bytes.fromhex("08 05 72 78563412 2D2C 01 04 2A") + bytes((status, 0, 0))
    return long_frame(header + bytes.fromhex(records))


def test_a_recorded_heat_meter(shared_data: Path) -> None:
    answer = recorded(shared_data, "Elster-F2")
    assert [brief(reading) for reading in registry.readings(HEAT, question(answer), answer)] == [
        "energy 5272000 Wh",
        "volume 1204.27 m3",
        "flow_temperature 28 degC",
        "return_temperature 34 degC",
        "temperature_difference 0.0 K",
        "on_time 149014800 s",
        "operating_time 149014800 s",
        "volume_flow 0.000 m3/h",
        "power 0 W",
    ]


def test_a_recorded_gas_meter(shared_data: Path) -> None:
    answer = recorded(shared_data, "REL-Relay-Padpuls2")
    found = registry.readings(GAS, question(answer), answer)
    assert [brief(reading) for reading in found] == ["volume 28760.81 m3"]


def test_all_recorded_telegrams_are_read_or_refused(shared_data: Path) -> None:
    files = sorted((shared_data / "mbus").glob("*.json"))
    assert len(files) > 50
    billed = 0
    for file in files:
        answer = recorded(shared_data, file.stem)
        for profile in (HEAT, GAS):
            if answer[6] not in (0x72, 0x73):
                continue
            found = registry.readings(profile, question(answer), answer)
            for reading in found:
                register = tuple(reading[index] for index in (0, 4, 5, 6, 7))
                interest = register in profile.registers
                assert interest or reading.quantity == "error_flags:header"
            assert profile.billing is not None
            totals = [r for r in found if r.quantity == profile.billing.quantity and r.integer]
            billed += bool(totals)
            assert all(reading.unit in BILLED[reading.quantity] for reading in totals)
    assert billed > 20


def test_only_current_totals_are_of_interest() -> None:
    answer = heat_telegram(
        "0C06 78563412"  # the energy
        "4C06 11111111"  # storage 1: the last due day's
        "8C1006 22222222"  # tariff 1
        "8C4006 33333333"  # subunit 1
        "1C06 44444444"  # a maximum
        "3C06 55555555"  # while in error
        "0C13 34120000"
    )
    found = registry.readings(HEAT, question(answer), answer)
    assert [brief(reading) for reading in found] == ["energy 12345678000 Wh", "volume 1.234 m3"]


def test_an_unreadable_register_is_kept_with_its_reason() -> None:
    answer = heat_telegram("0C06 DDDDDDDD 0C13 34120000")
    energy, volume = registry.readings(HEAT, question(answer), answer)
    assert energy.quantity == "energy"
    assert energy.integer is None
    assert energy.status != "ok"
    assert volume.integer == 1234


def test_a_meters_complaint_is_a_reading() -> None:
    answer = heat_telegram("0C06 78563412", status=0x10)
    *_, last = registry.readings(HEAT, question(answer), answer)
    assert (last.quantity, last.integer) == ("error_flags:header", 0x10)


def test_acknowledgement_and_silence_hold_no_reading() -> None:
    assert registry.readings(HEAT, short_frame(0x40, 5), b"\xe5") == []
    assert registry.readings(HEAT, short_frame(0x7B, 5), b"") == []


def test_another_meters_answer_is_refused() -> None:
    answer = heat_telegram("0C06 78563412")
    with pytest.raises(FrameError, match="meter 5 answered instead of meter 6"):
        registry.readings(HEAT, short_frame(0x7B, 6), answer)
    for any_meter in (253, 254):
        assert registry.readings(HEAT, short_frame(0x7B, any_meter), answer)


def test_a_broken_telegram_is_refused_with_its_offset() -> None:
    answer = bytearray(heat_telegram("0C06 78563412"))
    answer[20] ^= 1
    with pytest.raises(FrameError) as caught:
        registry.readings(HEAT, question(bytes(answer)), bytes(answer))
    assert caught.value.offset == len(answer) - 2


def test_the_billed_record_is_pointed_at() -> None:
    answer = heat_telegram("0C13 34120000 0C06 DDDDDDDD 0C06 78563412 0C06 11111111")
    at, length = billed_record(HEAT, answer)
    assert answer[at : at + length].hex() == "0c0678563412"
    assert billed_record(HEAT, heat_telegram("0C13 34120000")) == (0, 0)
    assert billed_record(HEAT, b"\xe5") == (0, 0)


def test_of_two_equal_registers_the_profiles_is_billed() -> None:
    answer = heat_telegram("0C06 00000000 0C06 29020000")
    at, length = billed_record(registry.profile("gbt26831"), answer)
    assert answer[at : at + length].hex() == "0c0629020000"
    at, length = billed_record(HEAT, answer)
    assert answer[at : at + length].hex() == "0c0600000000"


def test_an_alias_is_billed_as_what_it_stands_for() -> None:
    answer = heat_telegram("0C863C 99000000 0C863B 29020000")
    forward = registry.profile("mbus_heat_forward")
    assert [brief(reading) for reading in registry.readings(forward, question(answer), answer)] == [
        "energy:backward 99000 Wh",
        "energy 229000 Wh",
    ]
    at, length = billed_record(forward, answer)
    assert answer[at : at + length].hex() == "0c863b29020000"


def test_versions_of_a_model_do_not_share_what_they_pick() -> None:
    def made(version: int, quantity: str) -> Profile:
        return Profile(
            name="sample",
            title="Sample",
            protocol="mbus",
            version=version,
            registers=(current(quantity),),
            billing=current(quantity),
        )

    answer = heat_telegram("0C06 78563412 0C13 34120000")
    (old,) = registry.readings(made(1, "volume"), question(answer), answer)
    (new,) = registry.readings(made(2, "energy"), question(answer), answer)
    assert (old.quantity, new.quantity) == ("volume", "energy")
