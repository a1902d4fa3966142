"""A month without a power cut: 60 meters, a zone, the console every day, and the heap stays.

Four days in CI, read hourly; thirty at night, every quarter of an hour.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS

from nuan_emulator.console_port import ConsolePort
from nuan_emulator.node_spec import HeapReport
from nuan_tools.node_link.client import ConsoleClient
from nuan_tools.season.layout import node_key
from nuan_tools.season.one_line import OneLine
from nuan_tools.season.run import SEED

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DAYS, EVERY_S = (30, 900) if NIGHTLY else (4, 3600)
METERS = 60
# A board has 96 KB; benchmarks/heap.py tells how far the goals for its free part are reached.
LIVE_BYTES_MAX = 90 * 1024
GROWTH_BYTES_MAX = 2 * 1024
# Nothing asks for more at once after the boot.
LARGEST_BYTES_MIN = 512
LOOKS_PER_DAY = 4


def use_console(season: OneLine) -> None:
    """A session of somebody who looks after the node: opened, used, and left."""
    client = ConsoleClient(ConsolePort(season.world, season.node))
    client.unlock(node_key(SEED))
    meters = client.request("meters")["meters"]
    assert [each["result"] for each in meters] == ["ok"] * (METERS + 1)
    for command in ("status", "link", "log", "time", "config"):
        client.request(command)
    client.request("read", slot=1)


@pytest.mark.timeout(900)
def test_a_month_with_sixty_meters_zone_and_console_leaves_the_heap(tmp_path: Path) -> None:
    season = OneLine(tmp_path / "season", flats=METERS, every_s=EVERY_S, days=DAYS + 1, room=True)
    looks: list[HeapReport] = []
    try:
        for look in range(1, DAYS * LOOKS_PER_DAY + 1):
            at_ms = season.span.start_ms + look * DAY_MS // LOOKS_PER_DAY
            season.world.run_until(at_ms + 7 * MINUTE_MS)
            if look % LOOKS_PER_DAY == 2:
                use_console(season)
                season.world.run_until(at_ms + HOUR_MS // 2)
            looks.append(season.node.heap())
        boots, backlog = season.node.boots, season.node.tunnel.stats.backlog
    finally:
        season.close()
    own = [look.live - look.shims for look in looks]
    # Where the garbage lies at the instant of a look moves the largest block.
    largest = [
        median(each.largest_free for each in looks[at : at + LOOKS_PER_DAY])
        for at in range(0, len(looks), LOOKS_PER_DAY)
    ]
    print(f"live {own[:LOOKS_PER_DAY]} on the first day, {own[-LOOKS_PER_DAY:]} on the last")
    print(f"largest free block by day {largest}, at least {min(e.largest_free for e in looks)}")
    assert (boots, backlog) == (1, 0)
    assert max(own) < LIVE_BYTES_MAX
    assert max(own) - max(own[:LOOKS_PER_DAY]) < GROWTH_BYTES_MAX
    assert min(each.largest_free for each in looks) >= LARGEST_BYTES_MIN
    with closing(sqlite3.connect(tmp_path / "season" / "data" / "nuan.db")) as database:
        faults = database.execute(
            # The 28th byte of an event is its code: faults and panics.
            "select count(*) from entry where kind = 2 and hex(substr(raw, 28, 1)) in ('04', '05')"
        ).fetchall()
    assert faults == [(0,)]
