"""Nodes and their commands as tables for people and plain values for programs."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from nuan_gateway.store import commands, journals
from nuan_gateway.store.commands import StoredCommand
from nuan_gateway.workspace import Workspace
from nuan_tools.console import table
from nuan_tools.i18n import tr, tr_like
from nuan_tools.node_orders import state_text

_STYLES = {
    commands.DONE: "green",
    commands.REFUSED: "red",
    commands.FAILED: "red",
    commands.EXPIRED: "yellow",
}


@dataclass(frozen=True, slots=True)
class NodeLook:
    """One board of the site, and its last HELLO: the fields of that are None before the first.

    `committed` is the highest number up to which the gateway has everything; instants are UTC ms;
    without a key (`has_key`) in keys.toml a node's messages are refused.
    """

    node: str
    site_version: int
    firmware: str | None
    config_version: int | None
    oldest: int | None
    newest: int | None
    hello_at: int | None
    committed: int | None
    heard_at: int | None
    waiting: int
    has_key: bool


def look(workspace: Workspace) -> list[NodeLook]:
    """All boards of the site, in its order."""
    with workspace.engine.connect() as connection:
        heard = {state.node: state for state in commands.states(connection)}
        waiting = [command.node for command in commands.open_commands(connection)]
        known = {n: journals.seen(connection, n, state.epoch) for n, state in heard.items()}
    keys = workspace.node_keys
    looks: list[NodeLook] = []
    for node in workspace.site.boards:
        state = heard.get(node.id)
        committed, seen_at = known.get(node.id) or (0, 0)
        looks.append(
            NodeLook(
                node.id,
                node.config_version,
                state.firmware if state else None,
                state.config_version if state else None,
                state.oldest if state else None,
                state.newest if state else None,
                state.hello_at if state else None,
                committed if state else None,
                max(seen_at, state.hello_at) if state else None,
                waiting.count(node.id),
                node.id in keys,
            )
        )
    return looks


def nodes_table(nodes: list[NodeLook], zone: ZoneInfo) -> Table:
    """Who runs what, holds which numbers, and was heard when, in the site's time."""
    rows = table()
    rows.add_column(tr("node"), no_wrap=True)
    for name in (tr("firmware"), tr("configuration"), tr("entries")):
        rows.add_column(name, overflow="fold")
    rows.add_column(tr("heard"), no_wrap=True)
    rows.add_column(tr("commands"), justify="right")
    for each in nodes:
        held = "-" if each.committed is None else str(each.committed)
        rows.add_row(
            each.node,
            each.firmware or "-",
            _version(each),
            held,
            _when(each.heard_at, zone) if each.has_key else Text(tr("no key yet"), "yellow"),
            str(each.waiting),
        )
    return rows


def commands_table(found: list[StoredCommand], zone: ZoneInfo) -> Table:
    """What was asked by whom, and what became of it."""
    rows = table()
    rows.add_column(tr("No."), justify="right", no_wrap=True)
    rows.add_column(tr("asked"), no_wrap=True)
    several = len({each.node for each in found}) > 1
    if several:
        rows.add_column(tr("node"), overflow="fold")
    for name in (tr("command"), tr("asked by"), tr("outcome")):
        rows.add_column(name, overflow="fold")
    for each in found:
        rows.add_row(
            str(each.id),
            _when(each.asked_at, zone),
            *([each.node] if several else []),
            tr_like(each.what),
            each.who,
            Text(state_text(each), _STYLES.get(each.state, "")),
        )
    return rows


def plain(command: StoredCommand) -> dict[str, Any]:
    """A command as JSON values; its payload is left out."""
    return {name: value for name, value in asdict(command).items() if name != "payload"}


def _version(each: NodeLook) -> Text:
    if each.config_version is None:
        return Text(f"- ({each.site_version})")
    if each.config_version == each.site_version:
        return Text(str(each.config_version))
    return Text(f"{each.config_version} ({each.site_version})", "yellow")


def _when(instant_ms: int | None, zone: ZoneInfo) -> str:
    if instant_ms is None:
        return tr("never")
    return datetime.fromtimestamp(instant_ms / 1000, UTC).astimezone(zone).strftime("%m-%d %H:%M")
