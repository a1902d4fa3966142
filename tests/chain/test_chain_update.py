"""An update from the gateway to a node at work: over the air, through a power cut, to its proof."""

import shutil
from collections.abc import Callable
from pathlib import Path

from chain_site import NODE, small_site
from chain_world import MINUTE_MS, Chain, MakeChain, check_nothing_lost

from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.firmware_image import Label, app_bundle
from nuan_gateway.command_queue import Orders
from nuan_gateway.store import commands
from nuan_gateway.store.engine import begin_write
from nuan_gateway.workspace import open_workspace
from nuan_protocols.uplink.body import EVENT_UPDATE

SITE = small_site(heat_s=900, room_s=300, flush_s=300)
LABEL = Label("9.9", 7)
SECOND_MS = 1000
# What a node at work must have left while the update comes in, in bytes.
FREE_MIN = 6144


def bundle(folder: Path) -> bytes:
    """This firmware, and a file that it hasn't."""
    lib = folder / "lib"
    shutil.copytree(stage_board(checkout_sources()) / "lib", lib)
    (lib / "note").write_text("new")
    return app_bundle(lib, LABEL)


def push(chain: Chain, ask: Callable[[Orders], int]) -> int:
    """Queue a command as `nuan node` does; its id."""
    with open_workspace(chain.folder) as workspace, begin_write(workspace.engine) as connection:
        number = ask(Orders(connection, workspace.site, "张三", workspace.now_ms()))
    chain.node.tunnel.expect_command(chain.world.now_ms)
    return number


def state(chain: Chain, number: int) -> tuple[str, str | None]:
    with open_workspace(chain.folder) as workspace, workspace.engine.connect() as connection:
        found = commands.latest(connection, 1, ids=[number])[0]
    return found.state, found.result


def told(chain: Chain) -> list[str]:
    """The texts of the node's events about updates, as the gateway has them."""
    entries = [e.raw for e in chain.entries() if e.kind == 2]
    return [raw[28:].decode() for raw in entries if raw[27] == EVENT_UPDATE]


def test_a_node_at_work_is_updated_over_the_air(make_chain: MakeChain, tmp_path: Path) -> None:
    chain = make_chain(site=SITE)
    world, node = chain.world, chain.node
    world.run_until(chain.start_ms + 20 * MINUTE_MS)
    before = node.heap()
    data = bundle(tmp_path)
    number = push(chain, lambda orders: orders.update(NODE, data, "x.nuf"))
    # Some 70 KB have come by then.
    node.power_cut(170)
    world.run_until(world.now_ms + 2 * MINUTE_MS)
    assert node.power_lost_at_ms is not None
    node.restart()
    frees: list[int] = []
    while not node.resets and len(frees) < 600:
        world.run_until(world.now_ms + SECOND_MS)
        frees.append(node.heap().free)
    assert len(node.resets) == 1
    assert min(frees) >= FREE_MIN
    world.run_until(world.now_ms + 25 * MINUTE_MS)
    assert state(chain, number)[0] == commands.DONE
    assert told(chain) == [
        "9.9 (build 7) is tried at the next start",
        "confirmed 9.9 (build 7)",
    ]
    # What the update needed is given back.
    assert node.heap().live <= before.live + 1024
    node.kill()
    check_nothing_lost(chain, chain.flushed())
