"""The gateway's meters for people: read when, and whether their dialects are proved."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from nuan_gateway.meter_states import MeterState
from nuan_tools.console import table
from nuan_tools.decoded_head import dialect_text
from nuan_tools.i18n import tr

_CONFIRMED = "confirmed"
_STYLES = {"confirmed": "green", "unconfirmed": "yellow", "contradicted": "red"}


def view(meters: list[MeterState], zone: ZoneInfo) -> Group:
    """A table in the site's time zone, and below it what is not proved, with the reason."""
    rows = table()
    for name in ("serial", "model", "bus", "address"):
        rows.add_column(tr(name), overflow="fold")
    rows.add_column(tr("last read"), no_wrap=True)
    rows.add_column(tr("dialect"), overflow="fold")
    for each in meters:
        state = Text(tr(each.state), _STYLES.get(each.state, "")) if each.state else Text("-")
        address = str(each.address)
        rows.add_row(each.serial, each.model, each.bus, address, _when(each.read_at, zone), state)
    parts: list[RenderableType] = [rows]
    for each in meters:
        if each.state and each.state != _CONFIRMED:
            text = dialect_text(each.dialect, each.state, each.reason)
            parts.append(Text(tr(": ").join((each.serial, text))))
    return Group(*parts)


def _when(second: int | None, zone: ZoneInfo) -> str:
    if second is None:
        return tr("never")
    return datetime.fromtimestamp(second, UTC).astimezone(zone).strftime("%m-%d %H:%M")
