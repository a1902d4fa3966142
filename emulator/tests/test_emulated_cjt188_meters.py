"""CJ/T 188 meters: real frames rebuilt to the byte, dialects, commands and refusals."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from nuan_emulator.meters.cjt188_layout import (
    DIALECTS,
    Dialect,
    frame,
    frame_with_extra,
    heat_layout,
    masked,
)
from nuan_emulator.meters.cjt188_meters import (
    Cjt188GasMeter,
    Cjt188HeatMeter,
    Cjt188WaterMeter,
)
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import GasState, HeatState, Settlement, WaterState

REAL = Path(__file__).parents[3] / "shared" / "data" / "cn" / "cjt188.json"
NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
PRINTED = "11110059493675"
STATE = HeatState(
    energy_j=3638493 * 36_000 + 35_999,
    volume_ml=7_107_820_000,
    power_w=4_750,
    flow_l_per_h=931,
    flow_temperature_cc=5104,
    return_temperature_cc=4661,
    on_time_s=28390 * 3600,
    cooling_j=1369257 * 36_000,
)
MODES = {
    "le": Dialect(),
    "be": Dialect(high_first=True, address_high_first=True),
    "unitfirst": Dialect(unit_first=True),
    "plus33": Dialect(unit_first=True, mask=0x33),
}


def heat(dialect: str = "standard", **how) -> Cjt188HeatMeter:
    return Cjt188HeatMeter(Station(PRINTED, DIALECTS[dialect], **how), lambda _: STATE)


def ask(meter, control: int, content: str, meter_type: int | None = None) -> bytes:
    data = masked(bytes.fromhex(content), meter.station.dialect.mask)
    t = meter.type if meter_type is None else meter_type
    fields = {"type": t, "address": meter.address, "control": control, "data": data}
    return frame.build(fields)


def told(meter, answer: bytes | None):
    assert answer is not None
    layout = frame_with_extra if meter.station.dialect.extra_byte else frame
    fields = layout.parse(answer.lstrip(b"\xfe"))
    assert fields["address"] == meter.address
    return fields["control"], masked(fields["data"], -meter.station.dialect.mask)


def real_frames(*kinds: str) -> list[dict]:
    if not REAL.exists():
        return []
    frames = json.loads(REAL.read_text(encoding="utf-8"))
    return [each for each in frames if each["name"].startswith(kinds)]


@pytest.mark.skipif(not REAL.exists(), reason="no recorded frames beside the repository")
def test_every_recorded_heat_answer_is_rebuilt_from_its_values():
    recorded = real_frames("heat_")
    assert len(recorded) == 25
    for sample in recorded:
        told_values, wire = sample["expected"], bytes.fromhex(sample["hex"])
        dialect = MODES[told_values["mode"]]._replace(
            short_temperatures=told_values.get("temp_two_byte", False)
        )
        body = masked(wire[11:-2], -dialect.mask)
        values = {
            "identifier": body[:2],
            "ser": told_values["ser"],
            "hours": told_values["hours"],
            "clock": int(told_values["clock_raw"]),
            "status": bytes.fromhex(told_values["st"]),
        }
        assert sorted(body[:2]) == [0x1F, 0x90]
        names = {"settled": "energy_1", "energy": "energy_2", "power": "power", "volume": "volume"}
        for ours, theirs in names.items():
            values[ours] = round(told_values[theirs]["value"] * 100)
            values[f"{ours}_unit"] = int(told_values[theirs]["unit_code"], 16)
        values["flow"] = round(told_values["flow"]["value"] * 10_000)
        values["flow_unit"] = int(told_values["flow"]["unit_code"], 16)
        for ours, theirs in {"flow": "t_supply_c", "return": "t_return_c"}.items():
            values[f"{ours}_temperature"] = round(told_values[theirs] * 100)
        # The third byte of a short temperature carries nothing that anybody decoded.
        if dialect.short_temperatures:
            values |= {"flow_temperature_tail": body[30], "return_temperature_tail": body[33]}
        rebuilt = frame.build(
            {
                "type": int(told_values["t"], 16),
                "address": dialect.wire_address(told_values["address"]),
                "control": 0x81,
                "data": masked(heat_layout(dialect).build(values), dialect.mask),
            }
        )
        assert rebuilt.hex() == sample["hex"], sample["name"]


@pytest.mark.skipif(not REAL.exists(), reason="no recorded frames beside the repository")
def test_recorded_water_answers_are_rebuilt_by_a_water_meter():
    for sample in real_frames("water_read_reply", "water_foxedge", "water_aixiwang_reply"):
        told_values, wire = sample["expected"], bytes.fromhex(sample["hex"])
        dialect = Dialect(di_high_first=told_values["di"] == "901f")
        volume_ml = round(told_values["volume"]["value"] * 1_000_000)
        meter = Cjt188WaterMeter(
            Station(told_values["address"], dialect, preamble=wire.index(0x68)),
            lambda _, ml=volume_ml: WaterState(ml),
        )
        question = ask(meter, 0x01, told_values["di"] + f"{told_values['ser']:02x}")
        answer = meter.answer(question, NOON_MS)
        assert answer is not None
        # Clock and status are the sample's own: everything up to them must be equal.
        assert answer[:-11] == wire[:-11], sample["name"]
        assert len(answer) == len(wire)


def test_a_tiangang_answer_comes_out_of_its_state():
    at_ms = int(datetime(2013, 1, 8, 1, 24, 31, tzinfo=UTC).timestamp() * 1000)
    meter = heat("tiangang", answer_type=0x27, preamble=0, battery_low=True, alarms=0x08)
    answer = meter.answer(ask(meter, 0x01, "1f9012"), at_ms)
    assert answer == bytes.fromhex(
        "682775364959001111812e1f90125792360105938463030575040000171093000035"
        "820771002c0451006146009083023124090801132004085a16"
    )


def test_danfoss_sends_everything_high_byte_first():
    state = HeatState(5030 * 36_000, 2_470_000, 6_480, 0, 3965, 1901, 2 * 3600, None)
    at_ms = int(datetime(2009, 10, 10, 2, 56, 4, tzinfo=UTC).timestamp() * 1000)
    station = Station("12345678901234", DIALECTS["danfoss"], preamble=0)
    meter = Cjt188HeatMeter(station, lambda ms: state if ms == at_ms else None)
    answer = meter.answer(bytes.fromhex("6820123456789012340103901f0b3016"), at_ms)
    assert answer is not None
    # The printed sample's flow of 0.2726 m3/h has a finer step than litres an hour.
    assert answer[:29].hex() == ("682012345678901234812e901f0b000000000500005030050000064817")
    assert answer[34:-2].hex() == "000002472c003965001901000002200910101056040000"


def test_a_question_in_the_other_order_gets_an_error_or_silence():
    question = "1f9007"
    meter = heat()
    assert told(meter, meter.answer(ask(meter, 1, question), NOON_MS)) == (0xC1, b"\x07\x00\x00")
    mute = heat(other_order="silence")
    assert mute.answer(ask(mute, 1, question), NOON_MS) is None
    assert told(mute, mute.answer(ask(mute, 1, "123407"), NOON_MS))[0] == 0xC1
    assert told(mute, mute.answer(ask(mute, 1, "901f07"), NOON_MS))[0] == 0x81


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_every_dialect_answers_46_bytes_in_its_own_order(name):
    meter = heat(name)
    own = DIALECTS[name].identifier(0x901F).hex()
    control, data = told(meter, meter.answer(ask(meter, 1, own + "2a"), NOON_MS))
    assert (control, len(data), data[:3].hex()) == (0x81, 46, own + "2a")


def test_address_is_read_with_the_wildcard_and_by_the_vendors_way():
    meter = heat()
    assert meter.answer(bytes.fromhex("68aaaaaaaaaaaaaaaa0303810a004916"), NOON_MS) is not None
    question = bytes.fromhex("6820aaaaaaaaaaaaaa0303810a05c416")
    assert told(meter, meter.answer(question, NOON_MS)) == (0x83, bytes.fromhex("810a05"))
    vendor = heat("metertech")
    assert told(vendor, vendor.answer(question, NOON_MS))[0] == 0xC3
    question = bytes.fromhex("6820aaaaaaaaaaaaaa1a039a4f003416")
    assert told(vendor, vendor.answer(question, NOON_MS)) == (0x9A, bytes.fromhex("9a4f00"))
    assert told(meter, meter.answer(question, NOON_MS))[0] == 0xDA


def test_history_is_the_register_at_each_months_beginning():
    seen = []

    def source(now_ms: int) -> HeatState | None:
        seen.append(now_ms)
        return HeatState(now_ms * 36_000, 0, 0, 0, 0, 0, 0) if now_ms > 0 else None

    meter = Cjt188HeatMeter(Station(PRINTED), source)
    for back, month in ((0, (2026, 1)), (1, (2025, 12)), (11, (2025, 2))):
        begin_ms = int(datetime(*month, 1, tzinfo=UTC).timestamp() - 8 * 3600) * 1000
        assert meter.clock.settlement_ms(back, NOON_MS) == begin_ms
        question = ask(meter, 1, f"d12{back:x}09")
        control, data = told(meter, meter.answer(question, NOON_MS))
        assert (control, len(data), data[7]) == (0x81, 8, 0x05)
        assert int(data[6:2:-1].hex()) == begin_ms % 10**8
    assert told(meter, meter.answer(ask(meter, 1, "d12c09"), NOON_MS))[0] == 0xC1


def test_what_was_never_settled_is_zero():
    meter = Cjt188HeatMeter(Station(PRINTED), lambda ms: STATE if ms == NOON_MS else None)
    _, data = told(meter, meter.answer(ask(meter, 1, "d12000"), NOON_MS))
    assert data[3:7] == bytes(4)


@pytest.mark.parametrize(
    ("name", "content"),
    [("danfoss", "a0151820100602135308"), ("tiangang", "15a0aa08531302061020")],
)
def test_the_clock_is_set_and_runs_on(name, content):
    meter = heat(name)
    question = ask(meter, 0x04, content)
    assert told(meter, meter.answer(question, NOON_MS)) == (0x84, bytes.fromhex(content[:6]))
    assert meter.clock.shows(NOON_MS + 2_000) == datetime(2010, 6, 2, 13, 53, 10, tzinfo=UTC)


def test_a_danfoss_clock_command_is_answered():
    meter = Cjt188HeatMeter(Station("12345678901234", DIALECTS["danfoss"]), lambda _: STATE)
    question = bytes.fromhex("682012345678901234040aa0151820100602135309f416")
    answer = meter.answer(question, NOON_MS)
    assert answer == b"\xfe\xfe" + bytes.fromhex("6820123456789012348403a01518c616")


def test_a_clock_that_is_no_date_is_refused():
    meter = heat()
    assert told(meter, meter.answer(ask(meter, 4, "a0150099999999999999"), NOON_MS))[0] == 0xC4


def test_a_valve_changes_its_state_and_the_status_says_so():
    meter = heat(valve=True)
    close = ask(meter, 4, "a0170199")
    assert told(meter, meter.answer(close, NOON_MS)) == (0x84, bytes.fromhex("a0170101") + b"\x00")
    assert not meter.valve_open
    _, data = told(meter, meter.answer(ask(meter, 1, "901f02"), NOON_MS))
    assert data[-2] & 3 == 1
    assert told(meter, meter.answer(ask(meter, 4, "a0170355"), NOON_MS))[1][-2:] == b"\x00\x00"
    assert told(heat(), heat().answer(close, NOON_MS))[0] == 0xC4


def test_a_meter_in_the_field_keeps_its_address():
    meter = heat()
    answer = meter.answer(ask(meter, 0x15, "a0182412345678901234"), NOON_MS)
    assert told(meter, answer)[0] == 0xD5


def test_settlement_of_the_state_goes_before_the_meters_own():
    state = STATE._replace(settlement=Settlement(date(2025, 11, 15), 36_000 * 77))
    meter = Cjt188HeatMeter(Station(PRINTED), lambda _: state)
    _, data = told(meter, meter.answer(ask(meter, 1, "901f00"), NOON_MS))
    assert data[3:8] == bytes.fromhex("7700000005")


def test_gas_is_a_water_meters_answer_with_another_type():
    station = Station("78330011223344", Dialect(di_high_first=False))
    meter = Cjt188GasMeter(station, lambda _: GasState(12_345_670_000, 5))
    answer = meter.answer(ask(meter, 1, "1f9001"), NOON_MS)
    assert answer is not None
    assert answer[3] == 0x30
    assert answer[16:21] == bytes.fromhex("674523012c")


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"\xfe" * 4,
        bytes.fromhex("68207536495900111101031f9012bd16"),
        bytes.fromhex("68207536495900111201031f9012bd16"),
        bytes.fromhex("68107536495900111101031f9012ac16"),
        bytes.fromhex("68207536495900111181031f90123c16"),
        bytes.fromhex("68207536495900111101031f9012bc1600"),
        bytes.fromhex("68944103261218681104333434353adf16"),
        bytes.fromhex("682075364959001111010a1f9012c316"),
        bytes.fromhex("1268207536495900111101031f9012bc16"),
    ],
)
def test_damaged_and_foreign_questions_get_silence(spoilt):
    meter = heat("tiangang")
    assert meter.answer(bytes.fromhex("fefefefe68207536495900111101031f9012bc16"), 0) is not None
    assert meter.answer(spoilt, NOON_MS) is None


def test_a_silent_source_makes_a_silent_meter():
    meter = Cjt188HeatMeter(Station(PRINTED), lambda _: None)
    assert meter.answer(ask(meter, 1, "901f00"), NOON_MS) is None


def test_stations_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="not 14 hex digits"):
        Cjt188WaterMeter(Station("1234"), lambda _: WaterState(0))
    with pytest.raises(ValueError, match="neither error nor silence"):
        Cjt188WaterMeter(Station(PRINTED, other_order="shout"), lambda _: WaterState(0))
    with pytest.raises(ValueError, match="kind"):
        Cjt188HeatMeter(Station(PRINTED), lambda _: STATE, kind="steam")
