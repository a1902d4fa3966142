"""`nuan board`: the boards nuan knows, and what to wire where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nuan_tools.app import App
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from rich.table import Table

    from nuan_gateway.board_files import Board

ORDER = 49


def register(app: App) -> None:
    """Adds the command."""

    @app.command("board", help=tr("List the boards nuan knows, or show how to wire one."))
    def board(
        name: Annotated[
            str | None, typer.Argument(help=tr("A board; without one all are listed."))
        ] = None,
    ) -> None:
        from nuan_tools.console import out

        if name is None:
            out().print(_all())
            return
        _show(name)


def _all() -> Table:
    from nuan_gateway.board_files import board, board_names
    from nuan_tools.console import table

    listed = table()
    for heading in (tr("board"), tr("what it is")):
        listed.add_column(heading)
    for name in board_names():
        listed.add_row(name, board(name).title)
    return listed


def _show(name: str) -> None:
    from nuan_gateway.board_files import board
    from nuan_tools.console import out

    try:
        found = board(name)
    except ValueError as error:
        raise UserError(str(error)) from None
    out().print(found.title)
    out().print(tr("source: {source}", source=found.source), style="dim")
    out().print(_wiring(found))
    for part, keys in (("ethernet", found.ethernet), ("ppp", found.modem)):
        if keys:
            pins = ", ".join(f"{key} {value}" for key, value in keys.items())
            out().print(tr('link of kind "{kind}": {pins}', kind=part, pins=pins))


def _wiring(found: Board) -> Table:
    from nuan_tools.console import table

    wiring = table()
    for heading in (tr("port"), "UART", "TX", "RX", "DE", tr("what to connect")):
        wiring.add_column(heading)
    for name, port in found.ports.items():
        driver = str(port.de) if port.de >= 0 else "-"
        wiring.add_row(name, str(port.uart), str(port.tx), str(port.rx), driver, port.about)
    others = {**found.pins, **{f"rtc {key}": pin for key, pin in found.rtc.items()}}
    if found.led >= 0:
        others["led"] = found.led
    for name, pin in others.items():
        wiring.add_row(name, "", f"GPIO {pin}", "", "", "")
    return wiring
