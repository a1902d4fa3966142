"""A decoded telegram as a table for people, in 80 columns and either language."""

from rich.console import Group
from rich.text import Text

from nuan_protocols.reading import Reading, decimal_text
from nuan_tools.console import table
from nuan_tools.decoding import Decoded, Record
from nuan_tools.i18n import tr

UNITS_SHOWN = {"m3": "m³", "m3/h": "m³/h", "m3/s": "m³/s", "degC": "°C", "degF": "°F", "1": ""}
RAW_BYTES_SHOWN_MAX = 16


def view(decoded: Decoded) -> Group:
    """The head in one or two lines, then every record with its offset."""
    rows = table()
    columns = ("byte", "quantity", "value", "unit", "storage", "tariff", "function")
    right = {"byte", "value", "storage", "tariff"}
    for name in columns:
        rows.add_column(tr(name), justify="right" if name in right else "left", overflow="fold")
    for record in decoded.records:
        reading = record.reading
        rows.add_row(
            str(record.offset),
            _quantity(reading),
            _value(record),
            UNITS_SHOWN.get(reading.unit, reading.unit),
            str(reading.storage),
            str(reading.tariff),
            tr(reading.function),
        )
    return Group(Text(_head(decoded), style="bold"), rows if decoded.records else "")


def bytes_view(decoded: Decoded, telegram: bytes, question: bytes | None) -> Group:
    """Every byte group of a telegram with its name and meaning."""
    from nuan_protocols.mbus import annotate as mbus_names
    from nuan_protocols.modbus import annotate as modbus_names

    if question is not None:
        groups = modbus_names.byte_groups(question, telegram)
    else:
        groups = mbus_names.byte_groups(telegram)
    rows = table()
    for name in ("byte", "bytes", "name", "meaning"):
        rows.add_column(tr(name), justify="right" if name == "byte" else "left", overflow="fold")
    for offset, length, name, meaning in groups:
        rows.add_row(str(offset), telegram[offset : offset + length].hex(" "), name, meaning)
    return Group(Text(_head(decoded), style="bold"), rows)


def quantity_name(quantity: str) -> str:
    """A quantity in the reader's words: "voltage:l1" -> "voltage l1"."""
    name, *qualifiers = quantity.split(":")
    return " ".join([tr(name.replace("_", " ")), *map(tr, qualifiers)])


def _head(decoded: Decoded) -> str:
    head = decoded.header
    if decoded.protocol == "modbus":
        text = tr("Modbus, unit {unit}, function {function}, {count} from address {start}", **head)
        if "exception" in head:
            text += "\n" + tr("exception {exception}: {exception_name}", **head)
        return text
    text = tr("M-Bus, address {address}", **head) if head["address"] is not None else "M-Bus"
    if "identification" in head:
        values = {**head, "medium": tr(str(head["medium"]))}
        text += ", " + tr("{manufacturer} {identification}, {medium}, version {version}", **values)
        text += "\n" + tr("access {access_number}, status {status:02X}h", **head)
    if head["more"]:
        text += ", " + tr("more telegrams follow")
    return text


def _quantity(reading: Reading) -> Text:
    text = Text(quantity_name(reading.quantity))
    if reading.subunit:
        text.append("\n" + tr("subunit {number}", number=reading.subunit), style="dim")
    if reading.status.startswith("unreadable:"):
        reason = reading.status.partition(":")[2]
        text.append("\n" + tr("unreadable: {reason}", reason=reason), style="yellow")
    elif reading.status != "ok":
        text.append("\n" + tr("the meter reports an error"), style="yellow")
    return text


def _value(record: Record) -> Text:
    reading = record.reading
    if reading.integer is not None:
        return Text(decimal_text(reading.integer, reading.exponent))
    if reading.status.startswith("unreadable:"):
        shown = record.raw[:RAW_BYTES_SHOWN_MAX].hex(" ")
        return Text(shown + (" ..." if len(record.raw) > RAW_BYTES_SHOWN_MAX else ""), "yellow")
    return Text(reading.text)
