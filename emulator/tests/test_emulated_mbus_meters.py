"""The emulated M-Bus meters, held against the standard's bytes and an independent decoder."""

from datetime import UTC, date, datetime
from decimal import Decimal

import meterbus
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.meters import GasState, HeatState, MBusGasMeter, MBusHeatMeter, Settlement
from nuan_emulator.meters.mbus_layout import (
    RecordKind,
    long_frame,
    manufacturer_code,
    record_head,
    short_frame,
)
from nuan_emulator.meters.mbus_meters import ENERGY_UNITS, civil_day, civil_stamp

NKE = bytes.fromhex("1040054516")
REQ_FCB1 = bytes.fromhex("107b058016")
REQ_FCB0 = bytes.fromhex("105b056016")
NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)

STATE = HeatState(
    energy_j=1_234 * 3_600_000 + 3_599_999,
    volume_ml=12_345_678,
    power_w=1_500,
    flow_l_per_h=120,
    flow_temperature_cc=5_891,
    return_temperature_cc=4_224,
    on_time_s=3_600 * 77 + 1,
    settlement=Settlement(date(2026, 1, 1), 1_000 * 3_600_000),
)


def heat_meter(state: HeatState | None = STATE, **options: object) -> MBusHeatMeter:
    return MBusHeatMeter("12345678", 5, lambda _: state, **options)  # type: ignore[arg-type]


def request(control: int, address: int) -> bytes:
    return short_frame.build({"control": control, "address": address})


def records(answer: bytes) -> list[tuple[str, Decimal | str]]:
    """What pyMeterBus, which shares no code with us, reads."""
    frame = meterbus.load(answer)
    return [
        (str(r.interpreted["type"]).split(".")[1], r.interpreted["value"])
        for r in frame.body.bodyPayload.records
    ]


def test_answers_reset_with_the_single_character():
    assert heat_meter().answer(NKE, 0) == b"\xe5"


def test_telegram_bytes_follow_the_standard():
    answer = heat_meter().answer(REQ_FCB1, NOON_MS)
    assert answer is not None
    body = long_frame.parse(answer)["user_data"]
    assert body.hex(" ") == (
        "08 05 72 78 56 34 12 a1 3a 01 04 00 00 00 00 "  # RSP_UD, 5, CI, 12345678, NUA, heat
        "0c 06 34 12 00 00 "  # 8-digit BCD, kWh: 1234
        "0c 14 34 12 00 00 "  # 0.01 m3: 12.34
        "04 22 4d 00 00 00 "  # hours on: 77
        "02 59 03 17 02 5d 80 10 02 61 83 06 "  # 58.91, 42.24, 16.67
        "04 2b dc 05 00 00 "  # 1500 W
        "04 3b 78 00 00 00 "  # 120 l/h
        "04 6d 1e 0c 4f 31 "  # 2026-01-15 12:30 civil
        "4c 06 00 10 00 00 "  # due day register 1000 kWh, storage 1
        "42 6c 41 31"  # 2026-01-01
    )


def test_an_independent_decoder_reads_the_same():
    answer = heat_meter().answer(REQ_FCB1, NOON_MS)
    assert answer is not None
    read = records(answer)
    assert [name for name, _ in read[:8]] == [
        "ENERGY_WH",
        "VOLUME",
        "ON_TIME",
        "FLOW_TEMPERATURE",
        "RETURN_TEMPERATURE",
        "TEMPERATURE_DIFFERENCE",
        "POWER_W",
        "VOLUME_FLOW",
    ]
    numbers = [round(float(value), 3) for _, value in read[:8]]
    assert numbers == [1_234_000, 12.34, 277_200, 58.91, 42.24, 16.67, 1_500, 0.12]
    assert read[8][1] == "2026-01-15T12:30"
    assert read[9][1] == 1_000_000


@pytest.mark.parametrize(
    "unit", [u for u in ENERGY_UNITS if not u.startswith(("0.1 MWh", "0.1 GJ"))]
)
def test_every_energy_unit_is_the_step_it_claims(unit):
    joules = 123_456_789_012
    meter = heat_meter(STATE._replace(energy_j=joules), unit=unit)
    answer = meter.answer(REQ_FCB1, NOON_MS)
    assert answer is not None
    name, value = records(answer)[0]
    read_j = Decimal(str(value)) * (3_600 if name == "ENERGY_WH" else 1)
    step_j = ENERGY_UNITS[unit].step_j
    assert round(read_j) == joules // step_j * step_j


def test_register_is_the_floor_of_joules_and_rolls_over():
    meter = heat_meter(unit="0.001 GJ", start_register=99_999_990)
    assert meter.register(0) == 99_999_990
    assert meter.register(999_999) == 99_999_990
    assert meter.register(1_000_000) == 99_999_991
    assert meter.register(10_000_000) == 0


def test_same_frame_count_bit_repeats_the_answer_and_a_toggled_one_reads_anew():
    states = iter([STATE, STATE._replace(energy_j=0), STATE._replace(energy_j=7_200_000)])
    meter = MBusHeatMeter("12345678", 5, lambda _: next(states))
    first = meter.answer(REQ_FCB1, NOON_MS)
    assert meter.answer(REQ_FCB1, NOON_MS) == first
    third = meter.answer(REQ_FCB0, NOON_MS)
    assert third is not None
    assert third != first
    assert third[19:25].hex() == "0c0602000000"


