"""What a meter says, for people: one table of all values, and what it says of itself."""

from rich.console import Group, RenderableType
from rich.text import Text

from nuan_protocols.reading import Reading, decimal_text
from nuan_tools.console import table
from nuan_tools.decoded_head import condition_text, dialect_text
from nuan_tools.decoded_view import FUNCTIONS_SHOWN, UNITS_SHOWN, quantity_name
from nuan_tools.field.found import Found
from nuan_tools.i18n import tr
from nuan_tools.protocol_names import protocol_name

_UNREADABLE = "unreadable:"
# Where numbers get long, a larger unit is shown beside: unit, its exponent, name.
_LARGER = {"Wh": (6, -3, "kWh"), "J": (9, -9, "GJ"), "W": (4, -3, "kW")}


def view(found: Found) -> Group:
    """Who it is, every value, and the meter's own state in words."""
    parts: list[RenderableType] = [Text(line, style="bold") for line in title(found)]
    if found.dialect:
        parts.append(Text(dialect_text(found.dialect, found.state, found.reason)))
    if found.values:
        parts.append(_rows(found.values))
    parts += [_note(each) for each in found.values if each.status != "ok"]
    for each in found.conditions:
        values = {"name": each.name, "severity": each.severity}
        style = "red" if each.severity == "alarm" else "yellow"
        parts.append(Text(tr("meter: {what}", what=condition_text(values)), style))
    return Group(*parts)


def title(found: Found) -> list[str]:
    """Protocol, address and who it is; the model and why it is taken."""
    heard = found.heard
    first = [f"{protocol_name(heard.protocol)} {heard.address}"]
    first += [each for each in (found.maker, tr(found.medium) if found.medium else "") if each]
    if found.secondary and found.secondary != str(heard.address):
        first.append(found.secondary)
    first.append(f"{heard.baud} 8{heard.parity}1")
    lines = [tr(", ").join(first)]
    if found.model is None:
        lines.append(tr("model unknown: {why}", why=found.why))
    elif found.why:
        lines.append(tr("model {model}: {what}", model=found.model, what=found.why))
    else:
        lines.append(tr("model {model}", model=found.model))
    return lines


def short(reading: Reading) -> str:
    """A value as an installer reads it off a display: "84779 kWh"."""
    return " ".join(each for each in _shown(reading) if each)


def _shown(reading: Reading) -> tuple[str, str]:
    """Value and unit."""
    exponent, unit = reading.exponent, reading.unit
    if reading.integer is None:
        text = "?" if reading.status.startswith(_UNREADABLE) else reading.text or "-"
        return text, UNITS_SHOWN.get(unit, unit)
    larger = _LARGER.get(unit)
    if larger is not None and abs(reading.integer) * 10 ** max(exponent, 0) >= 10 ** larger[0]:
        exponent, unit = exponent + larger[1], larger[2]
    return decimal_text(reading.integer, exponent), UNITS_SHOWN.get(unit, unit)


def _rows(values: list[Reading]) -> RenderableType:
    rows = table()
    # What is always the same says nothing to an installer.
    named = {
        "storage": any(each.storage for each in values),
        "tariff": any(each.tariff for each in values),
        "subunit": any(each.subunit for each in values),
        "function": any(each.function != "instantaneous" for each in values),
    }
    shown = [name for name, has in named.items() if has]
    rows.add_column(tr("quantity"), overflow="fold")
    rows.add_column(tr("value"), justify="right", overflow="fold")
    rows.add_column(tr("unit"), no_wrap=True)
    for name in shown:
        rows.add_column(tr(name), justify="left" if name == "function" else "right", no_wrap=True)
    for each in values:
        cells = [quantity_name(each.quantity), *_shown(each)]
        for name in shown:
            cell = getattr(each, name)
            cells.append(tr(FUNCTIONS_SHOWN[cell]) if name == "function" else str(cell))
        rows.add_row(*cells)
    return rows


def _note(reading: Reading) -> Text:
    reason = reading.status.partition(":")[2]
    what = tr("unreadable: {reason}", reason=reason) if reason else tr("the meter reports an error")
    if reading.text:
        what += f" ({reading.text})"
    return Text(tr(": ").join((quantity_name(reading.quantity), what)), "yellow")
