"""The worst instants, forced: inside a transaction, between commit and answer, inside a roll."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from chain_site import small_site
from chain_world import (
    HOUR_MS,
    MINUTE_MS,
    Chain,
    MakeChain,
    check_devices,
    check_nothing_lost,
    python,
)

from nuan_emulator import flash
from nuan_emulator.flash_journal import FlashEntry
from nuan_tools.season.processes import Process

SITE = small_site(heat_s=300, room_s=300, flush_s=300)
# From power-on to the end of the first flush that follows a roll.
ROLL_OPERATIONS = 18
UNFLUSHED_MS = 15 * MINUTE_MS


def dying(moment: str, count: int) -> Callable[[Path], Process]:
    """A gateway that dies at its count-th transaction, before or after COMMIT."""

    def start(folder: Path) -> Process:
        command = python("gateway_that_dies.py", str(folder / "gateway.toml"), moment, str(count))
        process = Process("gateway", command, folder / "gateway.log")
        process.await_json(folder / "data" / "gateway.json")
        return process

    return start


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_gateway_that_dies_around_its_commits_stores_everything_once(
    make_chain: MakeChain, moment: str
) -> None:
    # 1 is the transaction of a HELLO, the others bring batches.
    deaths = [1, 2, 3, 5]
    chain = make_chain(site=SITE, gateway=dying(moment, deaths.pop(0)))
    happened = 0
    stored: list[int] = []

    def tick(_now_ms: int) -> None:
        nonlocal happened
        assert chain.gateway
        if not chain.gateway.alive():
            happened += 1
            stored.append(len(chain.entries()))
            if deaths:
                chain.start_gateway(dying(moment, deaths.pop(0)))
            else:
                chain.start_gateway()

    end_ms = chain.start_ms + 4 * HOUR_MS
    chain.world.run_until(end_ms, tick, MINUTE_MS)
    print(f"{happened} deaths {moment} COMMIT, entries stored at each: {stored}")
    assert happened == 4
    # A transaction that is not committed leaves nothing behind.
    assert (stored[1] == 0) == (moment == "before")
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    check_devices(chain, end_ms - UNFLUSHED_MS, every=True)


def test_acknowledgements_lost_on_their_way_cost_repetitions_only(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE)
    rng = Random(f"{chain.seed}/lost answers")
    lost = 0

    def keep(_ack: bytes) -> bool:
        nonlocal lost
        is_kept = rng.random() > 0.3
        lost += not is_kept
        return is_kept

    chain.node.tunnel.hooks = chain.node.tunnel.hooks._replace(keep_acknowledgement=keep)
    end_ms = chain.start_ms + 24 * HOUR_MS
    chain.world.run_until(end_ms)
    stats = chain.node.tunnel.stats
    print(f"{lost} answers lost, {stats.resent} of {stats.batches} batches sent again")
    assert lost > 50
    assert stats.resent > 10
    chain.node.tunnel.hooks = chain.node.tunnel.hooks._replace(keep_acknowledgement=None)
    chain.world.run_until(end_ms + HOUR_MS)
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    check_devices(chain, end_ms - UNFLUSHED_MS, every=True)


def test_a_power_cut_at_every_flash_operation_of_a_roll_loses_nothing_flushed(
    make_chain: MakeChain,
) -> None:
    """Each boot finds a torn tail, begins a new segment, and dies one operation later."""
    chain = make_chain(site=small_site(heat_s=60, room_s=60, flush_s=60, segment_bytes=4096))
    node, world = chain.node, chain.world
    world.run_until(chain.start_ms + 20 * MINUTE_MS)
    on_flash: list[FlashEntry] = []
    begun: list[int] = []
    survived = 0
    for operations in range(1, ROLL_OPERATIONS + 1):
        node.kill()
        found = chain.flushed()
        on_flash += found
        _tear(chain)
        node.restart()
        node.power_cut(operations)
        world.run_until(world.now_ms + 3 * MINUTE_MS)
        survived += node.running
        node.kill()
        known = {entry.segment for entry in found}
        if {entry.segment for entry in chain.flushed()} > known:
            begun.append(operations)
    print(f"{survived} outlived their cut; the new segment was whole after cuts at {begun}")
    # Cuts fell before the roll, in the middle of it, and behind it.
    assert survived <= 2
    assert begun
    assert 3 < begun[0] < ROLL_OPERATIONS - 3
    node.restart()
    world.run_until(world.now_ms + 30 * MINUTE_MS)
    node.kill()
    check_nothing_lost(chain, on_flash + chain.flushed())
    check_devices(chain, world.now_ms, every=False)


def _tear(chain: Chain) -> None:
    """Leave half a block at the end of the newest segment, as a cut in mid-write does."""
    node = chain.node
    files = flash.read_files(chain.vm, node.stage, node.spec.image)
    newest = max(path for path in files if path.endswith(".seg"))
    torn = files[newest] + bytes.fromhex("0100deadbeef0000")
    flash.write_files(chain.vm, node.stage, node.spec.image, {newest: torn})
