"""What the commands that talk to a node's console take."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.i18n import tr

PortName = Annotated[
    str,
    typer.Argument(
        metavar="PORT", help=tr("The node's serial port: /dev/ttyUSB0, COM3 or tcp://host:port.")
    ),
]
KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys", help=tr("The gateway's keys file (keys.toml), to unlock the node's console.")
    ),
]
