"""`nuan bill`: makes the season's bills out of what a gateway has stored."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_gateway.bill_run import BillRun

ORDER = 30

Settings = Annotated[
    Path, typer.Argument(help=tr("The gateway's settings (gateway.toml), or the folder with it."))
]


class Encoding(StrEnum):
    """Encodings of the CSV files."""

    utf8 = "utf-8"
    gb18030 = "gb18030"


def register(app: App) -> None:
    """Adds the commands."""
    group = app.group("bill", help=tr("Make the season's bills."))

    @group.command("run", help=tr("Bill the site's season; running it again changes nothing."))
    def run(
        settings: Settings,
        as_json: Annotated[
            bool, typer.Option("--json", help=tr("Print one JSON object and nothing else."))
        ] = False,
        csv_encoding: Annotated[
            Encoding, typer.Option("--csv-encoding", help=tr("The encoding of the CSV files."))
        ] = Encoding.utf8,
    ) -> None:
        _run(settings, as_json, csv_encoding)


def _run(path: Path, as_json: bool, encoding: Encoding) -> None:
    import json

    from nuan_gateway.bill_files import run_document
    from nuan_gateway.workspace import open_workspace

    with open_workspace(path) as gateway:
        run, files = gateway.bill(encoding.value)
    if as_json:
        typer.echo(json.dumps(run_document(run), ensure_ascii=False))
        return
    show_bills(run)
    for file in files:
        typer.echo(str(file))


def show_bills(run: BillRun) -> None:
    """Print the bills as a table, then the building's balance and every problem."""
    from nuan_gateway.billing.money import fen_text
    from nuan_tools import console

    table = console.table(tr("Heat bills {season}", season=run.season.name))
    table.add_column(tr("flat"))
    for title in ("m2", "kWh", "base", "metered", "total", "prepaid", "settlement"):
        table.add_column(tr(title), justify="right")
    for made in run.bills:
        charge, heat = made.bill.charge, made.bill.heat
        table.add_row(
            made.unit,
            made.bill.input.unit.area_m2,
            heat.kwh_text if heat else tr("by area"),
            fen_text(charge.amount_fen("base")),
            fen_text(charge.amount_fen("metered")),
            fen_text(charge.total_fen),
            fen_text(charge.prepaid_fen),
            fen_text(charge.settlement_fen),
        )
    out = console.out()
    out.print(table)
    if run.balance:
        out.print(
            tr(
                "Building {building} kWh, flats and loss: loss {loss} kWh.",
                building=run.balance.building_kwh,
                loss=run.balance.loss_kwh,
            )
        )
    for made in run.bills:
        for found in made.bill.problems:
            out.print(f"{made.unit}: {found.code} ({found.place}): {found.detail}", markup=False)
