"""The node's heap over a virtual month without a reboot, day by day, on the default schedule.

The sample building: 16 meters, 864 exchanges a day, a zone, a gateway that answers. After a
collection at the same time each day: bytes alive without the emulation's own share, which is
printed apart, and the largest free block. Goal: alive < 80 KB and within 2 KB of the first day's,
and a largest block that doesn't shrink from week to week.

Then a node with 60 M-Bus meters every quarter of an hour, 5,760 exchanges a day, for a week: by
part, and in ever smaller heaps, the emulation's share not counted. Goal: it lives in 96 KB with
16 KB to spare at its peak, so a day in 80 KB. Usage: heap.py [days]
"""

import functools
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import heap_modules

from nuan_emulator.errors import NodeCrashLoopError, NodeDiedError
from nuan_emulator.node_spec import HeapReport, NodeSpec
from nuan_tools.season import run
from nuan_tools.season.one_line import OneLine
from nuan_tools.season.run import DAY_MS, Season
from nuan_tools.season.sample import SampleSeason

DAYS = 30
LIVE_BYTES_MAX = 80 * 1024
GROWTH_BYTES_MAX = 2 * 1024
LARGEST_PARTS = 4
MANY = 60
MANY_EVERY_S = 900
MANY_DAYS = 7
MANY_HEAP_KB = 80
MANY_LIVE_BYTES_MAX = 80 * 1024
# Hours and minutes at which nothing is polled.
LOOK_LATE_MS = 7 * 60_000


def measure(season: Season, days: int) -> list[HeapReport]:
    """One look a day; prints each."""
    looks: list[HeapReport] = []
    try:
        print("day  alive (bytes)  of shims  free  largest free block")
        for day in range(1, days + 1):
            season.world.run_until(season.span.start_ms + day * DAY_MS + LOOK_LATE_MS)
            look = season.node.heap()
            looks.append(look)
            print(
                f"{day:3}  {look.live - look.shims:13}  {look.shims:8}"
                f"  {look.free:5}  {look.largest_free:6}",
                flush=True,
            )
        assert season.node.boots == 1, season.node.console_tail()
    finally:
        season.close()
    return looks


def judge(looks: list[HeapReport], live_bytes_max: int) -> bool:
    """Print the weeks; whether the goals are reached."""
    alive = [look.live - look.shims for look in looks]
    weeks = [
        median(look.largest_free for look in looks[at : at + 7])
        for at in range(0, len(looks) - 6, 7)
    ]
    growth = max(alive) - alive[0]
    print(f"alive at most {max(alive)} bytes (goal < {live_bytes_max}), grown by {growth}")
    print(f"largest free block, median of each whole week: {weeks}")
    return max(alive) < live_bytes_max and growth < GROWTH_BYTES_MAX


def parts(alive: int) -> None:
    """What the bytes alive consist of: code and names by module, and all that was made of them."""
    table, names = heap_modules.measure()
    for size, name in table[:LARGEST_PARTS]:
        print(f"{size:6}  {name}: functions, classes, names")
    code = sum(size for size, _ in table)
    print(f"{code - sum(size for size, _ in table[:LARGEST_PARTS]):6}  other modules")
    print(f"{alive - code:6}  buffers, configuration, tasks, MicroPython's own")
    print(names)


def lives_in(heap_kb: int) -> bool:
    """Whether the node with many meters gets through a day in a heap of that size."""
    narrow = functools.partial(NodeSpec, heap_kb=heap_kb)
    with TemporaryDirectory(prefix="nuan-heap-") as folder:
        run.NodeSpec = narrow  # type: ignore[assignment, misc]  # the season makes its own
        try:
            season = OneLine(Path(folder), flats=MANY, every_s=MANY_EVERY_S, days=2)
            try:
                season.world.run_until(season.span.start_ms + DAY_MS)
                return season.node.boots == 1 and "MemoryError" not in season.node.console_tail()
            finally:
                season.close()
        except (NodeCrashLoopError, NodeDiedError):
            return False
        finally:
            run.NodeSpec = NodeSpec  # type: ignore[misc]


def main() -> int:
    """Print the days, the weeks and the verdicts; 1 when a goal is missed."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    started = time.monotonic()
    with TemporaryDirectory(prefix="nuan-heap-") as folder:
        good = judge(measure(SampleSeason(Path(folder), days=days + 1), days), LIVE_BYTES_MAX)
    print(f"{days} virtual days took {time.monotonic() - started:.0f} s\n\n{MANY} meters")
    with TemporaryDirectory(prefix="nuan-heap-") as folder:
        many = OneLine(Path(folder), flats=MANY, every_s=MANY_EVERY_S, days=MANY_DAYS + 1)
        looks = measure(many, MANY_DAYS)
        good &= judge(looks, MANY_LIVE_BYTES_MAX)
    parts(looks[-1].live - looks[-1].shims)
    least = min((size for size in range(96, 68, -4) if lives_in(size)), default=0)
    print(f"gets through a day in {least} KB (goal <= {MANY_HEAP_KB}); a board has 96")
    good &= 0 < least <= MANY_HEAP_KB
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
