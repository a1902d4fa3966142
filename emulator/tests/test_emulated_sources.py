"""What meters measure of the building's truth, instant by instant; habits behind it."""

from datetime import UTC, date, datetime

import pytest

from nuan_emulator.building import Building, Scenario
from nuan_emulator.climate import HOUR_MS, STEP_MS, Climate
from nuan_emulator.flats import FLATS, Habits
from nuan_emulator.meters import MBusGasMeter, MBusHeatMeter
from nuan_emulator.sources import (
    BuildingGas,
    BuildingHeat,
    CommonElectricity,
    FlatHeat,
    RoomClimate,
)
from nuan_emulator.weather import BuiltInWeather

# A day before the month ends, so that a due day falls into the run.
START_MS = int(datetime(2025, 11, 29, 16, tzinfo=UTC).timestamp()) * 1000
DAY_MS = 24 * HOUR_MS
MONTH_MS = START_MS + DAY_MS
END_MS = START_MS + 3 * DAY_MS


@pytest.fixture(scope="module")
def building() -> Building:
    made = Building(Scenario(START_MS), 6)
    made.advance(END_MS)
    return made


def bcd(data: bytes) -> int:
    return int(data[::-1].hex())


def test_a_source_advances_the_building_by_itself():
    fresh = Building(Scenario(START_MS), 6)
    state = FlatHeat(fresh, 2)(START_MS + DAY_MS + 777)
    assert state.energy_j == fresh.heat_j(2, START_MS + DAY_MS + 777)
    assert fresh.temperatures_c != [19.0] * 12


def test_registers_on_the_wire_are_floors_of_the_truth(building):
    meter = MBusHeatMeter("10000001", 1, FlatHeat(building, 0), unit="1 Wh", start_register=5)
    for turn, t_ms in enumerate(range(START_MS, END_MS, 7_777_777)):
        request = bytes.fromhex("107b017c16" if turn % 2 else "105b015c16")
        answer = meter.answer(request, t_ms)
        assert answer is not None
        assert answer[19:21] == b"\x0c\x03"
        assert bcd(answer[21:25]) == building.heat_j(0, t_ms) // 3_600 + 5


def test_the_due_register_latches_at_civil_midnight(building):
    source = FlatHeat(building, 4)
    before = source(MONTH_MS - 1).settlement
    after = source(MONTH_MS).settlement
    later = source(END_MS - 1).settlement
    assert before is not None
    assert before.day == date(2025, 11, 1)
    assert before.energy_j == 0
    assert after is not None
    assert after.day == date(2025, 12, 1)
    assert after.energy_j == building.heat_j(4, MONTH_MS)
    assert later == after


def test_asking_backwards_is_answered_too(building):
    source = FlatHeat(building, 4)
    late, early = source(END_MS - 1), source(START_MS + 1)
    assert early.energy_j < late.energy_j
    assert early.settlement is not None
    assert early.settlement.day == date(2025, 11, 1)


def test_the_building_meter_counts_at_least_its_flats(building):
    source = BuildingHeat(building)
    flats = [FlatHeat(building, i) for i in range(12)]
    for t_ms in range(START_MS, END_MS, 11 * HOUR_MS + 1):
        state = source(t_ms)
        parts = [flat(t_ms) for flat in flats]
        assert state.energy_j >= sum(part.energy_j for part in parts)
        assert state.volume_ml >= sum(part.volume_ml for part in parts) - 12
        assert state.settlement is not None
        due = [part.settlement for part in parts]
        assert state.settlement.energy_j >= sum(d.energy_j for d in due if d)


def test_power_and_flow_fit_the_temperatures(building):
    for t_ms in range(START_MS + HOUR_MS, END_MS, 5 * HOUR_MS):
        state = BuildingHeat(building)(t_ms)
        cooling_k = (state.flow_temperature_cc - state.return_temperature_cc) / 100
        assert state.power_w == pytest.approx(state.flow_l_per_h * cooling_k * 1.163, rel=0.02)
        step_j = building.building_heat_j(t_ms + STEP_MS) - building.building_heat_j(t_ms)
        assert state.power_w == pytest.approx(step_j / 300, rel=0.4)


