"""DL/T 645 meters: real frames rebuilt to the byte, blocks, follow-up frames, refusals."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nuan_emulator.meters.device import ElectricityState
from nuan_emulator.meters.dlt645_layout import frame, shifted
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645

REAL = Path(__file__).parents[3] / "shared" / "data" / "cn" / "dlt645.json"
NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
PRINTED = "123456789012"
STATE = ElectricityState(
    import_j=123_456 * 36_000,
    export_j=789 * 36_000,
    voltage_dv=(2303, 2311, 2298),
    current_ma=(4999, -188, 0),
    power_dw=(11_500, -430, 0),
    reactive_dvar=(100, 0, -7),
    frequency_chz=4998,
)


def meter(source=lambda _: STATE, **how) -> Dlt645Meter:
    return Dlt645Meter(Station645(how.pop("address", PRINTED), **how), source)


def ask(of: Dlt645Meter, control: int, content: str = "", address: bytes | None = None) -> bytes:
    data = shifted(bytes.fromhex(content))
    fields = {"address": address or of.address, "control": control, "data": data}
    return frame.build(fields)


def told(answer: bytes | None) -> tuple[int, bytes]:
    assert answer is not None
    fields = frame.parse(answer.lstrip(b"\xfe"))
    return fields["control"], shifted(fields["data"], -0x33)


def read(of: Dlt645Meter, di: int, size: int = 4) -> bytes:
    """What stands behind the identifier."""
    control = {4: 0x11, 2: 0x01}[size]
    identifier = di.to_bytes(size, "little")
    got, data = told(of.answer(ask(of, control, identifier.hex()), NOON_MS))
    assert (got, data[:size]) == (control | 0x80, identifier)
    return data[size:]


def state_for(di: str, values: list[float]) -> ElectricityState:
    """A state in which the register holds the recorded values."""
    plain = ElectricityState(0, 0, (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), 5000)
    first = values[0]
    padded = values + [0] * (3 - len(values))
    steps = round(first * 100) * 36_000
    kilo = (1000, 0, 0)
    volts = tuple(round(v * 10) for v in padded)
    milliamperes = tuple(round(v * 1000) for v in padded)
    tenths = (round(first * 10_000), 0, 0)
    changes = {
        "00000000": {"import_j": steps},
        "00010000": {"import_j": steps},
        "9010": {"import_j": steps},
        "00020000": {"export_j": steps},
        "02010100": {"voltage_dv": volts},
        "0201FF00": {"voltage_dv": volts},
        "B611": {"voltage_dv": volts},
        "02020100": {"current_ma": milliamperes},
        "0202FF00": {"current_ma": milliamperes},
        "02030000": {"power_dw": tenths},
        "02040000": {"reactive_dvar": tenths},
        "02050000": {"voltage_dv": kilo, "current_ma": tenths},
        "02060000": {
            "voltage_dv": kilo,
            "current_ma": kilo,
            "power_dw": (round(first * 1000), 0, 0),
        },
    }
    return plain._replace(**changes[di])


@pytest.mark.skipif(not REAL.exists(), reason="no recorded frames beside the repository")
def test_every_recorded_answer_is_rebuilt_from_its_values():
    rebuilt = 0
    for sample in json.loads(REAL.read_text(encoding="utf-8")):
        known, wire = sample["expected"], bytes.fromhex(sample["hex"])
        if "values" not in known:
            continue
        version = int(sample["protocol"][-4:])
        state = state_for(known["di"], known["values"])
        answering = meter(
            lambda _, s=state: s, address=known["address"], version=version, preamble=0
        )
        control = 0x01 if version == 1997 else 0x11
        content = bytes.fromhex(known["di"])[::-1].hex()
        assert answering.answer(ask(answering, control, content), NOON_MS) == wire, sample["name"]
        rebuilt += 1
    assert rebuilt == 22


@pytest.mark.skipif(not REAL.exists(), reason="no recorded frames beside the repository")
def test_recorded_addresses_are_read_with_the_wildcard():
    rebuilt = 0
    for sample in json.loads(REAL.read_text(encoding="utf-8")):
        if sample["expected"]["c"] == "93":
            answering = meter(address=sample["expected"]["address"], preamble=0)
            answer = answering.answer(bytes.fromhex("68aaaaaaaaaaaa681300df16"), NOON_MS)
            assert answer == bytes.fromhex(sample["hex"])
            rebuilt += 1
    assert rebuilt == 4


def test_tariffs_sum_to_the_total():
    block = read(meter(), 0x0001_FF00)
    total, *tariffs = (int(block[at : at + 4][::-1].hex()) for at in range(0, 20, 4))
    assert total == sum(tariffs) == 123_456
    assert [read(meter(), 0x0001_0000 | k << 8) for k in range(5)] == [
        block[at : at + 4] for at in range(0, 20, 4)
    ]


def test_blocks_hold_every_phase_and_signs_stand_in_the_topmost_bit():
    assert read(meter(), 0x0201_FF00).hex() == "032311239822"
    assert read(meter(), 0x0202_FF00).hex() == "994900880180000000"
    assert read(meter(), 0x0203_FF00).hex() == "701001001501300480000000"
    assert read(meter(), 0x0206_0200).hex() == "9089"
    assert read(meter(), 0x0280_0002).hex() == "9849"


def test_a_long_block_comes_in_frames_that_are_asked_for():
    of = meter(values_bytes_max=9)
    first = ask(of, 0x11, "00ff0100")
    control, data = told(of.answer(first, NOON_MS))
    assert (control, len(data)) == (0xB1, 4 + 8)
    pieces = [data[4:]]
    for sequence, more in ((1, True), (2, False)):
        question = ask(of, 0x12, f"00ff0100{sequence:02x}")
        control, data = told(of.answer(question, NOON_MS))
        assert control == (0xB2 if more else 0x92)
        assert data[:4] == bytes.fromhex("00ff0100")
        assert data[-1] == sequence
        pieces.append(data[4:-1])
        assert told(of.answer(question, NOON_MS)) == (control, data)
    assert b"".join(pieces) == read(meter(), 0x0001_FF00)
    assert told(of.answer(ask(of, 0x12, "00ff010003"), NOON_MS)) == (0xD2, b"\x02")
    assert told(of.answer(ask(of, 0x12, "00ff020001"), NOON_MS)) == (0xD2, b"\x02")


def test_settlements_are_the_months_beginnings():
    def source(now_ms: int) -> ElectricityState:
        return STATE._replace(import_j=now_ms // 1000 % 10**8 * 36_000)

    of = meter(source)
    begin_s = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp()) - 8 * 3600
    assert int(read(of, 0x0001_0002)[::-1].hex()) == begin_s % 10**8
    assert len(read(of, 0x0001_00FF)) == 13 * 4


def test_every_midnight_is_frozen():
    def source(now_ms: int) -> ElectricityState:
        return STATE._replace(import_j=now_ms // 1000 % 10**8 * 36_000)

    of = meter(source)
    assert read(of, 0x0506_0001)[::-1].hex() == "2601150000"
    assert read(of, 0x0506_0003)[::-1].hex() == "2601130000"
    midnight_s = int(datetime(2026, 1, 13, tzinfo=UTC).timestamp()) - 8 * 3600
    block = read(of, 0x0506_0103)
    assert len(block) == 20
    assert int(block[3::-1].hex()) == midnight_s % 10**8
    assert int(read(of, 0x0506_0203)[3::-1].hex()) == 789


def test_demand_is_the_highest_power_seen_and_when():
    power = [1_000, 90_000, 500]
    of = meter(lambda _: STATE._replace(power_dw=(power.pop(0), 0, 0)))
    read(of, 0x0203_0000)
    read(of, 0x0203_0000)
    assert read(of, 0x0101_0000).hex() == "000009" + "3012150126"


def test_date_time_address_and_status_words():
    of = meter()
    assert read(of, 0x0400_0101)[::-1].hex() == "26011504"
    assert read(of, 0x0400_0102)[::-1].hex() == "123000"
    assert read(of, 0x0400_0401)[::-1].hex() == PRINTED
    assert read(of, 0x0400_05FF) == bytes(14)


def test_broadcast_time_sets_the_clock_in_silence():
    of = meter()
    assert of.answer(bytes.fromhex("6899999999999968080684554338394a4b16"), NOON_MS) is None
    shown = of.clock.shows(NOON_MS + 1000)
    assert shown == datetime(2017, 6, 5, 10, 22, 52, tzinfo=UTC)
    assert of.answer(ask(of, 0x08, "999999999999"), NOON_MS) is None
    assert of.clock.shows(NOON_MS + 1000) == shown
    assert of.answer(ask(of, 0x11, "00000100", b"\x99" * 6), NOON_MS) is None


def test_an_abbreviated_address_matches_what_it_leaves_open():
    of = meter()
    for address, heard in (("129078aaaaaa", True), ("aa9078aaaaaa", True), ("139078aaaaaa", False)):
        question = ask(of, 0x11, "00000100", bytes.fromhex(address))
        assert (of.answer(question, NOON_MS) is not None) == heard
        assert of.concerns(question) == heard


def test_some_meters_of_1997_answer_with_the_wildcard():
    for answers_wildcard, address in ((True, b"\xaa" * 6), (False, bytes.fromhex(PRINTED)[::-1])):
        of = meter(version=1997, answers_wildcard=answers_wildcard)
        answer = of.answer(ask(of, 0x01, "1090", b"\xaa" * 6), NOON_MS)
        assert answer is not None
        assert frame.parse(answer.lstrip(b"\xfe"))["address"] == address


def test_1997_has_blocks_whole_volts_and_further_frames():
    assert read(meter(version=1997), 0xB61F, 2).hex() == "300231022902" + "aa"
    assert read(meter(version=1997, ends_blocks=False), 0xB61F, 2).hex() == "300231022902"
    assert read(meter(version=1997), 0xB621, 2).hex() == "9904"
    of = meter(version=1997, values_bytes_max=12)
    control, first = told(of.answer(ask(of, 0x01, "1f90"), NOON_MS))
    assert control == 0xA1
    control, rest = told(of.answer(ask(of, 0x02, "1f90"), NOON_MS))
    assert control == 0x82
    assert first[2:] + rest[2:] == read(meter(version=1997), 0x901F, 2)


@pytest.mark.parametrize("control", [0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C])
def test_every_write_and_every_trip_is_refused(control):
    of = meter()
    answer = told(of.answer(ask(of, control, "0002000000000000"), NOON_MS))
    assert answer == (control | 0xC0, b"\x04")


def test_what_it_does_not_have_is_an_error():
    assert told(meter().answer(ask(meter(), 0x11, "11223344"), NOON_MS)) == (0xD1, b"\x02")
    assert told(meter().answer(ask(meter(), 0x1F), NOON_MS)) == (0xDF, b"\x01")


@pytest.mark.parametrize("preamble", range(5))
def test_preambles_of_any_length(preamble):
    answer = meter(preamble=preamble).answer(ask(meter(), 0x13), NOON_MS)
    assert answer is not None
    assert answer.index(0x68) == preamble


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"\xfe\xfe",
        bytes.fromhex("681290785634126811043333343369" + "16"),
        bytes.fromhex("6812907856341368110433333433" + "6916"),
        bytes.fromhex("00681290785634126811043333343368" + "16"),
        bytes.fromhex("68129078563412689104333334" + "33e816"),
    ],
)
def test_damaged_and_foreign_questions_get_silence(spoilt):
    assert meter().answer(b"\xfe" * 4 + ask(meter(), 0x11, "00000100"), NOON_MS) is not None
    assert meter().answer(spoilt, NOON_MS) is None


def test_numbers_too_large_for_their_place_stay_at_its_limit():
    huge = STATE._replace(power_dw=(10**9, -(10**9), 0), voltage_dv=(10**6, 0, 0))
    assert read(meter(lambda _: huge), 0x0203_FF00)[3:9].hex() == "999979" + "9999f9"
    assert read(meter(lambda _: huge), 0x0201_0100).hex() == "9999"


def test_stations_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="not 12 digits"):
        meter(address="12")
    with pytest.raises(ValueError, match="1997 and 2007"):
        meter(version=2012)
