"""`nuan feed`: the state of the deliveries to the heating company, and parked messages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

ORDER = 38

PARKED_SHOWN_MAX = 20

Folder = Annotated[Path, typer.Argument(help=tr("The gateway's folder, or its settings file."))]


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("feed", help=tr("Look at the deliveries to the heating company."))

    @group.command("show", help=tr("Show how many messages wait, are parked, and were delivered."))
    def show(
        folder: Folder,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        _show(folder, as_json)

    @group.command(
        "retry", help=tr("Send the parked messages again: those that the receiver refused.")
    )
    def retry(folder: Folder) -> None:
        _retry(folder)


def _show(folder: Path, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from nuan_gateway.store import outbox
    from nuan_gateway.workspace import open_workspace

    with open_workspace(folder) as gateway, gateway.engine.connect() as connection:
        counts = asdict(outbox.backlog(connection))
        keys = outbox.parked(connection, PARKED_SHOWN_MAX)
    if as_json:
        typer.echo(json.dumps({**counts, "parked_keys": keys}))
        return
    typer.echo(tr("{waiting} waiting, {parked} parked, {delivered} delivered", **counts))
    for key in keys:
        typer.echo(f"  {key}")


def _retry(folder: Path) -> None:
    from nuan_gateway.store import outbox
    from nuan_gateway.store.engine import begin_write
    from nuan_gateway.workspace import open_workspace

    with open_workspace(folder) as gateway, begin_write(gateway.engine) as connection:
        count = outbox.release_parked(connection, gateway.now_ms())
    typer.echo(tr("Messages that will be sent again: {count}", count=count))
