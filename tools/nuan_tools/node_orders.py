"""What people write in `nuan node`: nodes, temperatures, instants; and waiting for the outcome."""

import getpass
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from rich.text import Text
from sqlalchemy import Engine

from nuan_gateway.plain_text import plain
from nuan_gateway.site import Site
from nuan_gateway.store import commands
from nuan_gateway.store.commands import StoredCommand
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.command import WHO_BYTES_MAX
from nuan_protocols.uplink.result import cut
from nuan_tools.console import out
from nuan_tools.errors import CheckFailed, UserError
from nuan_tools.i18n import tr, tr_like

LOOK_EVERY_S = 0.3
OFF = "off"
_FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def resolve(text: str, site: Site) -> str:
    """The one board whose id is or contains the text. Raises UserError with those there are."""
    known = [node.id for node in site.boards]
    found = [node for node in known if text.lower() in node]
    if len(found) != 1:
        listed = ", ".join(found or known) or "-"
        what = tr("several nodes are") if found else tr("no node is")
        raise UserError(
            tr("{what} {text}; the site has {known}", what=what, text=text, known=listed)
        )
    return found[0]


def user() -> str:
    """Who is logged in, as commands name people."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "nuan"
    return cut(name.encode(), WHO_BYTES_MAX).decode()


def tenths(text: str) -> int:
    """Degrees Celsius -> tenths of them, 0 for "off". Raises UserError."""
    if text == OFF:
        return 0
    try:
        value = Decimal(text) * 10
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != int(value) or not 50 <= value <= 350:
        raise UserError(tr("{text}: write degrees from 5 to 35, such as 19.5, or off", text=text))
    return int(value)


def instant(text: str, site: Site, now_ms: int) -> datetime:
    """An instant in the site's time; a time of day alone is the next such. Raises UserError."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(site.time_zone)
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=site.time_zone)
        except ValueError:
            continue
    try:
        day_time = datetime.strptime(text, "%H:%M")  # noqa: DTZ007  # a time of day has no zone
    except ValueError:
        raise UserError(tr("{text}: write 2026-11-21T18:00, or 18:00", text=text)) from None
    found = now.replace(hour=day_time.hour, minute=day_time.minute, second=0, microsecond=0)
    return found if found > now else found + timedelta(days=1)


def wait_for(engine: Engine, number: int) -> None:
    """Show how the command goes until it is over. Raises CheckFailed when it wasn't done."""
    shown = ""
    with out().status("") as moving:
        while True:
            with engine.connect() as connection:
                command = commands.latest(connection, 1, ids=[number])[0]
            # Percents move on a terminal only; elsewhere each state gets its line.
            moving.update(Text(state_text(command)))
            if command.state != shown or command.state not in commands.OPEN:
                shown = command.state
                out().print(state_text(command) if shown not in commands.OPEN else tr(shown))
            if command.state not in commands.OPEN:
                break
            time.sleep(LOOK_EVERY_S)
    if command.state != commands.DONE:
        raise CheckFailed(tr("the node has not done it"))


def state_text(command: StoredCommand) -> str:
    """State, progress and result in a line."""
    text = tr(command.state)
    if command.state == commands.SENT and command.code == wire.BEGIN:
        size = wire.parse_begin(command.payload)[1]
        text += f" {100 * command.done_bytes // size} %"
    if command.result:
        text = tr(": ").join((text, tr_like(plain(command.result))))
    return text
