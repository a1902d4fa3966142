"""nuan's codec reads what the emulator's meters, built from other declarations, say."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import (
    Dtsu666,
    ElectricityState,
    GasState,
    HeatState,
    MBusGasMeter,
    MBusHeatMeter,
    RoomSensor,
    RoomState,
    Settlement,
)
from nuan_emulator.meters.mbus_meters import ENERGY_UNITS
from nuan_protocols.mbus.master import ReadOut
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.meters.registry import profile, readings
from nuan_protocols.modbus.rtu import read_request

NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
JOULES = {"Wh": 3_600, "J": 1}

heat_states = st.builds(
    HeatState,
    energy_j=st.integers(0, 10**13),
    volume_ml=st.integers(0, 10**11),
    power_w=st.integers(0, 10**6),
    flow_l_per_h=st.integers(0, 10**5),
    flow_temperature_cc=st.integers(-3_000, 15_000),
    return_temperature_cc=st.integers(-3_000, 15_000),
    on_time_s=st.integers(0, 10**9),
    settlement=st.none()
    | st.builds(
        Settlement,
        day=st.dates(date(2001, 1, 1), date(2080, 12, 31)),
        energy_j=st.integers(0, 10**13),
    ),
)


def read_out(meter) -> list[tuple[bytes, bytes]]:
    """(question, answer) of every telegram, over a line that spoils nothing."""
    line = Line(2400, 11, [meter])
    master = ReadOut(meter.address)
    now_ms = NOON_MS
    while (request := master.request()) is not None:
        for arrival_ms, burst in line.transmit(bytes(request), now_ms):
            now_ms = arrival_ms + 10
            master.feed(burst)
    assert master.result == 0
    return [(bytes(question), bytes(answer)) for *_, question, answer in master.exchanges]


def exact(reading) -> Fraction:
    assert reading.status == "ok"
    return Fraction(reading.integer) * Fraction(10) ** reading.exponent


@pytest.mark.parametrize("unit", sorted(ENERGY_UNITS))
@pytest.mark.parametrize("coding", ["bcd8", "int32"])
def test_every_energy_unit_and_coding_is_read_to_the_joule(unit, coding):
    joules = 1_234_567_890_123
    state = HeatState(joules, 0, 0, 0, 0, 0, 0)
    meter = MBusHeatMeter("12345678", 9, lambda _: state, unit=unit, coding=coding)
    ((question, answer),) = read_out(meter)
    energy = next(
        r for r in readings(profile("mbus_heat"), question, answer) if r.quantity == "energy"
    )
    assert exact(energy) * JOULES[energy.unit] == meter.register(joules) * ENERGY_UNITS[unit].step_j


@given(heat_states, st.booleans(), st.booleans())
def test_every_value_of_a_heat_meter_comes_back(state, large_pipe, two_telegrams):
    meter = MBusHeatMeter(
        "87654321", 7, lambda _: state, large_pipe=large_pipe, two_telegrams=two_telegrams
    )
    telegrams = [decode(answer) for _, answer in read_out(meter)]
    assert [t.more for t in telegrams] == ([True, False] if two_telegrams else [False])
    found = {
        (r.reading.quantity, r.reading.storage): r.reading for t in telegrams for r in t.records
    }
    assert exact(found["energy", 0]) == meter.register(state.energy_j) * 1000
    volume_l = state.volume_ml // (100_000 if large_pipe else 10_000) % 10**8
    assert exact(found["volume", 0]) == Fraction(volume_l, 10 if large_pipe else 100)
    assert exact(found["flow_temperature", 0]) == Fraction(state.flow_temperature_cc, 100)
    assert exact(found["return_temperature", 0]) == Fraction(state.return_temperature_cc, 100)
    difference = state.flow_temperature_cc - state.return_temperature_cc
    assert exact(found["temperature_difference", 0]) == Fraction(difference, 100)
    power_w = state.power_w // 100 * 100 if large_pipe else state.power_w
    assert exact(found["power", 0]) == power_w
    assert exact(found["volume_flow", 0]) == Fraction(state.flow_l_per_h, 1000)
    assert found["datetime", 0].text.startswith("2026-01-15T12:30")
    if state.settlement is not None:
        assert found["date", 1].text == state.settlement.day.isoformat()
        due = meter.register(state.settlement.energy_j)
        assert exact(found["energy", 1]) == due * 1000


def test_header_says_who_answers():
    meter = MBusHeatMeter("00000042", 3, lambda _: HeatState(0, 0, 0, 0, 0, 0, 0), version=7)
    ((_, answer),) = read_out(meter)
    header = decode(answer).header
    assert header is not None
    assert header.identification == "00000042"
    assert header.manufacturer == "NUA"
    assert header.version == 7
    assert header.medium[0] == 4


@given(st.integers(0, 10**12))
def test_gas_is_read_in_hundredths_of_a_cubic_metre(volume_ml):
    meter = MBusGasMeter("30000001", 14, lambda _: GasState(volume_ml, 17))
    ((question, answer),) = read_out(meter)
    volume = next(
        r for r in readings(profile("mbus_gas"), question, answer) if r.quantity == "volume"
    )
    assert exact(volume) == Fraction(volume_ml // 10_000 % 10**8, 100)


@given(st.integers(0, 13_000_000), st.integers(0, 3_000), st.integers(0, 60_000))
def test_every_value_of_the_electricity_meter_comes_back(steps, voltage_dv, current_ma):
    state = ElectricityState(
        import_j=steps * 36_000,
        export_j=0,
        voltage_dv=(voltage_dv,) * 3,
        current_ma=(current_ma,) * 3,
        power_dw=(10, 20, 30),
        reactive_dvar=(0, 0, 0),
        frequency_chz=5000,
    )
    meter = Dtsu666("50000001", 1, lambda _: state)
    model = profile("dtsu666")
    found = {}
    for function, start, count in model.reads:
        question = bytes(read_request(1, function, start, count))
        answer = meter.answer(question, 0)
        assert answer is not None
        found.update({r.quantity: r for r in readings(model, question, answer)})
    assert exact(found["energy"]) == steps * 10
    assert exact(found["voltage:l2"]) == Fraction(voltage_dv, 10)
    assert exact(found["current:l3"]) == Fraction(current_ma, 1000)
    assert exact(found["power"]) == 6


@given(st.integers(-400, 1250), st.integers(0, 1000))
def test_room_temperature_keeps_its_sign(temperature_dc, humidity):
    sensor = RoomSensor("40000001", 2, lambda _: RoomState(temperature_dc, humidity))
    question = bytes(read_request(2, 4, 1, 2))
    answer = sensor.answer(question, 0)
    assert answer is not None
    temperature, relative = readings(profile("room_rs485"), question, answer)
    assert exact(temperature) == Fraction(temperature_dc, 10)
    assert exact(relative) == Fraction(humidity, 10)


@given(st.integers(0, 2**32))
def test_no_fault_makes_a_wrong_reading(seed):
    """A spoilt line costs answers, but what a master accepts is what the meter said."""
    rates = FaultRates(
        silence=0.1, noise_before=0.3, noise_after=0.3, cut=0.2, split=0.3, flip=0.3, stale=0.3,
        echo=bool(seed & 1),
    )  # fmt: skip
    meters = [
        MBusHeatMeter(f"{n:08d}", n, lambda _, n=n: HeatState(n * 10**10, 0, 0, 0, 0, 0, 0))
        for n in (1, 2, 3)
    ]
    line = Line(2400, 11, meters, LineFaults(rates, seed), seed)
    now_ms = NOON_MS
    for turn in range(12):
        meter = meters[turn % 3]
        master = ReadOut(meter.address)
        while (request := master.request()) is not None:
            for _, burst in line.transmit(bytes(request), now_ms):
                if master.waiting:
                    master.feed(burst)
            if master.waiting:
                master.timeout()
            now_ms += 5_000
        for _, result, _, _, answer in master.exchanges:
            if result:
                continue
            telegram = decode(bytes(answer))
            assert telegram.header is not None
            assert telegram.header.identification == meter.header.serial
            assert telegram.records[0].reading.integer == meter.register(meter.address * 10**10)
