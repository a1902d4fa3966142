"""A virtual month without a reboot: the node's heap neither grows nor breaks into pieces."""

import re
from statistics import median

import pytest
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS, MakeChain

from nuan_emulator.node_spec import HeapReport
from nuan_tools.season.sample import sample_site

WEEKS = 4
LIVE_BYTES_MAX = 64 * 1024
GROWTH_BYTES_MAX = 2 * 1024
# Where the garbage lies at the instant of a look moves the largest block by a few hundred bytes.
LOOKS_PER_DAY = 4
SHRINKAGE_BYTES_MAX = 1024
LARGEST_BYTES_MIN = 2048


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
