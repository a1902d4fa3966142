"""What `nuan scan` is told on its command line."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.field.settings import Parity, Protocols
from nuan_tools.i18n import tr

Connect = Annotated[
    str,
    typer.Argument(
        metavar="CONNECT", help=tr("/dev/ttyUSB0, tcp://host:port or modbus-tcp://host.")
    ),
]

MeterProtocol = Annotated[Protocols, typer.Option(help=tr("What to look for."))]

Baud = Annotated[
    str, typer.Option(metavar="N|auto", help=tr("Baud rate; auto tries the usual ones."))
]

LineParity = Annotated[
    Parity | None, typer.Option(help=tr("Parity; otherwise the usual ones are tried."))
]

First = Annotated[
    int,
    typer.Option("--from", metavar="A", min=0, max=250, help=tr("First M-Bus or Modbus address.")),
]

Last = Annotated[
    int,
    typer.Option("--to", metavar="A", min=0, max=250, help=tr("Last M-Bus or Modbus address.")),
]

Secondary = Annotated[
    bool, typer.Option("--secondary", help=tr("M-Bus: search by secondary addresses."))
]

Quick = Annotated[
    bool, typer.Option("--quick", help=tr("With --secondary: believe a single silence."))
]

Address = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A",
        help=tr("CJ/T 188, DL/T 645: ask this address; may be given several times."),
    ),
]

Node = Annotated[
    str,
    typer.Option(metavar="ID", help=tr("The node that reads them, for the site entries.")),
]

Bus = Annotated[str, typer.Option(metavar="NAME", help=tr("The node's bus, for the site entries."))]

Slot = Annotated[
    int, typer.Option(metavar="N", min=1, help=tr("The first slot for the site entries."))
]

SiteEntries = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=tr("Write the site entries there as well.")),
]

Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=tr("Go on from this file, and keep the state there when stopped."),
    ),
]
