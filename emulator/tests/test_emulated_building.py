"""The building: energy balance, exact registers, habits, the room with and without control."""

import time
from datetime import UTC, date, datetime

import pytest

from nuan_emulator.building import Building, Scenario
from nuan_emulator.climate import STEP_MS, heating_water_c
from nuan_emulator.flats import FLATS, flats_of, neighbours
from nuan_emulator.ledger import Ledger
from nuan_emulator.sources import (
    BuildingGas,
    BuildingHeat,
    CommonElectricity,
    FlatHeat,
    RoomClimate,
)

START_MS = int(datetime(2025, 10, 31, 16, tzinfo=UTC).timestamp()) * 1000
DAY_MS = 86_400_000
END_MS = START_MS + 151 * DAY_MS
KWH_J = 3_600_000


def run_until(seed: int, end_ms: int) -> Building:
    """From the start, with a two-point controller at 20 degC that reads the room's sensor."""
    building = Building(Scenario(START_MS), seed)
    sensor = RoomClimate(building)
    for t_ms in range(START_MS, end_ms, STEP_MS):
        measured_dc = sensor(t_ms).temperature_dc
        if measured_dc <= 195:
            building.room.set_valve(True, t_ms)
        elif measured_dc >= 200:
            building.room.set_valve(False, t_ms)
    building.advance(end_ms)
    return building


@pytest.fixture(scope="module")
def season() -> Building:
    return run_until(1, END_MS)


def test_a_season_takes_seconds():
    begin = time.process_time()
    Building(Scenario(START_MS), 2).advance(END_MS)
    assert time.process_time() - begin < 6


def test_flats_plus_room_plus_pipes_are_the_building(season):
    for t_ms in (START_MS, START_MS + 1, START_MS + 12_345_678, END_MS - 1, END_MS):
        flats = sum(season.heat_j(i, t_ms) for i in range(12))
        rest = season.room_heat_j(t_ms) + season.pipe_loss_j(t_ms)
        assert season.building_heat_j(t_ms) == flats + rest


