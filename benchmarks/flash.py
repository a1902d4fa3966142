"""Flash wear and room of the node's journal, on a real littlefs with its erases counted by block.

Each line is a node with that many meters, flushed once a turn, whose gateway takes everything, over
240 blocks of 4 KB. Goals: 0.1 erases an entry at 100-byte telegrams, 0.25 at the longest exchange
(275 bytes). Beside it, in the same run, a ring of records overwritten in place in one file. Then
how long 60 household meters, read hourly, fit into a 4 MB board without any gateway, and how long
the boundaries of all days. Usage: flash.py
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from nuan_tools.vm import vm_path

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAM = REPOSITORY / "firmware" / "tests" / "board" / "flash_wear.py"
ROOTS = ("firmware/tests/board", "firmware", "protocols", "firmware/board")
ENTRIES = 36_000
BLOCKS = 240
ERASES_A_BLOCK = 100_000
ROOM_KB = 859
EVERY_S = 900
# Meters, bytes of the telegram, KB of a segment, goal: erases an entry.
CASES = (
    (9, 100, 8, None),
    (15, 100, 8, 0.1),
    (60, 100, 32, 0.1),
    (15, 261, 16, 0.25),
    (60, 261, 32, 0.25),
)
FULL_DAYS_MIN = 15
SEASON_DAYS = 151


def run(*arguments: object) -> dict[str, Any]:
    """What the board's program tells."""
    path = ":".join([str(REPOSITORY / root) for root in ROOTS] + [".frozen"])
    command = [str(vm_path()), "-X", "heapsize=64m", str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, env={"MICROPYPATH": path})
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def wear() -> bool:
    """Print a line a case; whether every goal is reached."""
    print("meters  telegram  segment  bytes/entry  erases/entry   goal  worst:mean  years")
    good = True
    for meters, size, segment, goal in CASES:
        turns = ENTRIES // meters
        told = run("journal", meters, size, segment, ROOM_KB, BLOCKS, turns, EVERY_S, 1, "-")
        rate = told["erases"] / told["entries"]
        uneven = told["most_erases"] * BLOCKS / told["erases"]
        a_year = rate * meters * 86400 / EVERY_S * 365
        years = BLOCKS * ERASES_A_BLOCK / (a_year * uneven)
        print(
            f"{meters:6}  {size:8}  {segment:4} KB  {told['bytes_an_entry']:11.1f}"
            f"  {rate:12.3f}  {goal or '':>5}  {uneven:10.1f}  {years:5.0f}",
            flush=True,
        )
        good &= goal is None or rate <= goal
    told = run("ring", 15, 100, 8, ROOM_KB, BLOCKS, 40, EVERY_S, 1, "-")
    print(f"a ring overwritten in place: {told['erases'] / told['entries']:.1f} erases an entry")
    return good


def room() -> bool:
    """Print the days that fit; whether they are enough."""
    told = run("season", 60, 95, 32, ROOM_KB, BLOCKS, 24 * 300, 3600, 0, "-")
    full, thin = told["full_days"], told["thin_days"]
    print(f"60 meters hourly, no gateway: {full:.1f} days in full, day boundaries {thin:.0f} days")
    return bool(full >= FULL_DAYS_MIN and thin > SEASON_DAYS)


def main() -> int:
    """Print wear and room; 1 when a goal is missed."""
    return 0 if wear() & room() else 1


if __name__ == "__main__":
    sys.exit(main())
