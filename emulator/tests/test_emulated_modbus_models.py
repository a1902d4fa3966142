"""The Modbus models' tables, identification, and what real devices refuse."""

import json
import struct
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from nuan_emulator.meters import modbus_models as models
from nuan_emulator.meters.device import ElectricityState, GasState, HeatState
from nuan_emulator.meters.modbus_table import Field, Model, TableSlave, words_of

REAL = Path(__file__).parents[3] / "shared" / "data" / "cn" / "modbus.json"
NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
HEAT = HeatState(
    energy_j=36_384_930_000_000,
    volume_ml=7_107_820_500,
    power_w=4_750,
    flow_l_per_h=931,
    flow_temperature_cc=5104,
    return_temperature_cc=4661,
    on_time_s=28390 * 3600,
    cooling_j=9 * 10**13,
)
ELECTRICITY = ElectricityState(
    import_j=123_456_789 * 36,
    export_j=777 * 36_000,
    voltage_dv=(2303, 2311, 2298),
    current_ma=(4990, 1880, 10),
    power_dw=(11_500, -4_330, 0),
    reactive_dvar=(100, 0, -7),
    frequency_chz=4998,
)
GAS = GasState(12_285_686_422_200, 2_500, 2165, 102_212, 1_243_111_600, 2_532)


def frame(*content: int) -> bytes:
    data = bytes(content)
    return data + FramerRTU.compute_CRC(data).to_bytes(2, "big")


def device(model, state, **how) -> TableSlave:
    return TableSlave("1", 1, model, lambda _: state, **how)


def registers(of: TableSlave, start: int, count: int, function: int = 3) -> bytes:
    answer = of.answer(frame(1, function, start >> 8, start & 255, 0, count), NOON_MS)
    assert answer is not None
    assert answer[1] == function, answer.hex()
    assert len(answer) == 5 + 2 * count
    return answer[3:-2]


