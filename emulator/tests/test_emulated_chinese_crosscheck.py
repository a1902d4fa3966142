"""nuan's codecs read what CJ/T 188 and DL/T 645 meters, built from other declarations, say."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.faults import PURPOSES, FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters.cjt188_layout import DIALECTS, Dialect
from nuan_emulator.meters.cjt188_meters import (
    Cjt188GasMeter,
    Cjt188HeatMeter,
    Cjt188WaterMeter,
)
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import ElectricityState, GasState, HeatState, WaterState
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645
from nuan_protocols.cjt188 import dialects, probe
from nuan_protocols.cjt188.master import Address
from nuan_protocols.cjt188.master import ReadOut as CjReadOut
from nuan_protocols.cjt188.reader import FrameReader
from nuan_protocols.cjt188.telegram import decode as cj_decode
from nuan_protocols.cjt188.telegram import find
from nuan_protocols.dlt645.master import ReadOut as DlReadOut
from nuan_protocols.dlt645.telegram import decode as dl_decode
from nuan_protocols.dlt645.telegram import join

NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
PRINTED = "12345678901234"
NUAN_NAMES = {
    "standard": "standard",
    "tiangang": "cooling_first",
    "runa": "standard",
    "haina": "standard",
    "danfoss": "high_first",
    "lichuang": "unit_first",
    "wanhua": "plus33",
    "metertech": "cooling_first",
    "metertech_whole": "cooling_first_whole",
    "xiao": "extra_byte",
    "huaxin": "water_fraction",
    "lianqiang": "two_byte_temperatures",
    "zhenyu": "century_00",
    "no_value": "nines",
}
ENERGY_J = {"Wh": 3_600, "J": 1}

heat_states = st.builds(
    HeatState,
    energy_j=st.integers(0, 10**14),
    volume_ml=st.integers(0, 10**13),
    power_w=st.integers(0, 10**6),
    flow_l_per_h=st.integers(0, 9_999),
    flow_temperature_cc=st.integers(0, 9_999),
    return_temperature_cc=st.integers(0, 9_999),
    on_time_s=st.integers(0, 10**9),
    cooling_j=st.integers(0, 10**14),
)


def run(readout, devices, now_ms: int = NOON_MS) -> list:
    """All exchanges over a line that spoils nothing."""
    line = Line(2400, 11, devices)
    while (request := readout.request()) is not None:
        bursts = line.transmit(bytes(request), now_ms)
        assert bursts, request.hex()
        for _, burst in bursts:
            readout.feed(burst)
        now_ms = bursts[-1][0] + 10
    assert readout.result == 0
    return readout.exchanges


def read_cj(meter, *reads: tuple[int, int, int]) -> list[bytes]:
    dialect = meter.station.dialect
    address = Address(meter.type, meter.address, dialect.mask)
    readout = CjReadOut(address, reads, 250, FrameReader(int(dialect.extra_byte)))
    return [bytes(answer) for *_, answer in run(readout, [meter])]


def current(meter) -> tuple[int, int, int]:
    return (1, *meter.station.dialect.identifier(0x901F))


def exact(reading) -> Fraction:
    assert reading.status == "ok", reading
    return Fraction(reading.integer) * Fraction(10) ** reading.exponent


def test_every_emulated_dialect_has_its_counterpart():
    assert set(NUAN_NAMES) == set(DIALECTS)
    assert set(NUAN_NAMES.values()) <= set(dialects.DIALECTS)


@given(heat_states, st.sampled_from(sorted(DIALECTS)), st.sampled_from(["kWh", "MWh", "MJ", "GJ"]))
def test_every_value_of_a_heat_meter_comes_back(state, name, unit):
    dialect = DIALECTS[name]._replace(energy_unit=unit)
    meter = Cjt188HeatMeter(Station(PRINTED, dialect, answer_type=0x25), lambda _: state)
    (answer,) = read_cj(meter, current(meter))
    telegram = cj_decode(answer, dialects.DIALECTS[NUAN_NAMES[name]])
    assert (telegram.address, telegram.type, telegram.ser) == (PRINTED, 0x25, 250)
    unit_j = {"kWh": 3_600_000, "MWh": 3_600_000_000, "MJ": 10**6, "GJ": 10**9}[unit]
    energy = find(telegram, "energy")
    parts = 1 if dialect.whole else 100
    assert exact(energy) * ENERGY_J[energy.unit] * parts == meter.register(state.energy_j) * unit_j
    if dialect.cooling_first:
        cooling = find(telegram, "energy:cooling")
        steps = state.cooling_j * parts // unit_j % 10**8
        assert exact(cooling) * ENERGY_J[cooling.unit] * parts == steps * unit_j
    if "power" in dialect.missing:
        assert find(telegram, "power").status != "ok"
    elif dialect.power_code is None:
        step_w = {"W": 1, "kW": 1000}[dialect.power_unit]
        steps = state.power_w * parts // step_w
        assert exact(find(telegram, "power")) * parts == steps * step_w
    assert exact(find(telegram, "volume_flow")) == Fraction(state.flow_l_per_h, 1000)
    step_ml = {"L": 10, "m3": 10_000}[dialect.volume_unit] * 100 // parts
    volume_ml = state.volume_ml // step_ml % 10**8 * step_ml
    assert exact(find(telegram, "volume")) == Fraction(volume_ml, 10**6)
    flow, back = find(telegram, "flow_temperature"), find(telegram, "return_temperature")
    assert exact(flow) == Fraction(state.flow_temperature_cc, 100)
    assert exact(back) == Fraction(state.return_temperature_cc, 100)
    assert find(telegram, "datetime").text.startswith("2026-01-15T12:30")
    assert telegram.status == b"\x00\x00"


@given(st.integers(0, 10**13), st.integers(0, 11))
def test_settlements_come_back_with_their_number(energy_j, back):
    meter = Cjt188HeatMeter(
        Station(PRINTED, DIALECTS["danfoss"]),
        lambda ms: HeatState(energy_j + ms, 0, 0, 0, 0, 0, 0),
    )
    (answer,) = read_cj(meter, (1, 0xD1, 0x20 + back))
    telegram = cj_decode(answer, dialects.DIALECTS["high_first"])
    settled_j = energy_j + meter.clock.settlement_ms(back, NOON_MS)
    reading = find(telegram, "energy", back + 1)
    assert reading is not None
    assert exact(reading) * 3_600 == meter.register(settled_j) * 36_000


@given(st.integers(0, 10**13), st.booleans(), st.sampled_from(["L", "m3"]))
def test_water_and_gas_come_back_in_their_own_unit(volume_ml, low_first, unit):
    dialect = Dialect(di_high_first=not low_first, volume_unit=unit)
    step_ml = {"L": 10, "m3": 10_000}[unit]
    for meter in (
        Cjt188WaterMeter(Station(PRINTED, dialect), lambda _: WaterState(volume_ml)),
        Cjt188GasMeter(Station(PRINTED, dialect), lambda _: GasState(volume_ml, 0)),
    ):
        (answer,) = read_cj(meter, current(meter))
        telegram = cj_decode(answer)
        assert exact(find(telegram, "volume")) == Fraction(
            volume_ml // step_ml % 10**8 * step_ml, 10**6
        )


@given(st.integers(0, 10**14 - 1))
def test_a_volume_in_parts_comes_back_to_the_millilitre(volume_ml):
    meter = Cjt188WaterMeter(Station(PRINTED, DIALECTS["huaxin"]), lambda _: WaterState(volume_ml))
    (answer,) = read_cj(meter, current(meter))
    telegram = cj_decode(answer, dialects.DIALECTS["water_fraction"])
    assert exact(find(telegram, "volume")) == Fraction(volume_ml, 10**6)
    assert len(answer.lstrip(b"\xfe")) == 13 + 22


@pytest.mark.parametrize("name", ["standard", "tiangang", "danfoss", "lichuang", "wanhua"])
def test_probing_finds_how_a_running_meter_wants_to_be_asked(name):
    state = HeatState(10**12, 5 * 10**9, 4_652, 200, 5500, 3500, 10**6, cooling_j=10**9)
    meter = Cjt188HeatMeter(
        Station(PRINTED, DIALECTS[name], other_order="silence"), lambda _: state
    )
    line = Line(2400, 11, [meter])
    for number, (address, read) in enumerate(probe.ways(PRINTED)):
        readout = CjReadOut(address, (read,), 0, tries=1)
        question = readout.request()
        assert question is not None
        for _, burst in line.transmit(bytes(question), NOON_MS + number * 5_000):
            readout.feed(burst)
        if readout.exchanges and readout.exchanges[0][1] == 0:
            break
    answer = readout.exchanges[0][4]
    readable = [
        verdict.dialect for verdict in probe.rank(answer) if verdict.state != "contradicted"
    ]
    assert NUAN_NAMES[name] in readable


electricity = st.builds(
    ElectricityState,
    import_j=st.integers(0, 10**13),
    export_j=st.integers(0, 10**13),
    voltage_dv=st.tuples(*[st.integers(0, 9_999)] * 3),
    current_ma=st.tuples(*[st.integers(-799_999, 799_999)] * 3),
    power_dw=st.tuples(*[st.integers(-99_999, 99_999)] * 3),
    reactive_dvar=st.tuples(*[st.integers(-99_999, 99_999)] * 3),
    frequency_chz=st.integers(4_500, 5_500),
)


def read_dl(meter: Dlt645Meter, control: int, di: int):
    """The whole answer, its further frames joined."""
    exchanges = run(DlReadOut(meter.station.address, ((control, di, 0),)), [meter])
    answers = [bytes(answer) for *_, answer in exchanges]
    return join(answers) if len(answers) > 1 else dl_decode(answers[0])


def values(telegram) -> dict[tuple[str, int, int], Fraction]:
    return {
        (r.reading.quantity, r.reading.storage, r.reading.tariff): exact(r.reading)
        for r in telegram.records
    }


@given(electricity, st.sampled_from([4, 9, 200]))
def test_every_value_of_a_meter_of_2007_comes_back(state, frame_bytes):
    station = Station645("181226034194", values_bytes_max=frame_bytes)
    meter = Dlt645Meter(station, lambda _: state, start_register=3)
    found = values(read_dl(meter, 0x11, 0x0001_FF00))
    tariffs = [found["energy", 0, tariff] for tariff in range(5)]
    assert tariffs[0] == meter.register(state.import_j) * 10
    assert sum(tariffs[1:]) % 10**9 == tariffs[0]
    exported = values(read_dl(meter, 0x11, 0x0002_0000))["energy:backward", 0, 0]
    assert exported == state.export_j // 36_000 % 10**8 * 10
    frozen = values(read_dl(meter, 0x11, 0x0506_0107))
    assert frozen["energy:daily_freeze", 7, 0] == tariffs[0]
    volts = values(read_dl(meter, 0x11, 0x0201_FF00))
    amperes = values(read_dl(meter, 0x11, 0x0202_FF00))
    watts = values(read_dl(meter, 0x11, 0x0203_FF00))
    for phase in range(3):
        assert volts[f"voltage:l{phase + 1}", 0, 0] == Fraction(state.voltage_dv[phase], 10)
        assert amperes[f"current:l{phase + 1}", 0, 0] == Fraction(state.current_ma[phase], 1000)
        assert watts[f"power:l{phase + 1}", 0, 0] == Fraction(state.power_dw[phase], 10)
    assert watts["power", 0, 0] == Fraction(sum(state.power_dw), 10)
    hertz = values(read_dl(meter, 0x11, 0x0280_0002))["frequency", 0, 0]
    assert hertz == Fraction(state.frequency_chz, 100)


@given(electricity, st.sampled_from([5, 200]), st.booleans(), st.booleans())
def test_every_value_of_a_meter_of_1997_comes_back(state, frame_bytes, wildcard, ends):
    station = Station645(
        "010003635927", version=1997, values_bytes_max=frame_bytes,
        answers_wildcard=wildcard, ends_blocks=ends,
    )  # fmt: skip
    meter = Dlt645Meter(station, lambda _: state)
    found = values(read_dl(meter, 0x01, 0x901F))
    assert found["energy", 0, 0] == meter.register(state.import_j) * 10
    volts = values(read_dl(meter, 0x01, 0xB61F))
    for phase in range(3):
        assert volts[f"voltage:l{phase + 1}", 0, 0] == state.voltage_dv[phase] // 10


@given(st.integers(0, 2**32), st.lists(st.sampled_from([0.0, 0.3]), min_size=12, max_size=12))
def test_no_fault_makes_a_wrong_reading_of_either(seed, shares):
    """A spoilt line costs answers, but what a master accepts is what the meter said."""
    rates = FaultRates(**dict(zip(PURPOSES, shares, strict=True)), echo=bool(seed & 1))
    heat = Cjt188HeatMeter(Station(PRINTED), lambda _: HeatState(10**12, 0, 0, 0, 0, 0, 0))
    other = Cjt188HeatMeter(
        Station("00000000000001"), lambda _: HeatState(10**11, 0, 0, 0, 0, 0, 0)
    )
    load = ElectricityState(10**12, 0, (1, 2, 3), (1, 2, 3), (1, 2, 3), (0, 0, 0), 5000)
    power = Dlt645Meter(Station645("181226034194"), lambda _: load)
    line = Line(2400, 11, [heat, other, power], LineFaults(rates, seed), seed)
    now_ms = NOON_MS
    for turn in range(12):
        meter = (heat, other, power)[turn % 3]
        if isinstance(meter, Dlt645Meter):
            readout = DlReadOut(meter.station.address, ((0x11, 0x0001_0000, 0),))
        else:
            readout = CjReadOut(Address(0x20, meter.address, 0), ((1, 0x90, 0x1F),), turn)
        while (request := readout.request()) is not None:
            for _, burst in line.transmit(bytes(request), now_ms):
                if readout.waiting:
                    readout.feed(burst)
            if readout.waiting:
                readout.timeout()
            now_ms += 5_000
        for *_, answer in readout.exchanges:
            if answer and isinstance(meter, Dlt645Meter):
                (record,) = dl_decode(bytes(answer)).records
                assert record.reading.integer == meter.register(load.import_j)
            elif answer:
                telegram = cj_decode(bytes(answer))
                assert telegram.address == meter.serial
                state = meter.source(now_ms)
                assert find(telegram, "energy").integer == meter.register(state.energy_j)
