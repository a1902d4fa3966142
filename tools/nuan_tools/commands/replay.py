"""`nuan replay`: a real meter's recorded series through meter, wire, node and gateway."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

ORDER = 15


def register(app: App) -> None:
    """Adds the command."""

    @app.command("replay", help=tr("Read a recorded heat meter once more, and bill it."))
    def replay(
        series: Annotated[
            Path,
            typer.Argument(metavar="CSV", help=tr("Rows with READ_DATE, ENERGY (MWh) and more.")),
        ],
        timezone: Annotated[
            str, typer.Option(help=tr("Time zone of the file's time stamps."))
        ] = "UTC",
        area: Annotated[str, typer.Option(metavar="M2", help=tr("Area to bill."))] = "100.00",
        keep: Annotated[
            Path | None,
            typer.Option(metavar="DIR", help=tr("Keep database, journal and site files there.")),
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
    ) -> None:
        from nuan_tools.season.replay import run_replay

        run_replay(series, timezone=timezone, area=area, keep=keep, as_json=as_json)
