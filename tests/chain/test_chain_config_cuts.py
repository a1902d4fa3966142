"""The power goes at a flash operation of a change of configuration: old or new, never between.

Six cuts drawn by the seed; with HYPOTHESIS_PROFILE=nightly every one there is.
"""

import os
from random import Random

from chain_orders import change_site, config_files, latest, order, outcome, run_minutes
from chain_site import NODE, small_site
from chain_world import Chain, MakeChain, check_nothing_lost

from nuan_emulator.flash_journal import FlashEntry
from nuan_gateway.store import commands

SITE = small_site(heat_s=900, room_s=900, flush_s=900)
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
CUTS = 6
SECOND = 1 / 60
STEPS_MAX = 900


class Changing:
    """A chain whose configuration is changed over and over."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.version = 1
        self.on_flash: list[FlashEntry] = []

    def begin(self) -> int:
        """Raise the version, and let the first command reach the node."""
        old, self.version = self.version, self.version + 1
        change_site(self.chain, (f"config_version = {old}", f"config_version = {self.version}"))
        number = order(self.chain, lambda orders: orders.config(NODE))
        self.chain.node.tunnel.expect_command(self.chain.world.now_ms)
        return number

    def until_restarted(self) -> None:
        """Up to the boot on trial, or the power cut before it."""
        node = self.chain.node
        boots = node.boots
        for _ in range(STEPS_MAX):
            if node.boots != boots or not node.running:
                return
            run_minutes(self.chain, SECOND)
        raise AssertionError("neither restarted nor cut")

    def look(self) -> set[int]:
        """The versions on the flash of the node that is off; each file is whole."""
        files = config_files(self.chain)
        versions = {files["/config.json"]}
        assert versions <= {self.version - 1, self.version}
        if "/config.trial" in files:
            assert files["/config.trial"] == self.version
            versions.add(self.version)
        self.on_flash += self.chain.flushed()
        return versions

    def finish(self, number: int) -> None:
        """With power again the change comes to its end."""
        chain = self.chain
        if not chain.node.running:
            chain.node.restart()
        for _ in range(60):
            run_minutes(chain, 1)
            if outcome(chain, number).state == commands.DONE:
                break
        assert (outcome(chain, number).state, outcome(chain, number).result) == ("done", "in use")
        # A world calls more than twenty restarts an hour a crash loop.
        run_minutes(chain, 6)


def test_a_power_cut_in_a_change_of_configuration(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE)
    run_minutes(chain, 20)
    changing = Changing(chain)
    number = changing.begin()
    changing.finish(number)
    seen: set[tuple[int, ...]] = set()
    cuts = 0
    points = [(phase, n) for phase in ("transfer", "trial") for n in range(1, 80)]
    if not NIGHTLY:
        rng = Random(f"{chain.seed}/cuts")
        points = [("transfer", rng.randrange(2, 30)) for _ in range(CUTS // 2)]
        points += [("trial", rng.randrange(2, 20)) for _ in range(CUTS // 2)]
    outlived: set[str] = set()
    for phase, operations in points:
        if NIGHTLY and phase in outlived:
            continue
        if phase == "transfer":
            chain.node.power_cut(operations)
        number = changing.begin()
        changing.until_restarted()
        if phase == "trial" and chain.node.running:
            chain.node.power_cut(operations)
            run_minutes(chain, 2)
        if chain.node.running:
            outlived.add(phase)
            chain.node.kill()
        cuts += 1
        versions = changing.look()
        seen.add(tuple(version - changing.version for version in sorted(versions)))
        changing.finish(number)
    print(f"{cuts} cuts; versions found against the new one: {sorted(seen)}")
    if NIGHTLY:
        assert outlived == {"transfer", "trial"}
        assert seen == {(-1,), (-1, 0), (0,)}
    chain.node.kill()
    assert config_files(chain) == {"/config.json": changing.version}
    check_nothing_lost(chain, changing.on_flash + chain.flushed())
    assert all(each.state == commands.DONE for each in latest(chain))
