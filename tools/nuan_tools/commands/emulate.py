"""`nuan emulate`: lines of emulated meters to try the other commands on, without hardware."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_tools.field.emulated import Served

ORDER = 56


class Lines(StrEnum):
    """What `--line` takes."""

    MBUS = "mbus"
    MODBUS = "modbus"
    CJT188 = "cjt188"
    DLT645 = "dlt645"
    ALL = "all"


def register(app: App) -> None:
    """Adds the command."""

    @app.command("emulate", help=tr("Serve emulated meters to try scan and read on (Ctrl-C ends)."))
    def emulate(
        line: Annotated[Lines, typer.Option(help=tr("The lines to serve."))] = Lines.ALL,
        only: Annotated[
            list[str] | None,
            typer.Option(
                metavar="ADDRESS", help=tr("Serve this meter alone; may be given several times.")
            ),
        ] = None,
        tcp: Annotated[
            bool, typer.Option("--tcp", help=tr("TCP ports instead of pseudo-terminals."))
        ] = False,
        seed: Annotated[
            int, typer.Option(metavar="N", min=0, help=tr("Chooses the meters' readings."))
        ] = 20251101,
        speed: Annotated[
            float,
            typer.Option(metavar="X", min=0.1, max=1000, help=tr("Times as fast as real meters.")),
        ] = 1.0,
        faults: Annotated[
            str | None,
            typer.Option(
                metavar="RATES", help=tr("noisy, or rates such as silence=0.1,flip=0.05,echo.")
            ),
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object, then serve."))
        ] = False,
        node: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help=tr("Run a whole node instead, its flash in FOLDER; for nuan console."),
            ),
        ] = None,
    ) -> None:
        import asyncio

        if node is not None:
            from nuan_tools.field.emulated_node import serve_node

            serve_node(node, seed)
            return

        from nuan_tools.field import emulated

        protocols = [each.value for each in Lines if line in {Lines.ALL, each}]
        rates = emulated.fault_rates(faults) if faults else None
        wanted = emulated.Wanted(protocols, only or [], seed, speed, rates, tcp)
        asyncio.run(emulated.serve_until_told(wanted, _tell_json if as_json else _tell))


def _tell_json(lines: "list[Served]") -> None:
    import json
    import sys

    typer.echo(json.dumps({"lines": [each.as_json() for each in lines]}, ensure_ascii=False))
    sys.stdout.flush()


def _tell(lines: "list[Served]") -> None:
    import sys

    from nuan_tools.console import out, table
    from nuan_tools.protocol_names import protocol_name

    rows = table(tr("Emulated lines, until Ctrl-C"))
    rows.add_column(tr("protocol"), no_wrap=True)
    rows.add_column(tr("line"), no_wrap=True)
    rows.add_column(tr("meters"), overflow="fold")
    for each in lines:
        setting = f"{each.baud} 8{each.parity}1"
        addresses = ", ".join(meter.address for meter in each.meters)
        rows.add_row(protocol_name(each.protocol), setting, addresses)
    out().print(rows)
    out().print(tr("Look for them in another terminal:"))
    for each in lines:
        # Copied as a whole, so never wrapped.
        out().print(f"  nuan scan {each.connect} --protocol {each.protocol}", soft_wrap=True)
    sys.stdout.flush()
