"""`nuan export`: a tenant's bundle, one bill with everything that proves it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

ORDER = 34


def register(app: App) -> None:
    """Adds the command."""

    @app.command("export", help=tr("Write a bill and its proof into one file for the tenant."))
    def export(
        folder: Annotated[
            Path, typer.Argument(help=tr("The gateway's folder, or its settings file."))
        ],
        unit: Annotated[str, typer.Argument(help=tr("The flat's id."))],
        output: Annotated[
            Path, typer.Option("--output", "-o", help=tr("The file to write, JSON."))
        ],
    ) -> None:
        _export(folder, unit, output)


def _export(folder: Path, unit: str, output: Path) -> None:
    from nuan_gateway.bundle_export import bundle_text, export_bundle
    from nuan_gateway.whole_file import write_whole
    from nuan_gateway.workspace import open_workspace

    with open_workspace(folder) as gateway:
        gateway.seal()
        bundle = export_bundle(
            gateway.engine,
            gateway.site.season.name,
            unit,
            gateway.node_keys,
            gateway.signer.public,
        )
        key_id = gateway.signer.key_id
    try:
        write_whole(output, bundle_text(bundle).encode())
    except OSError as error:
        reason = error.strerror
        raise UserError(
            tr("{file}: {reason}; name a file that can be written", file=output, reason=reason)
        ) from error
    typer.echo(
        tr(
            "{file}: bill of {unit} with {entries} entries and {roots} roots, signed by key {key}",
            file=output,
            unit=unit,
            entries=len(bundle["entries"]),
            roots=len(bundle["roots"]),
            key=key_id,
        )
    )
