"""A decoded telegram as a table for people, in 80 columns and either language."""

from rich.console import Group, RenderableType
from rich.text import Text

from nuan_protocols.reading import Reading, decimal_text
from nuan_tools.console import table
from nuan_tools.decoded_head import head
from nuan_tools.decoding import Decoded, Record
from nuan_tools.i18n import tr

UNITS_SHOWN = {"m3": "m³", "m3/h": "m³/h", "m3/s": "m³/s", "degC": "°C", "degF": "°F", "1": ""}
FUNCTIONS_SHOWN = {
    "instantaneous": "inst.",
    "maximum": "max.",
    "minimum": "min.",
    "error": "error",
}


def view(decoded: Decoded) -> Group:
    """The head, every record with its offset, and below what can't be read, with its bytes."""
    rows = table()
    for name in ("byte", "quantity", "value", "unit", "storage", "tariff", "function"):
        right = name in {"byte", "value", "storage", "tariff"}
        wraps = name == "quantity"
        rows.add_column(
            tr(name), justify="right" if right else "left", no_wrap=not wraps, overflow="fold"
        )
    for record in decoded.records:
        reading = record.reading
        rows.add_row(
            str(record.offset),
            _quantity(reading),
            _value(reading),
            UNITS_SHOWN.get(reading.unit, reading.unit),
            str(reading.storage),
            str(reading.tariff),
            tr(FUNCTIONS_SHOWN[reading.function]),
        )
    parts: list[RenderableType] = [Text(head(decoded), style="bold")]
    if decoded.records:
        parts.append(rows)
    parts += [_note(record) for record in decoded.records if record.reading.status != "ok"]
    return Group(*parts, "")


def bytes_view(decoded: Decoded, telegram: bytes, question: bytes | None) -> Group:
    """Every byte group of a telegram with its name and meaning."""
    rows = table()
    for name in ("byte", "bytes", "name", "meaning"):
        rows.add_column(tr(name), justify="right" if name == "byte" else "left", overflow="fold")
    for offset, length, name, meaning in _byte_groups(decoded, telegram, question):
        rows.add_row(str(offset), telegram[offset : offset + length].hex(" "), name, meaning)
    return Group(Text(head(decoded), style="bold"), rows)


def _byte_groups(
    decoded: Decoded, telegram: bytes, question: bytes | None
) -> "list[tuple[int, int, str, str]]":
    from nuan_protocols.cjt188 import annotate as cjt188_names
    from nuan_protocols.cjt188.dialects import DIALECTS
    from nuan_protocols.dlt645 import annotate as dlt645_names
    from nuan_protocols.mbus import annotate as mbus_names
    from nuan_protocols.meters import annotate as model_names
    from nuan_protocols.meters import registry
    from nuan_protocols.modbus import annotate as modbus_names

    if question is not None:
        if "model" in decoded.header:
            profile = registry.profile(decoded.header["model"])
            return model_names.answer_groups(profile, question, telegram)
        return modbus_names.byte_groups(question, telegram)
    if decoded.protocol == "cjt188":
        return cjt188_names.byte_groups(telegram, DIALECTS[decoded.header["dialect"]])
    if decoded.protocol == "dlt645":
        return dlt645_names.byte_groups(telegram)
    return mbus_names.byte_groups(telegram)


def quantity_name(quantity: str) -> str:
    """A quantity in the reader's words: "voltage:l1" -> "voltage l1"."""
    return " ".join(tr(part.replace("_", " ")) for part in quantity.split(":"))


def _quantity(reading: Reading) -> str:
    name = quantity_name(reading.quantity)
    if reading.subunit:
        name += tr(", ") + tr("subunit {number}", number=reading.subunit)
    return name


def _value(reading: Reading) -> Text:
    if reading.integer is not None:
        return Text(decimal_text(reading.integer, reading.exponent))
    if reading.status.startswith("unreadable:"):
        return Text("?", "yellow")
    return Text(reading.text or "-")


def _note(record: Record) -> Text:
    reading = record.reading
    if reading.status.startswith("unreadable:"):
        reason = tr("unreadable: {reason}", reason=reading.status.partition(":")[2])
    else:
        reason = tr("the meter reports an error")
        reason += f": {reading.text}" if reading.text else ""
    where = tr("byte {offset}", offset=record.offset)
    raw = record.raw.hex(" ")
    return Text(tr(": ").join((where, reason, raw)), "yellow")
