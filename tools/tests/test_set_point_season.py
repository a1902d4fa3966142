"""Public rooms under the node's decision code, for a season and for its bad weeks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nuan_emulator.public_room import ROOMS
from nuan_tools.season.set_points import Node, Thermostat, Trial, run

# 2025-11-01 00:00 in China.
START = datetime(2025, 10, 31, 16, tzinfo=UTC)
START_MS = int(START.timestamp()) * 1000
READING_ROOM, CLASSROOM, HALL, OFFICE = ROOMS


@pytest.mark.parametrize("drive", ["on_off", "pulses", "position"])
def test_a_season_never_opens_above_the_setting_and_never_freezes(
    tmp_path: Path, seed: int, drive: str
) -> None:
    room = {"on_off": READING_ROOM, "pulses": CLASSROOM, "position": OFFICE}[drive]
    days = 151 if drive == "pulses" else 45
    trial = Trial(room, seed, START_MS, days, drive=drive, setpoint_dc=220, unoccupied_dc=160)
    print(f"seed {seed}")
    outcome = run(trial, Node(trial, tmp_path))
    assert outcome.open_above == 0
    assert outcome.coldest_c > 14
    assert outcome.heat_kwh > 100
    if drive == "pulses":
        plain = run(trial, Thermostat(Trial(room, seed, START_MS, days, unoccupied_dc=160)))
        assert outcome.heat_kwh < plain.heat_kwh
        assert outcome.cold_kh <= plain.cold_kh


def test_silent_weeks_in_winter_neither_freeze_nor_open_against_the_last_reading(
    tmp_path: Path, seed: int
) -> None:
    silent = ((24, 24 * 8), (24 * 10, 24 * 10 + 5), (24 * 14, 24 * 20))
    january = START_MS + 66 * 86_400_000
    trial = Trial(CLASSROOM, seed, january, 21, silent=silent)
    node = Node(trial, tmp_path)
    outcome = run(trial, node)
    assert outcome.coldest_c > 8
    # What the sensor said before it fell silent isn't held against the duty cycle.
    assert outcome.strokes > 100
    assert node.book.entries > 20


def test_an_exemption_that_ends_in_the_season_brings_the_clamp_back(
    tmp_path: Path, seed: int
) -> None:
    until = START + timedelta(days=14)
    more = {"exempt_until_s": int(until.timestamp()), "program": 0}
    trial = Trial(CLASSROOM, seed, START_MS, 28, setpoint_dc=220, more=more)
    node = Node(trial, tmp_path)
    applied = []
    sense = node.sense

    def noted(measured_dc: int) -> None:
        sense(measured_dc)
        applied.append((node.clock.now_s, node.zones.laws[0].applied_dc))

    node.sense = noted  # type: ignore[method-assign]
    outcome = run(trial, node)
    assert outcome.open_above == 0
    assert max(dc for at_s, dc in applied if at_s < until.timestamp()) == 220
    assert max(dc for at_s, dc in applied if at_s >= until.timestamp()) == 200


def test_a_room_that_nobody_heats_is_kept_from_frost(tmp_path: Path, seed: int) -> None:
    january = START_MS + 66 * 86_400_000
    trial = Trial(CLASSROOM, seed, january, 30)
    node = Node(trial, tmp_path)
    node.zones.laws[0].override = (0, START_MS // 1000 + 10**8, "Wang", "closed for the winter")
    outcome = run(trial, node)
    assert 4 < outcome.coldest_c < 6
    assert outcome.open_above == 0