def number(of: TableSlave, form: str, start: int, function: int = 3, *, swapped: bool = False):
    raw = registers(of, start, struct.calcsize(form) // 2 or 1, function)
    if swapped:
        raw = raw[2:] + raw[:2]
    return struct.unpack(form, raw)[0]


@pytest.mark.parametrize(
    ("unit", "volume_n", "heat_n", "unit_j"),
    [("GJ", 3, 4, 10**9), ("kWh", 4, 3, 3_600_000), ("GJ", 0, 0, 10**9)],
)
def test_tuf2000_total_is_integer_and_fraction_in_steps_of_its_multiplier(
    unit, volume_n, heat_n, unit_j
):
    state = HEAT if volume_n else HEAT._replace(volume_ml=71_078_205, energy_j=363_849_300_000)
    of = device(models.tuf2000(unit=unit, volume_n=volume_n, heat_n=heat_n), state)
    n = number(of, ">i", 8, swapped=True)
    rest = number(of, ">f", 10, swapped=True)
    assert 0 <= rest < 1
    cubic_metres = (n + Decimal(rest)) * Decimal(10) ** (volume_n - 3)
    assert float(cubic_metres) == pytest.approx(state.volume_ml / 10**6, rel=1e-7)
    n = number(of, ">i", 16, swapped=True)
    rest = number(of, ">f", 18, swapped=True)
    units = (n + Decimal(rest)) * Decimal(10) ** (heat_n - 4)
    assert float(units) == pytest.approx(state.energy_j / unit_j, rel=1e-6)
    codes = struct.unpack(">4H", registers(of, 1437, 4))
    assert codes == (0, volume_n, heat_n, {"GJ": 0, "kWh": 2}[unit])
    assert number(of, ">f", 32, swapped=True) == pytest.approx(51.04)
    assert registers(of, 52, 3).hex() == "300015122601"


def test_mag11_counts_in_two_halves_and_since_the_days_beginning():
    def source(now_ms: int) -> HeatState:
        return HEAT._replace(energy_j=now_ms // 1000 * 3_600)

    of = TableSlave("1", 1, models.MAG11, source)
    high, low = struct.unpack(">2I", registers(of, 0x204, 4))
    assert high << 32 | low == NOON_MS // 1000
    assert number(of, ">I", 0x208) == 12 * 3600 + 1800
    high, low = struct.unpack(">2I", registers(device(models.MAG11, HEAT), 0x212, 4))
    assert high << 32 | low == 25 * 10**9
    assert struct.unpack(">5f", registers(of, 0x400, 10)) == pytest.approx(
        (0.931, 51.04, 46.61, 4.43, 4.75)
    )


def test_kamstrup_shows_what_it_lacks_as_all_ones():
    of = device(models.KAMSTRUP_HC003_67, HEAT)
    assert registers(of, 2, 2) == b"\xff" * 4
    assert number(of, ">f", 6, 4) == number(of, ">f", 6, 3) == pytest.approx(51.04)


def test_sdm630_knows_function_4_only_and_eighty_registers():
    of = device(models.SDM630, ELECTRICITY)
    assert number(of, ">f", 0x48, 4) == pytest.approx(1234.567, abs=1e-3)
    assert number(of, ">f", 0x0E, 4) == pytest.approx(-433)
    assert of.answer(frame(1, 3, 0, 0, 0, 2), 0) == frame(1, 0x83, 1)
    assert of.answer(frame(1, 4, 0, 0, 0, 81), 0) == frame(1, 0x84, 3)
    assert registers(of, 0x4C, 2, 4) == bytes(4)


def test_adw300_has_whole_numbers():
    of = device(models.ADW300, ELECTRICITY)
    assert struct.unpack(">3H", registers(of, 20, 3)) == (2303, 2311, 2298)
    assert number(of, ">i", 32) == -433
    assert number(of, ">i", 36) == 717
    assert number(of, ">i", 62) == 123_456


def test_aoke_splits_its_total_in_hundreds_and_rest():
    of = device(models.AOKE_VORTEX, GAS._replace(standard_volume_ml=12_345_670_000))
    assert struct.unpack(">2f", registers(of, 8, 4)) == pytest.approx((123, 45.67))
    assert of.answer(frame(1, 3, 0, 12, 0, 2), 0) == frame(1, 0x83, 2)


@pytest.mark.skipif(not REAL.exists(), reason="no recorded frames beside the repository")
def test_fuxins_recorded_block_is_rebuilt_but_for_the_total_that_contradicts_itself():
    sample = next(
        each
        for each in json.loads(REAL.read_text(encoding="utf-8"))
        if each["name"] == "fuxin_gas_block"
    )
    recorded = bytes.fromhex(sample["hex"])
    ours = registers(device(models.FUXIN_GAS, GAS), 0x0A, 20)
    # Gross total: the float and the BCD disagree. Temperature: 21.649 degC, we have 0.01 K.
    for begin, end in ((4, 32), (36, 40)):
        assert ours[begin:end] == recorded[begin:end]


def test_tuf2000_word_order_is_the_recorded_one():
    assert words_of("f32", Fraction("1.2345678"), low_word_first=True) == [0x0651, 0x3F9E]
    assert words_of("i32", 802_609, low_word_first=True) == [0x3F31, 0x000C]
    assert words_of("f32", Fraction("-12.5"), low_word_first=False) == [0xC148, 0x0000]
    assert words_of("bcd12", 12_431_116, low_word_first=True) == [0x0000, 0x1243, 0x1116]


def test_holes_read_as_the_model_says():
    one = [Field[HeatState](1, "u16", lambda _: 1), Field[HeatState](4, "u16", lambda _: 4)]
    filled = device(Model("filled", one, holes=0x8000), HEAT)
    assert registers(filled, 1, 4).hex() == "0001800080000004"
    holey = device(Model("holey", one, holes=None), HEAT)
    assert holey.answer(frame(1, 3, 0, 1, 0, 4), 0) == frame(1, 0x83, 2)
    assert registers(holey, 4, 1) == b"\x00\x04"


def identify(of: TableSlave, code: int, first: int) -> bytes | None:
    return of.answer(frame(1, 0x2B, 0x0E, code, first), 0)


TEXTS = {0: "Eastron", 1: "SDM630", 2: "1.24", 4: "meter", 0x80: "x" * 100, 0x81: "y" * 200}


def test_a_device_says_who_it_is():
    of = device(models.SDM630, ELECTRICITY, identification=TEXTS)
    decoder = DecodePDU(is_server=False)
    for code, expected in ((1, {0, 1, 2}), (2, {0, 1, 2, 4}), (4, {1})):
        answer = identify(of, code, 1 if code == 4 else 0)
        assert answer is not None
        pdu = decoder.decode(answer[1:-2])
        assert pdu is not None
        assert {k: v.decode() for k, v in pdu.information.items()} == {
            k: TEXTS[k] for k in expected
        }


def test_a_long_identification_comes_in_pieces():
    of = device(models.SDM630, ELECTRICITY, identification=TEXTS)
    answer = identify(of, 3, 0)
    assert answer is not None
    assert answer[5:7] == b"\xff\x81"
    rest = identify(of, 3, 0x81)
    assert rest is not None
    assert rest[5:8] == b"\x00\x00\x01"


def test_identification_is_refused_where_there_is_none():
    assert identify(device(models.SDM630, ELECTRICITY), 1, 0) == frame(1, 0xAB, 1)
    of = device(models.SDM630, ELECTRICITY, identification=TEXTS)
    assert identify(of, 4, 9) == frame(1, 0xAB, 2)
    assert identify(of, 9, 0) == frame(1, 0xAB, 3)


def test_writing_is_no_function_of_these_devices():
    of = device(models.MAG11, HEAT)
    assert of.answer(frame(1, 6, 2, 0, 0, 1), 0) == frame(1, 0x86, 1)
