"""The option --models: a folder with meter models of the user's own."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.i18n import tr

ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="DIR",
        help=tr("A folder with meter models of your own: Python files, which are run."),
    ),
]


def take_in(folder: Path | None) -> None:
    """Know the folder's models from now on. Raises UserError."""
    from nuan_protocols.meters import registry
    from nuan_tools.errors import UserError

    if folder is None:
        return
    try:
        registry.add_folder(str(folder))
    except registry.ModelFileError as error:
        raise UserError(str(error)) from error
