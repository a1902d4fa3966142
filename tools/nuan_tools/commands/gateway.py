"""`nuan gateway`: runs a gateway, and says what a node's configuration is."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools import authority_command
from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

ORDER = 20

SettingsFile = Annotated[Path, typer.Argument(help=tr("The gateway's settings (gateway.toml)."))]


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("gateway", help=tr("Run a gateway; make its nodes' configurations."))
    authority_command.register(group)

    @group.command("run", help=tr("Run the gateway until it is told to stop (Ctrl-C)."))
    def run(settings: SettingsFile) -> None:
        _run(settings)

    @group.command(
        "meters", help=tr("List the site's meters and whether their dialects are proved.")
    )
    def meters(
        settings: SettingsFile,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        _meters(settings, as_json=as_json)

    @group.command("config", help=tr("Print a node's configuration, config.json."))
    def config(
        settings: SettingsFile,
        node: Annotated[str, typer.Argument(help=tr("The node's id: 16 hex digits."))],
        autonomy: Annotated[
            bool,
            typer.Option(
                "--autonomy", help=tr("Print how long the flash keeps and lasts instead, as JSON.")
            ),
        ] = False,
    ) -> None:
        _config(settings, node, only_autonomy=autonomy)

    @group.command("ingest", help=tr("Take in a file of nuan pull, running or at rest."))
    def ingest(
        settings: SettingsFile,
        file: Annotated[Path, typer.Argument(help=tr("What nuan pull has written."))],
    ) -> None:
        from nuan_tools.pulled_view import ingest as take_in

        take_in(settings, file)

    @group.command("exchanges", help=tr("List replaced meters and nodes, as told on the spot."))
    def exchanges(
        settings: SettingsFile,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        from nuan_tools.pulled_view import exchanges as show

        show(settings, as_json=as_json)


def _run(path: Path) -> None:
    import asyncio
    import logging

    from nuan_gateway import app
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.settings import load_settings

    try:
        settings = load_settings(path)
        logging.basicConfig(
            level=settings.log.level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        for noisy in ("alembic", "httpx", "httpcore"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        asyncio.run(app.run(settings))
    except GatewayError as error:
        raise UserError(str(error)) from None


def _config(path: Path, node: str, *, only_autonomy: bool) -> None:
    import json

    from nuan_gateway.errors import GatewayError
    from nuan_gateway.node_config import node_config
    from nuan_gateway.settings import load_settings
    from nuan_gateway.site import load_site

    try:
        site = load_site(load_settings(path).site)
    except GatewayError as error:
        raise UserError(str(error)) from None
    try:
        config = node_config(site, node)
    except KeyError:
        known = ", ".join(item.id for item in site.boards)
        raise UserError(
            tr("no node {node}; the site has {known}", node=node, known=known)
        ) from None
    from nuan_tools import autonomy_view

    if only_autonomy:
        typer.echo(autonomy_view.as_text(site, node))
        return
    typer.echo(json.dumps(config, ensure_ascii=False, indent=1))
    autonomy_view.tell(site, node)


def _meters(path: Path, *, as_json: bool) -> None:
    from nuan_gateway.errors import GatewayError
    from nuan_gateway.meter_states import meter_states
    from nuan_gateway.workspace import open_workspace

    try:
        with open_workspace(path) as workspace:
            found = meter_states(workspace.engine)
            zone = workspace.site.time_zone
    except GatewayError as error:
        raise UserError(str(error)) from None
    if as_json:
        import json
        from dataclasses import asdict

        listed = [asdict(each) for each in found]
        typer.echo(json.dumps({"meters": listed}, ensure_ascii=False))
        return
    from nuan_tools.console import out
    from nuan_tools.meter_list import view

    out().print(view(found, zone))
