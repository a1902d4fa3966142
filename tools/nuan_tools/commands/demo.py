"""`nuan demo`: a heating season of a sample building, from the wire to the bill."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

ORDER = 10
DAYS_MAX = 151


def register(app: App) -> None:
    """Adds the command."""

    @app.command("demo", help=tr("Run a heating season of a sample building and bill it."))
    def demo(
        keep: Annotated[
            Path | None,
            typer.Option(metavar="DIR", help=tr("Keep database, journal and site files there.")),
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
        seed: Annotated[
            int,
            typer.Option(
                metavar="N", min=0, help=tr("Chooses weather and habits; same seed, same bills.")
            ),
        ] = 20251101,
        days: Annotated[
            int,
            typer.Option(
                metavar="N", min=1, max=DAYS_MAX, help=tr("Days of the season, from 1 November.")
            ),
        ] = DAYS_MAX,
        epw: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help=tr("A typical weather year instead of the built-in one.")
            ),
        ] = None,
    ) -> None:
        from nuan_tools.season.demo import run_demo

        run_demo(keep=keep, as_json=as_json, seed=seed, days=days, epw=epw)
