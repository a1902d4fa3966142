"""`nuan gateway`: runs a gateway, and says what a node's configuration is."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

ORDER = 20

SettingsFile = Annotated[Path, typer.Argument(help=tr("The gateway's settings (gateway.toml)."))]


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("gateway", help=tr("Run a gateway; make its nodes' configurations."))

    @group.command("run", help=tr("Run the gateway until it is told to stop (Ctrl-C)."))
    def run(settings: SettingsFile) -> None:
        _run(settings)

    @group.command("config", help=tr("Print a node's configuration, config.json."))
    def config(
        settings: SettingsFile,
        node: Annotated[str, typer.Argument(help=tr("The node's id: 16 hex digits."))],
    ) -> None:
        _config(settings, node)


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


def _config(path: Path, node: str) -> None:
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
    typer.echo(json.dumps(config, ensure_ascii=False, indent=1))
