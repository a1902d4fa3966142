"""Options that scan and read share."""

from typing import Annotated

import typer

from nuan_tools.i18n import tr

AnswerTime = Annotated[
    int | None,
    typer.Option(
        metavar="MS", min=5, max=60_000, help=tr("How long to wait for an answer to begin.")
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))]
