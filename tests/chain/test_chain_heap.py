"""A virtual month without a reboot: the node's heap neither grows nor breaks into pieces.

And a day with as many meters as a line carries: they fit, and nothing they say is lost.
"""

import functools
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS, MakeChain

from nuan_emulator.node_spec import HeapReport, NodeSpec
from nuan_tools.season import run
from nuan_tools.season.one_line import OneLine
from nuan_tools.season.sample import sample_site

# Every day for a week in CI, thirty days at night: what a week proves is growth from day to day.
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
WEEKS = 4 if NIGHTLY else 1
LIVE_BYTES_MAX = 80 * 1024
GROWTH_BYTES_MAX = 2 * 1024
# Where the garbage lies at the instant of a look moves the largest block by a few hundred bytes.
LOOKS_PER_DAY = 4
SHRINKAGE_BYTES_MAX = 1024
LARGEST_BYTES_MIN = 4096
SIXTY = 60
SIXTY_EVERY_S = 900
SIXTY_LIVE_BYTES_MAX = 75 * 1024
# A board has 96 KB: 16 stay free while meters are read and batches go out.
SIXTY_HEAP_KB = 80


@pytest.mark.timeout(300)
def test_a_month_leaves_the_heap_as_the_first_day_did(make_chain: MakeChain) -> None:
    # The sample building with all its meters, polled hourly: half of the default schedule's cost.
    site = re.sub(r"every_s = \d+", "every_s = 3600", sample_site(40))
    site = site.replace("port = 1883 }", "port = 1883, keepalive_s = 1800 }")
    chain = make_chain(site=site)
    looks: list[HeapReport] = []
    for look in range(1, 7 * WEEKS * LOOKS_PER_DAY + 1):
        at_ms = chain.start_ms + look * DAY_MS // LOOKS_PER_DAY
        chain.world.run_until(at_ms + HOUR_MS // 2 + MINUTE_MS)
        looks.append(chain.node.heap())
    assert chain.node.boots == 1
    own = [look.live - look.shims for look in looks]
    largest = [
        median(look.largest_free for look in looks[at : at + 7 * LOOKS_PER_DAY])
        for at in range(0, len(looks), 7 * LOOKS_PER_DAY)
    ]
    print(
        f"live {own[LOOKS_PER_DAY - 1]} bytes on the first day, {own[-1]} on the last,"
        f" at most {max(own)}; the shims' share apart: {looks[-1].shims}"
    )
    print(f"largest free block, median of each week: {largest}")
    assert max(own) < LIVE_BYTES_MAX
    assert max(own) - max(own[:LOOKS_PER_DAY]) < GROWTH_BYTES_MAX
    assert all(week > largest[0] - SHRINKAGE_BYTES_MAX for week in largest)
    assert min(look.largest_free for look in looks) > LARGEST_BYTES_MIN


def test_sixty_meters_leave_room_at_their_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = functools.partial(NodeSpec, heap_kb=SIXTY_HEAP_KB)
    monkeypatch.setattr(run, "NodeSpec", narrow)
    season = OneLine(tmp_path / "season", flats=SIXTY, every_s=SIXTY_EVERY_S, days=2)
    try:
        season.world.run_until(season.span.start_ms + DAY_MS // 4)
        boots, console = season.node.boots, season.node.console_tail()
    finally:
        season.close()
    assert boots == 1
    assert "MemoryError" not in console


def test_sixty_meters_every_quarter_of_an_hour_fit(tmp_path: Path) -> None:
    season = OneLine(tmp_path / "season", flats=SIXTY, every_s=SIXTY_EVERY_S, days=2)
    try:
        start_ms = season.span.start_ms
        looks: list[HeapReport] = []
        for quarter in range(1, 5):
            season.world.run_until(start_ms + quarter * DAY_MS // 4 + 7 * MINUTE_MS)
            looks.append(season.node.heap())
        boots, backlog = season.node.boots, season.node.tunnel.stats.backlog
    finally:
        season.close()
    own = [look.live - look.shims for look in looks]
    print(f"live {own}, largest free {[look.largest_free for look in looks]}")
    assert (boots, backlog) == (1, 0)
    assert max(own) < SIXTY_LIVE_BYTES_MAX
    assert max(own) - own[0] < GROWTH_BYTES_MAX
    begin_s, end_s = start_ms // 1000, (start_ms + DAY_MS) // 1000
    with closing(sqlite3.connect(tmp_path / "season" / "data" / "nuan.db")) as database:
        read = database.execute(
            # The 33rd byte of an exchange is its result.
            "select slot, count(*) from entry where kind = 1 and hex(substr(raw, 33, 1)) = '00'"
            f" and time >= {begin_s} and time < {end_s} group by slot"
        ).fetchall()
    assert dict(read) == dict.fromkeys(range(1, SIXTY + 1), DAY_MS // 1000 // SIXTY_EVERY_S)
