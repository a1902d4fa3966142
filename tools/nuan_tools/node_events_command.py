"""`nuan node events`: what nodes have told of themselves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.table import Table

    from nuan_gateway.node_events import NodeEvent

COUNT = 40


def register(group: App) -> None:
    """Adds the command to `nuan node`."""

    @group.command("events", help=tr("List what nodes have told: boots, faults, updates and more."))
    def events(
        node: Annotated[str, typer.Argument(metavar="NODE", help=tr("Only of this node."))] = "",
        count: Annotated[int, typer.Option(min=1, max=10_000, help=tr("How many."))] = COUNT,
        gateway: Annotated[
            Path,
            typer.Option("--gateway", "-g", help=tr("The gateway's folder, or its settings file.")),
        ] = Path(),
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        _events(node, count, gateway, as_json=as_json)


def _events(node: str, count: int, folder: Path, *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from nuan_gateway.node_events import latest_events
    from nuan_gateway.workspace import open_workspace
    from nuan_tools import node_orders
    from nuan_tools.console import out

    with open_workspace(folder) as workspace:
        one = node_orders.resolve(node, workspace.site) if node else None
        found = latest_events(workspace.engine, count, one)
        if as_json:
            listed = [asdict(each) for each in found]
            typer.echo(json.dumps({"events": listed}, ensure_ascii=False))
            return
        out().print(_table(found, workspace.site.time_zone, several=one is None))


def _table(found: list[NodeEvent], zone: ZoneInfo, *, several: bool) -> Table:
    from nuan_tools.console import table

    listed = table()
    if several:
        listed.add_column(tr("node"))
    listed.add_column(tr("time"), no_wrap=True)
    listed.add_column(tr("event"), no_wrap=True)
    listed.add_column("", overflow="fold")
    for each in found:
        when = "?"
        if each.time_s is not None:
            when = datetime.fromtimestamp(each.time_s, zone).strftime("%m-%d %H:%M:%S")
        cells = [when, tr(each.name), each.text]
        # The end of an id tells nodes apart, and leaves room for what they say.
        listed.add_row(*([each.node[-4:], *cells] if several else cells))
    return listed
