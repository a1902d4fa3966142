"""What `nuan read` is told on its command line."""

from pathlib import Path
from typing import Annotated

import typer

from nuan_tools.field.settings import OneProtocol, Parity
from nuan_tools.i18n import tr

Where = Annotated[
    str,
    typer.Argument(
        metavar="CONNECT",
        help=tr("/dev/ttyUSB0, tcp://host:port or modbus-tcp://host; after --site: SERIAL."),
    ),
]

Plugged = Annotated[
    str | None,
    typer.Argument(
        metavar="[CONNECT]",
        show_default=False,
        help=tr("With --site: where you have plugged in, if not as the file says."),
    ),
]

MeterProtocol = Annotated[OneProtocol | None, typer.Option(help=tr("The meter's protocol."))]

Address = Annotated[
    str | None, typer.Option(metavar="A", help=tr("Its address, as printed on the meter."))
]

Site = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=tr("Take everything from this site file, by SERIAL.")),
]

Model = Annotated[
    str | None, typer.Option(metavar="MODEL", help=tr("Its model, else the likeliest."))
]

Dialect = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=tr("The CJ/T 188 meter's dialect, else the likeliest.")),
]

Baud = Annotated[int | None, typer.Option(metavar="N", help=tr("2400, or 9600 for Modbus."))]

LineParity = Annotated[Parity | None, typer.Option(help=tr("E, or N for Modbus."))]

AllTelegrams = Annotated[
    bool, typer.Option("--all-telegrams", help=tr("All telegrams of an M-Bus meter."))
]

Reset = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=255,
        help=tr("M-Bus: application reset with this sub-code first."),
    ),
]

Key = Annotated[
    str | None,
    typer.Option(metavar="HEX", help=tr("The key of an encrypted M-Bus telegram: 16 bytes.")),
]

Raw = Annotated[bool, typer.Option("--raw", help=tr("Name every byte as well."))]
