"""A heating season of four kinds of public room: the node's controller and a plain 1 K thermostat.

The decision code of the board on this machine, beside the plain thermostat (open at the setting
less 0.5 K, shut at the setting plus 0.5 K) with the same schedule, setting, sensor and weather in
the same run: occupied on weekdays from 8 to 18 at 20.0 degC, otherwise 16.0 degC, from 1 November
to 31 March. Discomfort is K h below the setting in occupied time, by trapezoids over the room's
true temperature; heat is what the water leaves in the radiator. Printed besides: the thermostat
begun early enough to be as comfortable as the node, which is what a fixed start costs.

Goals: less heat at no more discomfort in every room with every seed, the valve never commanded
open while the sensor reads above the setting, and no frost. Usage: setpoint.py [days] [seeds]
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from nuan_emulator.public_room import ROOMS
from nuan_tools.season.set_points import Node, Outcome, Thermostat, Trial, run

DAYS = 151
SEEDS = 3
# 2025-11-01 00:00 in China.
START_MS = int(datetime(2025, 10, 31, 16, tzinfo=UTC).timestamp()) * 1000
UNOCCUPIED_DC = 160
FROST_C = 5.0
LEADS_MIN = (30, 60, 90, 120, 180, 240, 300)


def early_start(trial: Trial, comfort: Outcome) -> tuple[str, Outcome]:
    """The thermostat with the smallest fixed lead that is as comfortable."""
    found = Outcome()
    for lead_min in LEADS_MIN:
        found = run(trial, Thermostat(trial, lead_min=lead_min))
        if found.cold_kh <= comfort.cold_kh:
            return f"{lead_min} min early", found
    return f"{LEADS_MIN[-1]} min early", found


def shown(name: str, outcome: Outcome, base: Outcome) -> str:
    """One line."""
    return (
        f"    {name:22} {outcome.heat_kwh:8.0f} kWh {_against(outcome.heat_kwh, base.heat_kwh)}"
        f"  {outcome.cold_kh:7.1f} K h {_against(outcome.cold_kh, base.cold_kh)}"
        f"  {outcome.strokes:5} openings"
    )


def _against(value: float, base: float) -> str:
    return f"({100 * (value / base - 1):+6.2f} %)" if base else ""


def compare(trial: Trial) -> bool:
    """Print one room's season; whether the goals are reached."""
    with TemporaryDirectory(prefix="nuan-setpoint-") as folder:
        ours = run(trial, Node(trial, Path(folder)))
    plain = run(trial, Thermostat(trial))
    name, early = early_start(trial, ours)
    print(f"  {trial.room.name}, seed {trial.seed}")
    print(shown("node", ours, plain))
    print(shown("thermostat", plain, plain))
    print(shown("thermostat " + name, early, plain), flush=True)
    good = ours.heat_kwh < plain.heat_kwh and ours.cold_kh <= plain.cold_kh
    if ours.open_above or ours.coldest_c < FROST_C:
        print(
            f"    open above the setting {ours.open_above} min, coldest {ours.coldest_c:.1f} degC"
        )
    return good and not ours.open_above and ours.coldest_c >= FROST_C


def main() -> int:
    """Print all rooms and seeds; 1 when a goal is missed."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS
    started = time.monotonic()
    print(f"{days} days, setting 20.0 degC, percentages against the plain thermostat")
    missed = [
        f"{spec.name} {seed}"
        for spec in ROOMS
        for seed in range(1, seeds + 1)
        if not compare(Trial(spec, seed, START_MS, days, unoccupied_dc=UNOCCUPIED_DC))
    ]
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"goal missed: {', '.join(missed)}" if missed else "goals reached in every room")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
