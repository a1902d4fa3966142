"""What meters' own clocks showed in answers that were read anyway: witnesses of when that was.

An M-Bus meter tells it in a record of date and time (DIF 04 or 06, VIF 6D), whether or not its
model makes a reading of it; of other meters the reading `datetime` is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from statistics import median_low

from sqlalchemy import Connection

from nuan_gateway.store import datings
from nuan_gateway.store.datings import StoredDating
from nuan_protocols.errors import ProtocolError
from nuan_protocols.mbus import walk
from nuan_protocols.mbus.dates import date_text
from nuan_protocols.uplink.body import RESULT_OK
from nuan_protocols.uplink.entry_reader import parse_entry, parse_exchange

WITNESSES_MIN = 3
AGREE_S = 600
"""So far may a meter's clock be from the median and still bear it out."""

_DIFS = (0x04, 0x06)
_VIF_TIME = 0x6D
_LONG = 0x68


def agreed(heard: list[int]) -> list[int]:
    """The witnesses that bear out their median, if they are enough and most of all."""
    if len(heard) < WITNESSES_MIN:
        return []
    middle = median_low(heard)
    near = [each for each in heard if abs(each - middle) <= AGREE_S]
    return near if len(near) >= WITNESSES_MIN and 2 * len(near) > len(heard) else []


def boot_by_meters(connection: Connection, boot: StoredDating, zone: tzinfo) -> list[int]:
    """When a boot was (UTC seconds), by each meter whose clock was read in it."""
    said: dict[str, list[int]] = {}
    for meter, text, uptime_s in _shown(connection, boot):
        try:
            civil = datetime.fromisoformat(text)
        except ValueError:
            continue
        utc_s = int(civil.replace(tzinfo=zone).timestamp())
        said.setdefault(meter, []).append(utc_s - uptime_s)
    return [median_low(each) for each in said.values()]


def _shown(connection: Connection, boot: StoredDating) -> Iterator[tuple[str, str, int]]:
    """(meter, what its clock showed, seconds since boot)."""
    heard: set[int] = set()
    for raw in datings.exchanges(connection, boot):
        entry = parse_entry(raw)
        try:
            exchange = parse_exchange(entry.body)
        except ProtocolError:
            continue
        text = mbus_time(exchange.answer) if exchange.result == RESULT_OK else ""
        if text:
            heard.add(entry.seq)
            yield f"{exchange.config_version}/{exchange.slot}", text, entry.time
    for seq, meter, text, uptime_s in datings.meter_clocks(connection, boot):
        if seq not in heard:
            yield meter, text, uptime_s


def mbus_time(answer: bytes) -> str:
    """What the clock of an M-Bus meter shows in its answer, as ISO 8601; "" without one."""
    if len(answer) < walk.USER_DATA_AT + 2 or answer[0] != _LONG or answer[3] != _LONG:
        return ""
    header = walk.HEADER_BYTES_OF_CI.get(answer[6], -1)
    offset, end = walk.USER_DATA_AT + header, len(answer) - 2
    while header >= 0 and offset < end:
        span = walk.next_span(answer, offset, end)
        own = span.kind == walk.RECORD and span.vib == offset + 1
        if own and answer[offset] in _DIFS and answer[span.vib] == _VIF_TIME:
            text, status = date_text(answer[span.data : span.end])
            return text if status == "ok" else ""
        offset = span.end
    return ""