def test_reset_makes_the_next_request_a_new_one():
    meter = heat_meter()
    first = meter.answer(REQ_FCB1, NOON_MS)
    assert meter.answer(NKE, NOON_MS) == b"\xe5"
    second = meter.answer(REQ_FCB1, NOON_MS + 60_000)
    assert second != first


def test_two_telegrams_are_chained_by_the_more_records_mark():
    meter = heat_meter(two_telegrams=True)
    first, second = meter.answer(REQ_FCB1, NOON_MS), meter.answer(REQ_FCB0, NOON_MS)
    third = meter.answer(REQ_FCB1, NOON_MS)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first[-3] == 0x1F
    assert second[19:21].hex() == "046d"
    assert second[-3] != 0x1F
    assert third[19:-2] == first[19:-2]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xe5",
        REQ_FCB1[:-1],
        REQ_FCB1[:3] + b"\x81\x16",
        request(0x7B, 6),
        request(0x08, 5),
        bytes.fromhex("680303685305ff5716"),
    ],
)
def test_damaged_and_foreign_frames_get_silence(frame):
    assert heat_meter().answer(frame, NOON_MS) is None


def test_test_address_is_answered_and_broadcast_is_not():
    meter = heat_meter()
    assert meter.answer(request(0x40, 0xFE), 0) == b"\xe5"
    assert meter.answer(request(0x40, 0xFF), 0) is None
    answer = meter.answer(request(0x7B, 0xFE), NOON_MS)
    assert answer is not None
    assert answer[5] == 5


def test_application_reset_begins_with_the_first_telegram():
    meter = heat_meter(two_telegrams=True)
    first = meter.answer(REQ_FCB1, NOON_MS)
    reset = long_frame.build({"user_data": bytes.fromhex("530550")})
    assert meter.answer(reset, NOON_MS) == b"\xe5"
    again = meter.answer(REQ_FCB0, NOON_MS)
    assert first is not None
    assert again is not None
    assert again[19:-2] == first[19:-2]


def test_a_silent_source_makes_a_silent_meter():
    meter = heat_meter(None)
    assert meter.answer(NKE, 0) is None
    assert meter.answer(REQ_FCB1, 0) is None


def test_building_meter_shows_coarser_power_and_volume():
    meter = heat_meter(STATE._replace(power_w=45_678), large_pipe=True)
    answer = meter.answer(REQ_FCB1, NOON_MS)
    assert answer is not None
    read = dict(records(answer)[:8])
    assert float(read["POWER_W"]) == 45_600
    assert round(float(read["VOLUME"]), 3) == 12.3


def test_gas_meter_counts_hundredths_of_a_cubic_metre():
    meter = MBusGasMeter("30000001", 5, lambda _: GasState(7_649_999, 250), start_register=12_345)
    answer = meter.answer(REQ_FCB1, NOON_MS)
    assert answer is not None
    body = long_frame.parse(answer)["user_data"]
    assert body[10] == 3
    assert body[15:21].hex() == "0c1409310100"


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (RecordKind("a", "int32", b"\x06"), "0406"),
        (RecordKind("a", "bcd8", b"\x06", storage=1), "4c06"),
        (RecordKind("a", "int16", b"\x5a", function="maximum"), "125a"),
        (RecordKind("a", "int32", b"\x06", storage=3, tariff=2), "c42106"),
        (RecordKind("a", "bcd6", b"\x13", tariff=1, subunit=1), "8b5013"),
        (RecordKind("a", "int8", b"\x13", storage=33), "c1800113"),
    ],
)
def test_record_heads_by_hand(kind, head):
    assert record_head(kind).hex() == head


@given(st.integers(0, 2**40), st.integers(0, 99_999_999))
def test_register_differences_are_exact(joules, start):
    meter = heat_meter(start_register=start)
    steps = (meter.register(joules) - meter.register(0)) % 10**8
    assert steps == joules // 3_600_000 % 10**8


def test_dates_by_hand():
    assert civil_day(date(2026, 3, 31)) == 0x335F
    at_ms = int(datetime(2026, 3, 31, 15, 59, tzinfo=UTC).timestamp() * 1000)
    assert civil_stamp(at_ms, 8 * 3600) == 0x335F_173B


def test_manufacturer_letters():
    assert manufacturer_code("KAM") == 0x2C2D
    with pytest.raises(ValueError, match="three capital letters"):
        manufacturer_code("ab1")


@pytest.mark.parametrize(
    ("serial", "address", "unit", "what"),
    [
        ("1234567", 5, "1 kWh", "8 hexadecimal digits"),
        ("12345678", 251, "1 kWh", "outside 0..250"),
        ("12345678", 5, "1 BTU", "unknown energy unit"),
    ],
)
def test_impossible_meters_are_refused(serial, address, unit, what):
    with pytest.raises(ValueError, match=what):
        MBusHeatMeter(serial, address, lambda _: STATE, unit=unit)
