"""A node without a link for a virtual week: everything arrives, in order, with original times."""

from itertools import pairwise

from chain_site import NODE
from chain_world import DAY_MS, HOUR_MS, MINUTE_MS, MakeChain, check_devices, check_nothing_lost

from nuan_emulator import flash
from nuan_tools.season.sample import sample_site

CUT_OFF_MS = 6 * HOUR_MS
BACK_MS = CUT_OFF_MS + 7 * DAY_MS
DRAINED_MS = BACK_MS + HOUR_MS
# Told four to eight days ago (docs/wire.md).
CLOCK_COASTING_4_DAYS = 5
# A pass over both lines takes a quarter of a minute; a clock that coasts may wander.
LATE_S_MAX = 60


def test_a_week_without_a_link_arrives_whole_and_in_order(make_chain: MakeChain) -> None:
    assert flash.BLOCKS * flash.BLOCK_BYTES == 960 * 1024
    chain = make_chain(site=sample_site(9), outages=((CUT_OFF_MS, BACK_MS),))
    world, stats = chain.world, chain.node.tunnel.stats
    world.run_until(chain.start_ms + BACK_MS - MINUTE_MS)
    before = len(chain.entries())
    world.run_until(chain.start_ms + DRAINED_MS)
    print(f"{before} entries before the link came back, {len(chain.entries())} an hour later")
    assert stats.backlog == 0
    chain.node.kill()
    flushed = chain.flushed()
    assert len({entry.epoch for entry in flushed}) == 1
    check_nothing_lost(chain, flushed)
    check_devices(chain, chain.start_ms + DRAINED_MS - 20 * MINUTE_MS, every=True)

    exchanges = [entry for entry in chain.exchanges() if entry.clock]
    assert all(a.time <= b.time + 1 for a, b in pairwise(exchanges)), "out of order"
    cut_s, back_s = (chain.start_ms + at for at in (CUT_OFF_MS, BACK_MS))
    kept = [e for e in exchanges if cut_s + HOUR_MS < e.time * 1000 < back_s - HOUR_MS]
    assert min(entry.received_ms for entry in kept) >= back_s
    assert kept[-1].clock == CLOCK_COASTING_4_DAYS
    for meter in chain.site.meters_of(NODE):
        # Modbus asks for a meter's registers in parts; M-Bus asks with one bit changing.
        own = [entry for entry in kept if entry.slot == meter.slot]
        parts = {entry.exchange[0] if meter.bus == "rs485" else b"" for entry in own}
        for part in parts:
            times = [entry.time for entry in own if entry.exchange[0] == part or not part]
            turns = [time // meter.every_s for time in times]
            assert turns == list(range(turns[0], turns[-1] + 1)), f"slot {meter.slot}: a hole"
            assert len(turns) >= (BACK_MS - CUT_OFF_MS - 3 * HOUR_MS) // 1000 // meter.every_s
            assert max(time % meter.every_s for time in times) <= LATE_S_MAX