def test_on_time_counts_from_the_start(building):
    assert FlatHeat(building, 0)(START_MS + 7_500_999).on_time_s == 7_500


def test_gas_follows_the_kitchens(building):
    source = BuildingGas(building)
    meter = MBusGasMeter("30000001", 1, source)
    amounts = []
    for hour in range(24):
        t_ms = START_MS + hour * HOUR_MS
        amounts.append(source(t_ms + HOUR_MS).volume_ml - source(t_ms).volume_ml)
    assert amounts[18] > amounts[15] > amounts[2] == 0
    answer = meter.answer(bytes.fromhex("107b017c16"), END_MS)
    assert answer is not None
    assert bcd(answer[21:25]) == building.gas_ml(END_MS) // 10_000


def test_lamps_burn_at_night(building):
    source = CommonElectricity(building)
    noon = START_MS + 12 * HOUR_MS
    midnight = START_MS + 24 * HOUR_MS
    assert sum(source(midnight).power_dw) > sum(source(noon).power_dw) * 1.2
    energies = [source(t).import_j for t in range(START_MS, END_MS, 1_234_567)]
    assert energies == sorted(energies)


def test_currents_fit_power_and_voltage(building):
    state = CommonElectricity(building)(START_MS + 3 * HOUR_MS)
    for power_dw, voltage_dv, current_ma in zip(
        state.power_dw, state.voltage_dv, state.current_ma, strict=True
    ):
        apparent_w = voltage_dv / 10 * current_ma / 1000
        assert power_dw / 10 == pytest.approx(apparent_w * 0.93, rel=0.05, abs=2)


def test_room_sensor_rounds_to_the_nearest_tenth(building):
    source = RoomClimate(building)
    for t_ms in range(START_MS, END_MS, HOUR_MS):
        true_cc = building.room.controlled.temperature_cc(t_ms)
        assert abs(source(t_ms).temperature_dc * 10 - true_cc) <= 5


def test_habits_of_an_empty_flat_and_of_a_lived_in_one():
    empty = next(flat for flat in FLATS if flat.empty)
    habits = Habits(empty, 1)
    habits.plan()
    assert set(habits.set_point_c) == {empty.away_c}
    assert not habits.airing
    lived_in = Habits(FLATS[0], 1)
    nights = 0
    for _ in range(151):
        lived_in.plan()
        assert len(lived_in.set_point_c) == len(lived_in.gains_w) == 24
        allowed = {FLATS[0].day_c, FLATS[0].night_c, FLATS[0].away_c}
        assert set(lived_in.set_point_c) <= allowed
        nights += lived_in.set_point_c == [FLATS[0].away_c] * 24
        assert all(7 * 12 <= step < 11 * 12 for step in lived_in.airing)
    assert 0 <= nights < 60


def test_families_travel_about_as_often_as_they_say():
    traveller = max(FLATS, key=lambda flat: flat.trips)
    away = 0
    for seed in range(40):
        habits = Habits(traveller, seed)
        for _ in range(151):
            habits.plan()
            away += set(habits.set_point_c) == {traveller.away_c}
    days_a_season = away / 40
    assert 0.4 * traveller.trips * 6 < days_a_season < 1.6 * traveller.trips * 6


def test_civil_time_of_the_site():
    climate = Climate(BuiltInWeather(1), START_MS, 8 * 3600)
    assert climate.civil_hour(START_MS) == 0
    assert climate.civil_hour(START_MS - 1) == 23
    assert climate.civil_minute(START_MS + 90 * 60_000) == 90
    assert climate.civil_day(START_MS) == climate.civil_day(START_MS - 1) + 1
    assert date.fromordinal(date(1970, 1, 1).toordinal() + climate.civil_day(START_MS)) == date(
        2025, 11, 30
    )


def test_climate_extends_without_changing_what_was():
    short = Climate(BuiltInWeather(1), START_MS, 8 * 3600)
    long = Climate(BuiltInWeather(1), START_MS, 8 * 3600)
    long.extend(600)
    for steps in (1, 17, 17, 600):
        short.extend(steps)
    assert short.outdoor_c == long.outdoor_c
    assert short.flow_c == long.flow_c
    assert all(f > r for f, r in zip(long.flow_c, long.return_c, strict=True))
