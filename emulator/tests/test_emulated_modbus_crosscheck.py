"""nuan's profiles read what the emulated Modbus models, written apart from them, say."""

from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from nuan_emulator.line import Line
from nuan_emulator.meters import modbus_models as models
from nuan_emulator.meters.device import ElectricityState, GasState, HeatState
from nuan_emulator.meters.modbus_table import TableSlave
from nuan_protocols.meters.registry import conditions, profile, readings
from nuan_protocols.modbus.master import ReadOut

NOON_MS = int(datetime(2026, 1, 15, 4, 30, tzinfo=UTC).timestamp() * 1000)
# What a float32 keeps of a number.
FLOAT_SHARE = Fraction(1, 2**23)

heat_states = st.builds(
    HeatState,
    energy_j=st.integers(0, 10**13),
    volume_ml=st.integers(0, 10**12),
    power_w=st.integers(0, 10**6),
    flow_l_per_h=st.integers(0, 10**5),
    flow_temperature_cc=st.integers(-3_000, 15_000),
    return_temperature_cc=st.integers(-3_000, 15_000),
    on_time_s=st.integers(0, 10**9),
    cooling_j=st.integers(0, 10**13),
)
electricity = st.builds(
    ElectricityState,
    import_j=st.integers(0, 10**11),
    export_j=st.integers(0, 10**11),
    voltage_dv=st.tuples(*[st.integers(0, 5_000)] * 3),
    current_ma=st.tuples(*[st.integers(0, 100_000)] * 3),
    power_dw=st.tuples(*[st.integers(-200_000, 200_000)] * 3),
    reactive_dvar=st.tuples(*[st.integers(-200_000, 200_000)] * 3),
    frequency_chz=st.integers(4_500, 5_500),
)


def read(name: str, model, state) -> dict[str, object]:
    """Every reading of a profile by its quantity, through a line and nuan's own master."""
    device = TableSlave("1", 7, model, lambda _: state)
    meter = profile(name)
    master = ReadOut(7, meter.reads)
    line = Line(9600, 10, [device])
    now_ms = NOON_MS
    while (request := master.request()) is not None:
        bursts = line.transmit(bytes(request), now_ms)
        for _, burst in bursts:
            master.feed(burst)
        now_ms = bursts[-1][0] + 10
    assert master.result == 0
    found: dict[str, object] = {}
    for _, result, _, question, answer in master.exchanges:
        assert result == 0, bytes(question).hex()
        assert conditions(meter, bytes(question), bytes(answer)) == []
        found |= {r.quantity: r for r in readings(meter, bytes(question), bytes(answer))}
    return found


def exact(reading) -> Fraction:
    assert reading.status == "ok", reading
    return Fraction(reading.integer) * Fraction(10) ** reading.exponent


def near(reading, value: Fraction) -> bool:
    """Equal within a float32's precision and the profile's own step."""
    step = Fraction(10) ** reading.exponent
    return abs(exact(reading) - value) <= abs(value) * FLOAT_SHARE + step


@given(heat_states)
def test_tuf2000(state):
    found = read("tuf2000", models.tuf2000(), state)
    assert abs(exact(found["energy"]) - state.energy_j) <= 10**5
    assert abs(exact(found["volume"]) - Fraction(state.volume_ml, 10**6)) <= Fraction(1, 1000)
    assert near(found["volume_flow"], Fraction(state.flow_l_per_h, 1000))
    assert near(found["power"], Fraction(state.power_w * 3600))
    assert exact(found["flow_temperature"]) == Fraction(state.flow_temperature_cc, 100)
    assert exact(found["return_temperature"]) == Fraction(state.return_temperature_cc, 100)


@given(heat_states)
def test_mag11(state):
    found = read("mag11", models.MAG11, state)
    assert exact(found["energy"]) == state.energy_j // 3600
    assert exact(found["energy:cooling"]) == state.cooling_j // 3600
    assert exact(found["volume"]) == Fraction(state.volume_ml // 1000, 1000)
    assert exact(found["flow_temperature"]) == Fraction(state.flow_temperature_cc, 100)
    difference = state.flow_temperature_cc - state.return_temperature_cc
    assert exact(found["temperature_difference"]) == Fraction(difference, 100)
    assert exact(found["power"]) == state.power_w


@given(heat_states)
def test_kamstrup(state):
    found = read("kamstrup_403", models.KAMSTRUP_HC003_67, state)
    assert exact(found["volume_flow"]) == Fraction(state.flow_l_per_h, 1000)
    assert found["volume_flow:v2"].status != "ok"
    assert found["external_temperature:t3"].status != "ok"
    assert exact(found["return_temperature"]) == Fraction(state.return_temperature_cc, 100)


@given(electricity)
def test_sdm630(state):
    found = read("sdm630", models.SDM630, state)
    for phase in range(3):
        assert exact(found[f"voltage:l{phase + 1}"]) == Fraction(state.voltage_dv[phase], 10)
        assert exact(found[f"current:l{phase + 1}"]) == Fraction(state.current_ma[phase], 1000)
        assert exact(found[f"power:l{phase + 1}"]) == Fraction(state.power_dw[phase], 10)
    assert near(found["power"], Fraction(sum(state.power_dw), 10))
    assert near(found["energy"], Fraction(state.import_j, 3600))
    assert near(found["energy:backward"], Fraction(state.export_j, 3600))
    assert exact(found["frequency"]) == Fraction(state.frequency_chz, 100)


@given(electricity)
def test_adw300(state):
    found = read("adw300", models.ADW300, state)
    for phase in range(3):
        assert exact(found[f"voltage:l{phase + 1}"]) == Fraction(state.voltage_dv[phase], 10)
        assert exact(found[f"power:l{phase + 1}"]) == state.power_dw[phase] // 10
    assert exact(found["energy"]) == state.import_j // 36_000 * 10
    assert exact(found["energy:backward"]) == state.export_j // 36_000 * 10


gas = st.builds(
    GasState,
    volume_ml=st.integers(0, 10**12),
    flow_l_per_h=st.integers(0, 10**6),
    temperature_cc=st.integers(-3_000, 6_000),
    pressure_pa=st.integers(0, 10**6),
    standard_volume_ml=st.integers(0, 10**12),
    standard_flow_l_per_h=st.integers(0, 10**6),
)


@given(gas)
def test_fuxin(state):
    found = read("fuxin_gas", models.FUXIN_GAS, state)
    assert exact(found["volume"]) == Fraction(state.standard_volume_ml // 100, 10_000)
    assert near(found["volume_flow"], Fraction(state.standard_flow_l_per_h, 1000))
    assert near(found["flow_temperature"], Fraction(state.temperature_cc, 100))
    assert near(found["pressure"], Fraction(state.pressure_pa, 100_000))


@given(gas)
def test_aoke(state):
    found = read("aoke_vortex", models.AOKE_VORTEX, state)
    difference = exact(found["volume"]) - Fraction(state.standard_volume_ml, 10**6)
    assert abs(difference) <= Fraction(1, 100)
    assert near(found["pressure"], Fraction(state.pressure_pa, 100_000))
