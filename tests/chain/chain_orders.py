"""Commands for the node of a chain, as `nuan node` queues them, and what became of them."""

import json
from collections.abc import Callable

from chain_world import MINUTE_MS, Chain

from nuan_emulator import flash
from nuan_gateway.command_queue import Orders
from nuan_gateway.store import commands
from nuan_gateway.store.commands import StoredCommand
from nuan_gateway.store.engine import begin_write
from nuan_gateway.workspace import open_workspace

WHO = "张三"


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


def latest(chain: Chain) -> list[StoredCommand]:
    """All commands so far, the newest first."""
    with open_workspace(chain.folder) as workspace, workspace.engine.connect() as connection:
        return commands.latest(connection, 100)


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


def config_files(chain: Chain) -> dict[str, int]:
    """Version by name of the configuration files on the flash of a node that is off; -1 for what
    isn't to be read as one."""
    files = flash.read_files(chain.vm, chain.node.stage, chain.node.spec.image)
    found = {path: data for path, data in files.items() if path.startswith("/config.")}
    whole = ("/config.json", "/config.trial")
    return {p: json.loads(data)["version"] if p in whole else -1 for p, data in found.items()}
