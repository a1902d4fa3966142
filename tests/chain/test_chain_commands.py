"""Commands from a running gateway to an emulated node: carried out once, bound, answered."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from chain_orders import (
    WHO,
    change_site,
    config_files,
    events,
    latest,
    order,
    outcome,
    push,
    run_minutes,
)
from chain_site import NODE, small_site
from chain_world import MINUTE_MS, Chain, MakeChain, check_nothing_lost

from nuan_gateway.command_queue import CommandError
from nuan_gateway.store import commands
from nuan_protocols.uplink.command import build_command, parse_command
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import TYPE_COMMAND, parse_head
from nuan_protocols.uplink.result import parse_result

SITE = small_site(heat_s=900, room_s=300, flush_s=300)
EVENT_CONFIGURATION = 3
EVENT_OVERRIDE = 11
TRIAL_MINUTES = 10


@pytest.fixture
def chain(make_chain: MakeChain) -> Chain:
    """A chain whose node has been greeted."""
    chain = make_chain(site=SITE)
    chain.world.run_until(chain.start_ms + 20 * MINUTE_MS)
    assert chain.node.tunnel.stats.hellos == 1
    return chain


@pytest.mark.parametrize("mosquitto", [False, True], ids=["own broker", "mosquitto"])
def test_meters_are_read_out_of_their_turn(make_chain: MakeChain, mosquitto: bool) -> None:
    chain = make_chain(site=SITE, mosquitto=mosquitto)
    run_minutes(chain, 20)
    before = len(chain.exchanges())
    number = push(chain, lambda orders: orders.read(NODE, [1, 16]))
    run_minutes(chain, 1)
    done = outcome(chain, number)
    assert (done.state, done.result, done.who) == (commands.DONE, "2 read", WHO)
    run_minutes(chain, 0.1)
    fresh = chain.exchanges()[before:]
    assert {entry.slot for entry in fresh} == {1, 16}
    assert done.sent_at is not None
    assert all(entry.result == 0 and entry.time >= done.sent_at // 1000 for entry in fresh)
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())


class Ear:
    """Keeps the commands that reach the node, and what it tells of them."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.keys = NodeKeys(chain.key)
        self.commands: list[bytes] = []
        self.results: list[tuple[int, int, str]] = []
        tunnel = chain.node.tunnel
        tunnel.hooks = tunnel.hooks._replace(keep_command=self._keep, before_forward=self._note)

    def _keep(self, message: bytes) -> bool:
        self.commands.append(message)
        return True

    def _note(self, message: bytes) -> None:
        if parse_head(message).type == 3:
            told = parse_result(message, self.keys)
            self.results.append((told.counter, told.status, told.text))

    def inject(self, message: bytes) -> None:
        self.chain.node.tunnel.inject(self.chain.world.now_ms, f"nuan/v1/{NODE}/down", message)
        run_minutes(self.chain, 0.1)


def test_a_configuration_is_delivered_tried_and_confirmed(chain: Chain) -> None:
    change_site(chain, ("config_version = 1", "config_version = 2"), ("= 300", "= 60"))
    number = push(chain, lambda orders: orders.config(NODE))
    run_minutes(chain, 10)
    done = outcome(chain, number)
    assert (done.state, done.result) == (commands.DONE, "in use")
    run_minutes(chain, 10)
    assert chain.node.boots == 2
    assert events(chain, EVENT_CONFIGURATION) == [
        "version 1",
        "version 2 on trial",
        "version 2 confirmed",
    ]
    chain.node.kill()
    assert config_files(chain) == {"/config.json": 2}
    check_nothing_lost(chain, chain.flushed())


def test_a_changed_site_is_offered_when_the_gateway_starts_with_it(make_chain: MakeChain) -> None:
    chain = make_chain(site=SITE)
    run_minutes(chain, 20)
    change_site(chain, ("config_version = 1", "config_version = 2"))
    chain.kill_gateway()
    run_minutes(chain, 5)
    chain.start_gateway()
    run_minutes(chain, 40)
    (done,) = latest(chain)
    assert (done.state, done.version, done.who) == (commands.DONE, 2, "gateway")
    chain.node.kill()
    assert config_files(chain) == {"/config.json": 2}


def test_a_configuration_that_leads_nowhere_is_rolled_back_and_says_why(chain: Chain) -> None:
    change_site(chain, ("config_version = 1", "config_version = 2"), ("10.1.0.1", "10.1.0.99"))
    chain.node.tunnel.nowhere = {"10.1.0.99"}
    number = push(chain, lambda orders: orders.config(NODE))
    run_minutes(chain, TRIAL_MINUTES + 15)
    done = outcome(chain, number)
    assert done.state == commands.FAILED
    assert done.result.startswith("trial rolled back: no gateway within 600 s: ")
    assert chain.node.boots == 3
    run_minutes(chain, 15)
    # It isn't offered again.
    assert len(latest(chain)) == 1
    chain.node.kill()
    assert config_files(chain) == {"/config.json": 1}
    check_nothing_lost(chain, chain.flushed())


