"""Kill -9 of gateway, broker and node at seeded instants: nothing flushed is lost or doubled."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
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
)

from nuan_emulator.flash_journal import FlashEntry

KILLS = 10
SPAN_MS = 24 * HOUR_MS
# Without deaths the last flush is at most one period back.
UNFLUSHED_MS = 20 * MINUTE_MS
SITE = small_site(heat_s=900, room_s=300, flush_s=300)


# One more entry behind the last, with the content of an exchange that is there already.
DOUBLE = """
INSERT INTO entry SELECT (SELECT max(id) + 1 FROM entry), node, epoch,
(SELECT max(seq) + 1 FROM entry), kind, time, clock, slot, raw, digest, received_at
FROM entry WHERE kind = 1 AND clock > 0 LIMIT 1"""


class Assassin:
    """Kills at ten seeded uplink messages, some real microseconds after each went out.

    The victim is brought back by revive() a few virtual minutes later.
    """

    def __init__(self, chain: Chain, kill: Callable[[], None], revive: Callable[[], None]) -> None:
        self._chain = chain
        self._kill = kill
        self._revive = revive
        self._rng = Random(f"{chain.seed}/kills")
        self._wait = self._rng.randint(3, 12)
        self._back_ms = 0
        self.kills = 0
        self._timer: threading.Timer | None = None
        chain.node.tunnel.hooks = chain.node.tunnel.hooks._replace(before_forward=self._message)

    def _message(self, _payload: bytes) -> None:
        if self.kills >= KILLS or self._back_ms:
            return
        self._wait -= 1
        if self._wait:
            return
        self._wait = self._rng.randint(3, 12)
        self.kills += 1
        self._back_ms = self._chain.world.now_ms + self._rng.randint(1, 30) * MINUTE_MS
        # Receiving, committing and answering take a few milliseconds: hit all of them.
        self._timer = threading.Timer(self._rng.uniform(0, 0.008), self._kill)
        self._timer.start()

    def tick(self, now_ms: int) -> None:
        """Called each virtual minute."""
        if self._back_ms and now_ms >= self._back_ms:
            assert self._timer
            self._timer.join()
            self._back_ms = 0
            self._revive()


@pytest.mark.parametrize("mosquitto", [False, True], ids=["embedded", "mosquitto"])
def test_a_gateway_killed_ten_times_has_everything_once(
    make_chain: MakeChain, mosquitto: bool
) -> None:
    chain = make_chain(site=SITE, mosquitto=mosquitto)
    assassin = Assassin(chain, chain.kill_gateway, chain.start_gateway)
    end_ms = chain.start_ms + SPAN_MS
    chain.world.run_until(end_ms, assassin.tick, MINUTE_MS)
    assert assassin.kills == KILLS
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    check_devices(chain, end_ms - UNFLUSHED_MS, every=True)


def test_a_mosquitto_killed_ten_times_loses_nothing(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE, mosquitto=True)
    broker = chain.mosquitto
    assert broker

    def revive() -> None:
        before = broker.subscriptions()
        broker.start()
        broker.await_subscription(before + 1)
        chain.node.tunnel.expect()

    def kill() -> None:
        broker.kill()
        chain.node.tunnel.forgive()

    assassin = Assassin(chain, kill, revive)
    end_ms = chain.start_ms + SPAN_MS
    chain.world.run_until(end_ms, assassin.tick, MINUTE_MS)
    assert assassin.kills == KILLS
    assert broker.starts == KILLS + 1
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())
    check_devices(chain, end_ms - UNFLUSHED_MS, every=True)


def test_a_node_killed_ten_times_loses_nothing_that_was_flushed(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE)
    node, world = chain.node, chain.world
    rng = Random(f"{chain.seed}/kills")
    on_flash: list[FlashEntry] = []
    deaths: list[int] = []

    def die(operations: int) -> None:
        # Half of the deaths are plain, half in the middle of a flash operation soon after.
        if operations:
            node.power_cut(operations)
        else:
            node.kill()

    def revive() -> None:
        if node.running:
            node.kill()
        deaths.append(world.now_ms)
        on_flash.extend(chain.flushed())
        node.restart()

    for count in range(KILLS):
        at_ms = chain.start_ms + (2 * count + 1) * HOUR_MS + rng.randrange(HOUR_MS)
        operations = rng.randint(1, 30) if count % 2 else 0
        world.at(at_ms, lambda operations=operations: die(operations))
        world.at(at_ms + rng.randint(10, 40) * MINUTE_MS, revive)
    end_ms = chain.start_ms + SPAN_MS
    world.run_until(end_ms)
    assert len(deaths) == KILLS
    assert node.boots == KILLS + 1
    node.kill()
    check_nothing_lost(chain, on_flash + chain.flushed())
    check_devices(chain, end_ms, every=False)


def test_an_undisturbed_chain_delivers_what_its_devices_said(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE)
    end_ms = chain.start_ms + 6 * HOUR_MS
    chain.world.run_until(end_ms)
    chain.node.kill()
    flushed = chain.flushed()
    assert len(flushed) > 6 * (3 * 4 + 12) - 40
    check_nothing_lost(chain, flushed)
    check_devices(chain, end_ms - UNFLUSHED_MS, every=True)


@pytest.mark.parametrize(
    ("damage", "noticed"),
    [
        ("DELETE FROM entry WHERE seq = 40", "never stored"),
        ("UPDATE entry SET raw = substr(raw, 1, 30) WHERE seq = 40", "other bytes"),
        (DOUBLE, "under two numbers"),
    ],
    ids=["lost", "changed", "doubled"],
)
def test_the_checks_notice_what_they_are_for(
    make_chain: MakeChain, damage: str, noticed: str
) -> None:
    chain = make_chain(site=SITE)
    chain.world.run_until(chain.start_ms + 3 * HOUR_MS)
    chain.node.kill()
    chain.kill_gateway()
    flushed = chain.flushed()
    check_nothing_lost(chain, flushed)
    with closing(sqlite3.connect(chain.folder / "data" / "nuan.db")) as database:
        database.execute("DELETE FROM reading")
        assert database.execute(damage).rowcount == 1
        database.execute(
            "UPDATE journal SET cumulative = seq, highest = seq FROM"
            " (SELECT max(seq) AS seq FROM entry)"
        )
        database.commit()
    with pytest.raises(AssertionError, match=noticed):
        check_nothing_lost(chain, flushed)
