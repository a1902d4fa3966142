"""Commands from a running gateway to an emulated node: carried out once, bound, answered."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from chain_site import NODE, small_site
from chain_world import HOUR_MS, MINUTE_MS, Chain, MakeChain, check_nothing_lost

from nuan_emulator import flash
from nuan_gateway.command_queue import Orders
from nuan_gateway.store import commands
from nuan_gateway.store.commands import StoredCommand
from nuan_gateway.store.engine import begin_write
from nuan_gateway.workspace import open_workspace
from nuan_protocols.uplink.command import parse_command
from nuan_protocols.uplink.keys import NodeKeys

WHO = "张三"
SITE = small_site(heat_s=900, room_s=300, flush_s=300)
EVENT_CONFIGURATION = 3


def order(chain: Chain, ask: Callable[[Orders], int]) -> int:
    """Queue a command as `nuan node` does; its id."""
    with open_workspace(chain.folder) as workspace, begin_write(workspace.engine) as connection:
        return ask(Orders(connection, workspace.site, WHO, workspace.now_ms()))


def push(chain: Chain, ask: Callable[[Orders], int]) -> int:
    """Queue a command for the node at rest, and let it arrive."""
    number = order(chain, ask)
    chain.node.tunnel.expect_command(chain.world.now_ms)
    return number


def outcome(chain: Chain, number: int) -> StoredCommand:
    """What became of a command so far."""
    with open_workspace(chain.folder) as workspace, workspace.engine.connect() as connection:
        return commands.latest(connection, 1, ids=[number])[0]


def run_minutes(chain: Chain, minutes: float) -> None:
    chain.world.run_until(chain.world.now_ms + round(minutes * MINUTE_MS))


def change_site(chain: Chain, *changes: tuple[str, str]) -> None:
    path = chain.folder / "site.toml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def events(chain: Chain, code: int) -> list[str]:
    """The texts of the node's events with this code, as the gateway has them."""
    return [e.raw[28:].decode() for e in chain.entries() if e.kind == 2 and e.raw[27] == code]


@pytest.fixture
def chain(make_chain: MakeChain) -> Chain:
    """A chain whose node has been greeted."""
    chain = make_chain(site=SITE)
    chain.world.run_until(chain.start_ms + 20 * MINUTE_MS)
    assert chain.node.tunnel.stats.hellos == 1
    return chain


def test_meters_are_read_out_of_their_turn(chain: Chain) -> None:
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


def test_a_configuration_is_delivered_tried_and_confirmed(chain: Chain) -> None:
    change_site(
        chain, ("config_version = 1", "config_version = 2"), ("every_s = 300", "every_s = 60")
    )
    number = push(chain, lambda orders: orders.config(NODE))
    run_minutes(chain, 10)
    done = outcome(chain, number)
    print(done.state, done.result, events(chain, EVENT_CONFIGURATION), chain.node.console_tail())
    assert (done.state, done.result) == (commands.DONE, "in use")
    run_minutes(chain, 10)
    assert chain.node.boots == 2
    assert events(chain, EVENT_CONFIGURATION) == [
        "version 1",
        "version 2 on trial",
        "version 2 confirmed",
    ]
    chain.node.kill()
    files = flash.read_files(chain.vm, chain.node.stage, chain.node.spec.image)
    assert sorted(p for p in files if "config" in p) == ["/config.json"]
    check_nothing_lost(chain, chain.flushed())