def test_an_override_holds_until_its_time_is_over(chain: Chain) -> None:
    until = datetime.fromtimestamp(chain.world.now_ms / 1000, UTC) + timedelta(minutes=30)
    number = push(chain, lambda orders: orders.setpoint(NODE, 1, 175, until, "nobody is in"))
    run_minutes(chain, 25)
    assert outcome(chain, number).state == commands.DONE
    run_minutes(chain, 30)
    requested = [
        (entry.time * 1000 < until.timestamp() * 1000, int.from_bytes(entry.raw[28:30], "big"))
        for entry in chain.entries()
        if entry.kind == 3 and entry.time * 1000 >= (outcome(chain, number).sent_at or 0)
    ]
    assert (True, 175) in requested
    assert requested[-1][0] is False
    assert requested[-1][1] > 175
    assert WHO in "".join(events(chain, EVENT_OVERRIDE))
    with pytest.raises(CommandError, match="is over already"):
        order(chain, lambda orders: orders.setpoint(NODE, 1, 175, until, "too late"))


def test_the_journal_is_sent_once_more(chain: Chain) -> None:
    stats = chain.node.tunnel.stats
    before, resent = len(chain.entries()), stats.resent
    number = push(chain, lambda orders: orders.again(NODE, 1))
    run_minutes(chain, 1)
    assert outcome(chain, number).result == "from 1, held from 1"
    assert stats.resent > resent
    assert len(chain.entries()) == before
    run_minutes(chain, 10)
    chain.node.kill()
    check_nothing_lost(chain, chain.flushed())


def test_commands_wait_for_the_end_of_an_outage(make_chain: MakeChain) -> None:
    begin, end = 20 * MINUTE_MS, 140 * MINUTE_MS
    chain = make_chain(site=SITE, outages=((begin, end),))
    run_minutes(chain, 30)
    number = order(chain, lambda orders: orders.read(NODE, [1]))
    expired = order(
        chain,
        lambda orders: orders.setpoint(
            NODE, 1, 180, datetime.fromtimestamp(chain.world.now_ms / 1000 + 3600, UTC), "soon over"
        ),
    )
    run_minutes(chain, 100)
    assert outcome(chain, number).state in (commands.QUEUED, commands.SENT)
    run_minutes(chain, 60)
    assert (outcome(chain, number).state, outcome(chain, number).result) == ("done", "1 read")
    assert outcome(chain, expired).state == commands.EXPIRED
    assert not events(chain, EVENT_OVERRIDE)


def test_replays_duplicates_and_forgeries_do_nothing(chain: Chain) -> None:
    ear = Ear(chain)
    push(chain, lambda orders: orders.again(NODE, 1))
    run_minutes(chain, 1)
    push(chain, lambda orders: orders.again(NODE, 2))
    run_minutes(chain, 1)
    first, second = ear.commands
    done = list(ear.results)
    assert [status for _, status, _ in done] == [0, 0]
    resent = chain.node.tunnel.stats.resent
    # Both once more, and the older after the newer: the last result comes again.
    for message in (second, first, second):
        ear.inject(message)
        assert ear.results[-1] == done[-1]
    assert chain.node.tunnel.stats.resent == resent
    told = len(ear.results)
    good = parse_command(second, ear.keys)
    rng = Random(f"{chain.seed}/forgeries")
    forged = [
        build_command(good._replace(counter=good.counter + 1), NodeKeys(bytes(32))),
        build_command(good._replace(counter=good.counter + 1, nonce=b"earlier!"), ear.keys),
        build_command(good._replace(counter=good.counter + 1, node=b"another!"), ear.keys),
        build_command(good._replace(counter=good.counter + 1, epoch=b"another!"), ear.keys),
    ]
    for _ in range(30):
        changed = bytearray(build_command(good._replace(counter=good.counter + 1), ear.keys))
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        forged.append(bytes(changed))
    for message in forged:
        ear.inject(message)
    assert len(ear.results) == told
    # A replay in the next connection is another connection's command.
    chain.node.tunnel.cut()
    run_minutes(chain, 10)
    ear.inject(second)
    assert len(ear.results) == told
    assert chain.node.boots == 1
    push(chain, lambda orders: orders.time(NODE))
    run_minutes(chain, 1)
    assert len(ear.results) == told + 1


def test_a_lost_command_and_a_lost_result_are_made_good(chain: Chain) -> None:
    tunnel = chain.node.tunnel
    lose = [True]

    def keep(message: bytes) -> bool:
        assert message[1] == TYPE_COMMAND
        return not (lose and lose.pop())

    tunnel.hooks = tunnel.hooks._replace(keep_command=keep)
    number = order(chain, lambda orders: orders.read(NODE, [2]))
    tunnel.expect_command(chain.world.now_ms)
    run_minutes(chain, 20)
    assert (outcome(chain, number).state, outcome(chain, number).result) == ("done", "1 read")