def test_season_heat_is_plausible(season):
    heats = [season.heat_j(i, END_MS) // KWH_J for i in range(12)]
    lived_in = [heat for flat, heat in zip(season.flats, heats, strict=True) if not flat.empty]
    assert all(3_500 < heat < 9_000 for heat in lived_in)
    assert len(set(heats)) == 12
    loss_share = 1 - sum(heats) * KWH_J / season.building_heat_j(END_MS)
    assert 0.05 < loss_share < 0.25
    assert 300 < season.gas_ml(END_MS) / 1e6 < 1500
    assert 800 < season.electricity_j(END_MS) / KWH_J < 4000


def test_heat_in_equals_heat_out_and_stored():
    """First law over one step, recomputed from temperatures alone."""
    building = Building(Scenario(START_MS), 3)
    flat = FLATS[0]
    habits = building._habits[0]
    for step in range(1, 500):
        before = list(building.temperatures_c)
        hour = building.climate.civil_hour(START_MS + step * STEP_MS)
        building.advance(START_MS + step * STEP_MS)
        heat_j = building.heat_j(0, START_MS + (step + 1) * STEP_MS) - building.heat_j(
            0, START_MS + step * STEP_MS
        )
        stored_j = (building.temperatures_c[0] - before[0]) * flat.capacity_j_per_k
        outside_k = before[0] - building.climate.outdoor_c[step]
        to_neighbours_w = sum(g * (before[0] - before[n]) for n, g in neighbours(FLATS)[0])
        lost_j = (flat.loss_w_per_k * outside_k + to_neighbours_w) * 300
        gains_j = stored_j + lost_j - heat_j
        if step % 288 not in habits.airing:
            assert gains_j / 300 - habits.gains_w[hour] == pytest.approx(
                2.5 * SUN[hour], abs=0.01
            ), step


SUN = (0,) * 8 + (40, 110, 170, 210, 220, 200, 150, 90, 30) + (0,) * 7


def test_heat_never_flows_backwards_and_interpolates_in_whole_joules(season):
    instants = range(START_MS + 5 * DAY_MS, START_MS + 5 * DAY_MS + 3 * STEP_MS, 7_777)
    values = [season.heat_j(3, t) for t in instants]
    assert values == sorted(values)
    assert all(isinstance(v, int) for v in values)


def test_two_runs_with_one_seed_are_identical_and_another_seed_differs(season):
    end_ms = START_MS + 30 * DAY_MS
    again, other = run_until(1, end_ms), run_until(2, end_ms)
    for t_ms in (START_MS + 20 * DAY_MS + 1, end_ms):
        assert [again.heat_j(i, t_ms) for i in range(12)] == [
            season.heat_j(i, t_ms) for i in range(12)
        ]
        assert again.building_heat_j(t_ms) == season.building_heat_j(t_ms)
    assert other.building_heat_j(end_ms) != season.building_heat_j(end_ms)


def test_how_finely_time_is_asked_does_not_matter():
    coarse, fine = (Building(Scenario(START_MS), 4) for _ in range(2))
    for t_ms in range(START_MS, START_MS + 3 * DAY_MS, 61_234):
        fine.advance(t_ms)
    coarse.advance(START_MS + 3 * DAY_MS)
    fine.advance(START_MS + 3 * DAY_MS)
    t_ms = START_MS + 3 * DAY_MS - 1
    assert coarse.building_heat_j(t_ms) == fine.building_heat_j(t_ms)


def test_control_keeps_the_room_near_the_limit_and_saves_heat(season):
    with_control, without = season.room.hours_above(200, START_MS, END_MS)
    assert without > 2_000
    assert with_control < without / 5
    assert season.room.hours_above(205, START_MS, END_MS)[0] < 24
    assert season.room_heat_j(END_MS) < season.room.uncontrolled.heat_j.at(END_MS) * 0.9
    warm = season.room.controlled.temperatures_cc[3 * 1440 :]
    assert min(warm) > 1850


def test_room_overshoots_after_the_valve_has_shut():
    building = Building(Scenario(START_MS), 1)
    t_ms = START_MS + 60 * DAY_MS
    room = building.room.controlled
    building.room.set_valve(30, START_MS)
    building.advance(t_ms)
    building.room.set_valve(True, t_ms)
    while room.temperature_cc(t_ms) < 1990:
        t_ms += 60_000
        building.advance(t_ms)
    building.room.set_valve(False, t_ms)
    shut_ms = t_ms + 60_000
    building.advance(shut_ms + DAY_MS)
    later = [room.temperature_cc(shut_ms + m * 60_000) for m in range(360)]
    assert max(later) > 1995
    assert later[-1] < max(later)
    assert building.room_heat_j(shut_ms) == building.room_heat_j(shut_ms + DAY_MS)


def test_half_open_valve_heats_less():
    heats = []
    for pct in (100, 50, 10, 0):
        building = Building(Scenario(START_MS), 1)
        building.room.set_valve(pct, START_MS)
        building.advance(START_MS + DAY_MS)
        heats.append(building.room_heat_j(START_MS + DAY_MS))
    assert heats == sorted(heats, reverse=True)
    assert heats[0] > heats[1] > heats[2] > heats[3]
    with pytest.raises(ValueError, match=r"outside 0\.\.100"):
        building.room.set_valve(101, START_MS)


def test_flat_source_feeds_the_meter_with_the_truth(season):
    source = FlatHeat(season, 0)
    t_ms = START_MS + 100 * DAY_MS + 123_456
    state = source(t_ms)
    assert state.energy_j == season.heat_j(0, t_ms)
    assert state.volume_ml == season.volume_ml(0, t_ms)
    assert state.flow_temperature_cc > state.return_temperature_cc
    assert state.settlement is not None
    assert state.settlement.day == date(2026, 2, 1)
    first_ms = int(datetime(2026, 1, 31, 16, tzinfo=UTC).timestamp()) * 1000
    assert state.settlement.energy_j == season.heat_j(0, first_ms)


def test_building_source_and_common_meters(season):
    t_ms = START_MS + 100 * DAY_MS + 123_456
    state = BuildingHeat(season)(t_ms)
    assert state.energy_j == season.building_heat_j(t_ms)
    assert BuildingGas(season)(t_ms).volume_ml == season.gas_ml(t_ms)
    power = CommonElectricity(season)(t_ms)
    assert power.import_j == season.electricity_j(t_ms)
    assert sum(power.power_dw) == season.electricity_rate_w(t_ms) * 10


def test_heating_curve_of_the_textbook():
    assert heating_water_c(0.0) == (58.91, 42.24)
    assert heating_water_c(-9.0) == (75.0, 50.0)
    assert heating_water_c(30.0)[0] < 30


def test_ledger_refuses_what_it_does_not_know():
    ledger = Ledger(1_000, 100)
    ledger.add(7)
    assert [ledger.at(t) for t in (1_000, 1_050, 1_099, 1_100)] == [0, 3, 6, 7]
    for outside in (999, 1_101):
        with pytest.raises(ValueError, match="outside the simulated"):
            ledger.at(outside)


def test_flats_are_placed_floor_by_floor():
    flats = flats_of([(f"2-{i}", "80.00") for i in range(7)], columns=3)
    assert [(f.floor, f.column) for f in flats[2:5]] == [(1, 3), (2, 1), (2, 2)]
    middle = flats[4]
    assert middle.loss_w_per_k < min(f.loss_w_per_k for f in flats if f is not middle)
    pairs = neighbours(flats)
    assert all((i, g) in pairs[n] for i, row in enumerate(pairs) for n, g in row)


def test_bad_scenarios_are_refused():
    with pytest.raises(ValueError, match="multiple of"):
        Scenario(START_MS + 1)
    with pytest.raises(ValueError, match="no positive number"):
        flats_of([("1-101", "big")])
