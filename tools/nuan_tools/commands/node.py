"""`nuan node`: what nodes say of themselves, and commands for them, through a running gateway."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools import node_events_command
from nuan_tools.app import App
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_gateway.command_queue import Orders

ORDER = 21
LOG_COUNT = 20

Node = Annotated[str, typer.Argument(metavar="NODE", help=tr("Its id, or a part of it."))]
Folder = Annotated[
    Path,
    typer.Option("--gateway", "-g", help=tr("The gateway's folder, or its settings file.")),
]
Who = Annotated[str, typer.Option("--who", help=tr("Who asks; otherwise who is logged in."))]
Wait = Annotated[bool, typer.Option("--wait", help=tr("Wait until the node has done it."))]
AsJson = Annotated[bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))]
HERE = Path()


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("node", help=tr("Look at nodes, and command them through their gateway."))
    _register_looks(group)
    node_events_command.register(group)
    _register_transfers(group)
    _register_orders(group)


def _register_looks(group: App) -> None:
    @group.command("list", help=tr("List the nodes: what they run, and when they were heard."))
    def list_nodes(gateway: Folder = HERE, as_json: AsJson = False) -> None:
        _list(gateway, as_json=as_json)

    @group.command("log", help=tr("List the latest commands and what became of them."))
    def log(
        node: Annotated[str, typer.Argument(metavar="NODE", help=tr("Only of this node."))] = "",
        count: Annotated[int, typer.Option(min=1, max=1000, help=tr("How many."))] = LOG_COUNT,
        gateway: Folder = HERE,
        as_json: AsJson = False,
    ) -> None:
        _log(gateway, node, count, as_json=as_json)


def _register_transfers(group: App) -> None:
    @group.command(
        "config", help=tr("Give a node the site's configuration; it goes back if that fails.")
    )
    def config(node: Node, gateway: Folder = HERE, who: Who = "", wait: Wait = False) -> None:
        _order(gateway, node, who, lambda orders, each: orders.config(each), wait=wait)

    @group.command("update", help=tr("Give a node a new build of nuan, or of MicroPython."))
    def update(
        node: Node,
        bundle: Annotated[
            Path, typer.Argument(exists=True, dir_okay=False, help=tr("The bundle's file."))
        ],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        from nuan_protocols.bundle import IMAGE
        from nuan_tools.firmware.inspect import inspect_bundle

        # What no node would take need not travel; whose signature it is, the node judges.
        found = inspect_bundle(bundle, [])

        def ask(orders: Orders, each: str) -> int:
            return orders.update(each, found.data, bundle.name, image=found.head.kind == IMAGE)

        _order(gateway, node, who, ask, wait=wait)

    @group.command("rotate", help=tr("Give a node another update key or authority for TLS."))
    def rotate(
        node: Node,
        document: Annotated[
            Path,
            typer.Argument(
                exists=True,
                dir_okay=False,
                help=tr("The document that `nuan firmware rotate` or `rotate-ca` has made."),
            ),
        ],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        content = document.read_bytes()

        def ask(orders: Orders, each: str) -> int:
            return orders.rotate(each, content, document.name)

        _order(gateway, node, who, ask, wait=wait)


def _register_orders(group: App) -> None:
    @group.command("read", help=tr("Have meters read now, out of their turn."))
    def read(
        node: Node,
        slot: Annotated[list[int], typer.Option(help=tr("A meter's slot; may be repeated."))],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        _order(gateway, node, who, lambda orders, each: orders.read(each, slot), wait=wait)

    @group.command("setpoint", help=tr("Override a zone's setting for a while."))
    def setpoint(
        node: Node,
        zone: Annotated[int, typer.Argument(min=1, max=255, help=tr("The zone's number."))],
        degrees: Annotated[str, typer.Argument(help=tr("Degrees Celsius, such as 19.5; or off."))],
        until: Annotated[
            str,
            typer.Option(help=tr("Until when, in the site's time: 2026-11-21T18:00, or 18:00.")),
        ],
        why: Annotated[str, typer.Option(help=tr("Why; it is kept with who."))],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        from nuan_tools.node_orders import instant, tenths

        value = tenths(degrees)

        def ask(orders: Orders, each: str) -> int:
            return orders.setpoint(
                each, zone, value, instant(until, orders.site, orders.now_ms), why
            )

        _order(gateway, node, who, ask, wait=wait)

    @group.command("end-override", help=tr("End a zone's override now."))
    def end_override(
        node: Node,
        zone: Annotated[int, typer.Argument(min=1, max=255, help=tr("The zone's number."))],
        why: Annotated[str, typer.Option(help=tr("Why; it is kept with who."))],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        def ask(orders: Orders, each: str) -> int:
            return orders.setpoint(each, zone, 0, None, why)

        _order(gateway, node, who, ask, wait=wait)

    @group.command("resend", help=tr("Have a node send its journal once more."))
    def resend(
        node: Node,
        first: Annotated[
            int, typer.Option("--from", metavar="SEQ", min=1, help=tr("From this number on."))
        ],
        gateway: Folder = HERE,
        who: Who = "",
        wait: Wait = False,
    ) -> None:
        _order(gateway, node, who, lambda orders, each: orders.again(each, first), wait=wait)

    @group.command("time", help=tr("Set a node's clock by the gateway's."))
    def time(node: Node, gateway: Folder = HERE, who: Who = "", wait: Wait = False) -> None:
        _order(gateway, node, who, lambda orders, each: orders.time(each), wait=wait)


def _order(
    folder: Path, node: str, who: str, ask: Callable[[Orders, str], int], *, wait: bool
) -> None:
    from nuan_gateway.command_queue import Orders
    from nuan_gateway.store.engine import begin_write
    from nuan_gateway.workspace import open_workspace
    from nuan_tools import node_orders

    with open_workspace(folder) as workspace:
        found = node_orders.resolve(node, workspace.site)
        with begin_write(workspace.engine) as connection:
            asked_by = who or node_orders.user()
            orders = Orders(connection, workspace.site, asked_by, workspace.now_ms())
            number = ask(orders, found)
        typer.echo(tr("Queued for node {node}, as number {number}.", node=found, number=number))
        if wait:
            node_orders.wait_for(workspace.engine, number)


def _list(folder: Path, *, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from nuan_gateway.workspace import open_workspace
    from nuan_tools import node_view
    from nuan_tools.console import out

    with open_workspace(folder) as workspace:
        found = node_view.look(workspace)
        if as_json:
            listed = [asdict(each) for each in found]
            typer.echo(json.dumps({"nodes": listed}, ensure_ascii=False))
            return
        out().print(node_view.nodes_table(found, workspace.site.time_zone))


def _log(folder: Path, node: str, count: int, *, as_json: bool) -> None:
    import json

    from nuan_gateway.store import commands
    from nuan_gateway.workspace import open_workspace
    from nuan_tools import node_orders, node_view
    from nuan_tools.console import out

    with open_workspace(folder) as workspace:
        one = node_orders.resolve(node, workspace.site) if node else None
        with workspace.engine.connect() as connection:
            found = commands.latest(connection, count, one)
        if as_json:
            listed = [node_view.plain(each) for each in found]
            typer.echo(json.dumps({"commands": listed}, ensure_ascii=False))
            return
        out().print(node_view.commands_table(found, workspace.site.time_zone))
