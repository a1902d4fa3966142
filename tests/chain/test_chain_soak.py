"""A virtual month of faults and power cuts: every flushed entry reaches the gateway once.

Eight days with 60 cuts in CI; thirty days with 200 cuts on three seeds at night.
"""

import os
import re
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from chain_cuts import check_cuts
from chain_soak import CYCLE_MS, READINGS_PER_CYCLE, Soak
from chain_world import MakeChain, check_devices, check_numbers

from nuan_protocols.uplink.body import EVENT_PANIC, EVENT_SAFE_MODE

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DAYS, CUTS = (30, 200) if NIGHTLY else (8, 60)
SEEDS = (1, 2, 3) if NIGHTLY else (1,)
# Every gateway has a key of its own to sign days with.
SIGNED = re.compile(r"INSERT INTO \"(root\"|outbox\" VALUES\(\d+,'root-)")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", SEEDS)
def test_a_month_of_faults_and_power_cuts_loses_nothing_flushed(
    make_chain: MakeChain, seed: int, number: int
) -> None:
    soak = Soak(make_chain, seed + number - 1, DAYS, CUTS)
    soak.run()
    report(soak)
    check_stored(soak)
    assert len(soak.ledger.cuts) == CUTS == soak.chain.node.boots - 1
    assert sum(cut.in_flash_operation for cut in soak.ledger.cuts) > CUTS // 4
    check_cuts(soak.ledger.cuts, CYCLE_MS, READINGS_PER_CYCLE)


def report(soak: Soak) -> None:
    cuts, stats = soak.ledger.cuts, soak.chain.node.tunnel.stats
    stored = soak.chain.entries()
    tombstones = soak.chain.query("SELECT count(*), sum(last - first + 1) FROM tombstone")
    print(
        f"{len(cuts)} cuts, {sum(cut.in_flash_operation for cut in cuts)} of them in a flash"
        f" operation; {len(stored)} entries, {len(soak.ledger.entries)} seen on the flash,"
        f" {stats.resent} batches sent again, tombstones and numbers in them {tombstones}"
    )
    costs = Counter(len(cut.unflushed) for cut in cuts)
    print(f"cuts by readings they cost: {dict(sorted(costs.items()))}; {soak.happened}")


def check_stored(soak: Soak) -> None:
    """What was ever on the flash is stored once, byte for byte, in one unbroken journal."""
    chain = soak.chain
    stored = chain.entries()
    by_number = {(entry.epoch, entry.seq): entry.raw for entry in stored}
    assert len(by_number) == len(stored)
    assert len({entry.epoch for entry in stored}) == 1
    missing = [key[1] for key in soak.ledger.entries if key not in by_number]
    assert not missing, f"flushed and never stored: {missing[:20]}"
    changed = [key[1] for key, raw in soak.ledger.entries.items() if by_number[key] != raw]
    assert not changed, f"stored with other bytes: {changed[:20]}"
    check_numbers(chain, stored)
    check_devices(chain, chain.world.now_ms, every=False)
    assert chain.query("SELECT count(*) FROM conflict") == [(0,)]
    codes = Counter(entry.raw[27] for entry in stored if entry.kind == 2)
    print(f"events by code: {dict(sorted(codes.items()))}")
    assert not codes[EVENT_PANIC]
    assert not codes[EVENT_SAFE_MODE]


def test_two_runs_of_one_seed_are_equal(make_chain: MakeChain, seed: int) -> None:
    runs: list[tuple[str, list[str]]] = []
    for _ in range(2):
        # A broker of its own would keep what comes while the gateway is dead, and give it out in
        # real time.
        soak = Soak(make_chain, seed, 2, 10, mosquitto=False)
        soak.run()
        soak.chain.close()
        with closing(sqlite3.connect(soak.chain.folder / "data" / "nuan.db")) as database:
            rows = [row for row in database.iterdump() if not SIGNED.match(row)]
        runs.append((soak.chain.node.traffic_digest(), rows))
    first, second = runs
    differences = [pair for pair in zip(first[1], second[1], strict=False) if pair[0] != pair[1]]
    assert not differences, differences[:3]
    assert first == second
    assert len(first[1]) > 1000
