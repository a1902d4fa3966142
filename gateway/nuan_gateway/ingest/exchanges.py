"""Events of code 10 that say what was replaced: rows for the database, messages for the feed.

    exchange {"slot":3,"old":"12345678","last":"1234.5 GJ","new":...,"first":...,"seals":...,
              "who":...,"note":...,"read":5127,"of":"old"}

The entry is the evidence; what can't be read of it stays an entry and is logged.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.plain_text import plain
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.body import EVENT_CONSOLE
from nuan_protocols.uplink.entry import CLOCK_NEVER_SET, HEAD_BYTES, KIND_EVENT
from nuan_protocols.uplink.entry_reader import parse_event

log = logging.getLogger(__name__)

WORD = "exchange "
_SLOT_MAX = 0xFFFF
_SEQ_MAX = 0xFFFFFFFF
# Name in the event -> column.
_TEXTS = {
    "old": "old_serial",
    "last": "old_register",
    "new": "new_serial",
    "first": "new_register",
    "seals": "seals",
    "who": "who",
    "note": "note",
    "of": "read_of",
}


@dataclass(slots=True)
class Told:
    """What a batch's events say: rows of meter_exchange, (key, kind, payload) of the feed."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


def told_by(
    site: str, journal: tuple[str, str], numbered: Iterable[tuple[int, BatchEntry]]
) -> Told:
    """The exchanges among (row id, entry) pairs of a journal (node, epoch)."""
    told = Told()
    node, epoch = journal
    for row_id, entry in numbered:
        said = _said(entry) if entry.kind == KIND_EVENT else None
        if said is None:
            continue
        place = {"node": node, "epoch": epoch, "seq": entry.seq}
        when = {"time": entry.time, "clock": entry.clock}
        told.rows.append({"entry_id": row_id, **place, **when, **said})
        shown = None if entry.clock == CLOCK_NEVER_SET else _iso(entry.time)
        payload = {"type": "exchange", "site": site, **place, "clock": entry.clock, **said}
        payload["time"] = shown
        key = f"x-{node}-{epoch}-{entry.seq}"
        told.messages.append((key, "exchange", canonical_text(payload)))
    return told


def _said(entry: BatchEntry) -> dict[str, Any] | None:
    """The columns that the event fills; None when it tells of no exchange."""
    try:
        event = parse_event(entry.canonical[HEAD_BYTES:])
    except ProtocolError:
        return None
    if event.code != EVENT_CONSOLE or not event.text.startswith(WORD):
        return None
    try:
        parsed = json.loads(event.text[len(WORD) :])
    except ValueError:
        parsed = None
    said = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    if not _number(said.get("slot"), _SLOT_MAX):
        log.warning("entry %d: an exchange that can't be read: %s", entry.seq, plain(event.text))
        return None
    columns: dict[str, Any] = {"slot": said["slot"]}
    for name, column in _TEXTS.items():
        value = said.get(name, "")
        columns[column] = plain(value) if isinstance(value, str) else ""
    read = said.get("read")
    columns["read_seq"] = read if _number(read, _SEQ_MAX) else None
    return columns


def _number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
