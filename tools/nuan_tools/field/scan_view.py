"""What a scan found, for people (80 columns) and for programs."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from nuan_protocols.reading import decimal_text
from nuan_tools.console import table
from nuan_tools.decoded_head import condition_text, dialect_text
from nuan_tools.field.found import Found
from nuan_tools.field.reading import as_json
from nuan_tools.field.session import Session
from nuan_tools.field.values_view import short
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name


def view(session: Session) -> Group:
    """The table, what is to be known of each, and the notes of the scan."""
    parts: list[RenderableType] = []
    if session.found:
        parts.append(_rows(session.found))
        parts += list(_remarks(session.found))
    parts.append(Text(_count(len(session.found)), "bold"))
    parts += [Text(f"* {note}", "yellow") for note in session.notes]
    return Group(*parts)


def line_of(found: Found) -> str:
    """One line about a new meter, for whoever is watching."""
    words = [protocol_name(found.protocol), str(found.address), found.maker, found.model or "?"]
    reading = found.key_reading
    words.append(short(reading) if reading else "")
    return "  ".join(word for word in words if word)


def scan_json(session: Session, finished: bool, entries: str) -> dict[str, Any]:
    """Everything as JSON values."""
    return {
        "connect": str(session.wish.connect),
        "finished": finished,
        "meters": [_meter_json(each) for each in session.found],
        "notes": session.notes,
        "site_entries": entries,
    }


def _meter_json(found: Found) -> dict[str, Any]:
    reading = found.key_reading
    value = None
    if reading is not None and reading.integer is not None:
        value = {
            "quantity": reading.quantity,
            "value": decimal_text(reading.integer, reading.exponent),
            "unit": reading.unit,
        }
    return {**as_json(found), "key_reading": value}


def _count(number: int) -> str:
    if number == 1:
        return tr("1 meter found.")
    return tr("{count} meters found.", count=number) if number else tr("No meter found.")


def _rows(found: list[Found]) -> RenderableType:
    lines = {_line(each) for each in found}
    rows = table("" if len(lines) > 1 else min(lines))
    # What is the same everywhere stands above, where it takes no width.
    if len(lines) > 1:
        rows.add_column(tr("line"), no_wrap=True)
    rows.add_column(tr("address"), no_wrap=True)
    rows.add_column(tr("who"), overflow="fold")
    rows.add_column(tr("model"), overflow="fold")
    rows.add_column(tr("reading"), justify="right", overflow="fold")
    for each in found:
        medium = tr(each.medium.partition(" (")[0]) if each.medium else ""
        secondary = each.secondary if each.secondary != each.address else ""
        who = " ".join(part for part in (each.maker, medium, secondary) if part)
        reading = each.key_reading
        cells = [str(each.address), who, each.model or "?", short(reading) if reading else "-"]
        rows.add_row(*([_line(each)] if len(lines) > 1 else []), *cells)
    return rows


def _line(found: Found) -> str:
    heard = found.heard
    return f"{protocol_name(heard.protocol)} {heard.baud} 8{heard.parity}1"


def _remarks(found: list[Found]) -> Iterable[Text]:
    """What the table has no room for: dialects, guesses, and what meters report."""
    for each in found:
        said: list[str] = []
        if each.dialect:
            said.append(dialect_text(each.dialect, each.state, each.reason))
        elif each.protocol == "modbus" or each.model is None:
            said.append(each.why)
        if each.others:
            said.append(tr("or: {models}", models=", ".join(each.others)))
        said += [
            condition_text({"name": one.name, "severity": one.severity})
            for one in each.conditions
            if one.severity != "info"
        ]
        for text in said:
            yield Text(tr(": ").join((str(each.address), text)))
