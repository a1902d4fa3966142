"""`nuan explain`: the chain behind one bill, from its lines down to the meter's bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from nuan_tools.app import App
from nuan_tools.i18n import tr, tr_like

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from nuan_gateway.explain import BillChain, Bytes, RegisterChain

ORDER = 32

BYTES_A_ROW = 8
_STYLES = {"alarm": "red", "notice": "yellow"}


def register(app: App) -> None:
    """Adds the command."""

    @app.command("explain", help=tr("Show where a bill's every fen comes from, down to the bytes."))
    def explain(
        folder: Annotated[
            Path, typer.Argument(help=tr("The gateway's folder, or its settings file."))
        ],
        unit: Annotated[
            str, typer.Argument(help=tr("The flat's id; or NODE/JOURNAL/NUMBER, a journal entry."))
        ],
    ) -> None:
        _explain(folder, unit)


def _explain(folder: Path, unit: str) -> None:
    from nuan_gateway.explain import explain
    from nuan_gateway.workspace import open_workspace
    from nuan_tools import console

    with open_workspace(folder) as gateway:
        if "/" in unit:
            _show_bytes(console.out(), tr("Journal entry"), _entry(gateway.engine, unit))
            return
        season = gateway.site.season.name
        chain = explain(gateway.engine, season, unit, gateway.signer.public)
    show(console.out(), chain)


def _entry(engine: Engine, name: str) -> Bytes:
    """The entry named NODE/JOURNAL/NUMBER."""
    from nuan_gateway.explain import explain_entry

    parts = name.split("/")
    if len(parts) != 3 or not parts[2].isdecimal():
        reason = tr("{name} names no entry; write NODE/JOURNAL/NUMBER", name=name)
        raise typer.BadParameter(reason)
    return explain_entry(engine, parts[0], parts[1], int(parts[2]))


def show(out: Console, chain: BillChain) -> None:
    """Print the chain, the bill first and the bytes last."""
    statement = chain.statement
    _show_bill(out, statement, chain.signature_holds)
    _show_lines(out, statement)
    _show_consumption(out, statement)
    zone = ZoneInfo(statement["season"]["timezone"])
    for found in chain.registers:
        _show_register(out, found, statement, zone)


def _say(out: Console, text: str = "", style: str | None = None) -> None:
    out.print(text, style=style, markup=False)


def _show_bill(out: Console, statement: Any, holds: bool) -> None:
    season, unit = statement["season"], statement["unit"]
    head = tr(
        "Bill of {unit}, season {season} ({start} to {end}), version {version}",
        unit=" ".join(filter(None, (unit["id"], unit["name"]))),
        season=season["name"],
        start=season["start"],
        end=season["end"],
        version=statement["version"],
    )
    _say(out, head, "bold")
    signed = tr("signature holds") if holds else tr("SIGNATURE DOES NOT HOLD")
    tariff = statement["tariff"]
    _say(out, tr("tariff {id} {version}, ", id=tariff["id"], version=tariff["version"]) + signed)


def _show_lines(out: Console, statement: Any) -> None:
    from nuan_gateway.billing.money import fen_text

    _say(out)
    _say(out, tr("1. Lines"), "bold")
    for line in statement["lines"]:
        _say(out, f"  {tr(line['item'])}: {line['arithmetic']}")
    _say(
        out,
        "  "
        + tr(
            "total {total}, prepaid {prepaid}, settlement {settlement} yuan",
            total=fen_text(statement["total_fen"]),
            prepaid=fen_text(statement["prepaid_fen"]),
            settlement=fen_text(statement["settlement_fen"]),
        ),
    )
    for problem in statement["problems"]:
        _say(out, f"  {problem['code']} ({problem['place']}): {problem['detail']}")


def _show_consumption(out: Console, statement: Any) -> None:
    _say(out)
    _say(out, tr("2. Consumption"), "bold")
    opening, closing = statement["opening"], statement["closing"]
    if statement["heat_kwh"] is None:
        _say(out, "  " + tr("none: billed by area, for the reasons above"))
        return
    steps = f"{closing['value']} - {opening['value']} {opening['unit']}"
    _say(out, f"  {steps} = {statement['heat_kwh']} kWh")


def _show_register(out: Console, found: RegisterChain, statement: Any, zone: ZoneInfo) -> None:
    number = "3." if found.place == "opening" else "4."
    title = tr("Opening register") if found.place == "opening" else tr("Closing register")
    when = datetime.fromtimestamp(found.register["time"], UTC).astimezone(zone)
    _say(out)
    _say(out, f"{number} {title}", "bold")
    _say(
        out,
        "  "
        + tr(
            "{value} {unit}, read at {when} from meter {serial}",
            value=found.register["value"],
            unit=found.register["unit"],
            when=when.strftime("%Y-%m-%d %H:%M:%S"),
            serial=statement["meter"]["serial"],
        ),
    )
    _show_conditions(out, found)
    _show_entry(out, found)
    _show_bytes(out, tr("Journal entry"), found.head)
    _show_bytes(out, tr("Question to the meter"), found.question)
    _show_bytes(out, tr("The meter's answer (*: the billed register)"), found.answer, found.billed)


def _show_conditions(out: Console, found: RegisterChain) -> None:
    from nuan_tools.decoded_head import condition_text

    for each in found.conditions:
        what = condition_text({"name": each.name, "severity": each.severity})
        _say(out, "  " + tr("the meter says: {what}", what=what), _STYLES.get(each.severity))


def _show_entry(out: Console, found: RegisterChain) -> None:
    entry = found.entry
    text = tr(
        "entry {seq} of node {node}, journal {epoch}",
        seq=entry.seq,
        node=entry.node,
        epoch=entry.epoch,
    )
    _say(out, f"  {text}")
    _say(out, f"  {tr('digest')} {entry.digest.hex()}")
    if found.root_day is None:
        _say(out, "  " + tr("its day isn't sealed yet: no signed root holds it so far"))
    else:
        _say(out, "  " + tr("under the signed root of {day}", day=found.root_day))


def _show_bytes(out: Console, title: str, named: Bytes, marked: range = range(0)) -> None:
    from rich.text import Text

    from nuan_tools.console import table

    rows = table(title)
    rows.add_column(tr("byte"), justify="right")
    rows.add_column(tr("bytes"), no_wrap=True, min_width=3 * BYTES_A_ROW - 1)
    rows.add_column(tr("name"), overflow="fold")
    rows.add_column(tr("meaning"), overflow="fold")
    for offset, length, name, meaning in named.groups:
        data = named.data[offset : offset + length]
        lines = [data[at : at + BYTES_A_ROW].hex(" ") for at in range(0, len(data), BYTES_A_ROW)]
        mark = "*" if offset in marked else ""
        cells = (f"{mark}{offset}", "\n".join(lines), tr(name), tr_like(meaning))
        rows.add_row(*(Text(cell) for cell in cells), style="bold" if mark else None)
    _say(out)
    out.print(rows)
