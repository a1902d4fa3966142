"""The public room's physics and the flats' fabric: what heat does when nobody controls it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nuan_emulator.building import Building, Scenario
from nuan_emulator.climate import Climate
from nuan_emulator.flats import FLATS, flats_of
from nuan_emulator.public_room import PublicRoom, RoomSpec

START_MS = int(datetime(2026, 1, 9, 16, tzinfo=UTC).timestamp()) * 1000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Steady:
    """Weather that stays as it is."""

    def __init__(self, temperature_c: float) -> None:
        self.outdoor_c = temperature_c

    def temperature_c(self, now_ms: int) -> float:
        return self.outdoor_c


def room_at(outdoor_c: float, **changes: float) -> PublicRoom:
    spec = replace(RoomSpec(gains_w=0.0, window_m2=0.0), **changes)
    return PublicRoom(spec, Climate(Steady(outdoor_c), START_MS, 8 * 3600))


def test_heat_in_is_heat_stored_and_heat_lost():
    room = room_at(-5.0)
    end_ms = START_MS + 3 * DAY_MS
    room.set_valve(60, START_MS)
    room.advance(end_ms)
    temperatures = [t / 100 for t in room.controlled.temperatures_cc]
    lost_j = sum(room.spec.loss_w_per_k * (t + 5.0) * 60 for t in temperatures[:-1])
    stored_j = room.spec.capacity_j_per_k * (temperatures[-1] - temperatures[0])
    given_j = room.controlled.heat_j.at(end_ms)
    in_radiator_j = given_j - lost_j - stored_j
    assert 0 < in_radiator_j < room.spec.radiator_j_per_k * 60


def test_an_unheated_room_cools_towards_outdoors():
    room = room_at(0.0)
    room.set_valve(False, START_MS)
    room.advance(START_MS + 30 * DAY_MS)
    temperatures = room.controlled.temperatures_cc
    # The first minute was simulated with the valve still open.
    assert list(temperatures[300:]) == sorted(temperatures[300:], reverse=True)
    assert 0 <= temperatures[-1] < 100
    assert room.controlled.heat_j.at(START_MS + 30 * DAY_MS) == room.controlled.heat_j.at(
        START_MS + 60_000
    )


def test_the_twin_never_feels_the_valve():
    open_room, shut_room = room_at(-5.0), room_at(-5.0)
    shut_room.set_valve(False, START_MS)
    for room in (open_room, shut_room):
        room.advance(START_MS + DAY_MS)
    assert shut_room.uncontrolled.temperatures_cc == open_room.uncontrolled.temperatures_cc
    assert open_room.controlled.temperatures_cc == open_room.uncontrolled.temperatures_cc
    assert shut_room.controlled.temperatures_cc != open_room.controlled.temperatures_cc


@pytest.mark.parametrize("outdoor_c", [-13.0, -5.0, 5.0])
def test_an_open_valve_overheats_at_any_weather(outdoor_c):
    """The reason for control: the network's curve suits the coldest room, not this one."""
    room = room_at(outdoor_c)
    room.advance(START_MS + 10 * DAY_MS)
    assert 2000 < room.uncontrolled.temperature_cc(START_MS + 10 * DAY_MS) < 2800


def test_people_and_sun_warm_the_room_on_weekdays():
    spec = RoomSpec(window_m2=0.0)
    busy = PublicRoom(spec, Climate(Steady(0.0), START_MS, 8 * 3600))
    # 10 January 2026 is a Saturday: the first two days are quiet.
    quiet = room_at(0.0)
    for room in (busy, quiet):
        room.advance(START_MS + 7 * DAY_MS)
    weekend = slice(0, 2 * 1440)
    assert busy.uncontrolled.temperatures_cc[weekend] == quiet.uncontrolled.temperatures_cc[weekend]
    monday_noon = START_MS + 2 * DAY_MS + 12 * HOUR_MS
    assert busy.uncontrolled.temperature_cc(monday_noon) > quiet.uncontrolled.temperature_cc(
        monday_noon
    )


def test_the_valve_acts_at_the_next_minute():
    room = room_at(-5.0)
    room.set_valve(False, START_MS + 90_500)
    room.advance(START_MS + HOUR_MS)
    heat = room.controlled.heat_j
    assert heat.at(START_MS + 120_000) > heat.at(START_MS + 60_000)
    assert heat.at(START_MS + HOUR_MS) == heat.at(START_MS + 120_000)


def test_minutes_above_a_limit_are_half_open():
    room = room_at(-5.0, start_c=25.0)
    room.advance(START_MS + HOUR_MS)
    assert room.hours_above(200, START_MS, START_MS + HOUR_MS) == (1.0, 1.0)
    assert room.hours_above(200, START_MS, START_MS) == (0.0, 0.0)
    assert room.hours_above(300, START_MS, START_MS + HOUR_MS) == (0.0, 0.0)


def season_heat(flats, days: int = 20) -> list[int]:
    building = Building(Scenario(START_MS, flats=flats, weather=Steady(-4.0)), 1)
    end_ms = START_MS + days * DAY_MS
    building.advance(end_ms)
    return [building.heat_j(i, end_ms) for i in range(len(flats))]


def test_colder_weather_needs_more_heat():
    heats = []
    for outdoor_c in (8.0, 0.0, -8.0):
        building = Building(Scenario(START_MS, weather=Steady(outdoor_c)), 1)
        building.advance(START_MS + 5 * DAY_MS)
        heats.append(building.building_heat_j(START_MS + 5 * DAY_MS))
    assert heats == sorted(heats)


def test_a_warmer_set_point_needs_more_heat_and_helps_the_neighbours():
    base = season_heat(FLATS)
    warmer = list(FLATS)
    warmer[4] = replace(FLATS[4], day_c=25.0, night_c=25.0, away_c=25.0)
    changed = season_heat(tuple(warmer))
    assert changed[4] > base[4] * 1.2
    assert changed[0] < base[0]
    assert changed[8] < base[8]


def test_open_windows_cost_heat():
    airy = list(FLATS)
    airy[3] = replace(FLATS[3], airing_steps=60)
    assert season_heat(tuple(airy))[3] > season_heat(FLATS)[3]


def test_any_number_of_flats_makes_a_building():
    for count in (1, 2, 5):
        flats = flats_of([(f"1-{n}", "80.00") for n in range(count)])
        assert all(heat > 0 for heat in season_heat(flats, days=8))
