"""Dates entries that count seconds since a boot, once the journal tells when that boot was.

The entries stay as they are: their date is derived, kept in a table of its own with the rule that
made it, and their readings carry the rule. Rules, from the best to the least:

    event:SOURCE   an event of the same boot names its uptime and the UTC of one moment
    witness        between the bounds, and by the clocks of several meters that agree
    bounds         the middle between the end of the boot before and the beginning of the one after

A boot that can't be dated yet stays open, until another boot of that node tells more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import tzinfo
from statistics import median_low

from sqlalchemy import Connection

from nuan_gateway.evidence.canonical import canonical_text
from nuan_gateway.ingest.boots import Boot, Line, body_of, boots, bound, starts_boot, step_of
from nuan_gateway.ingest.meter_clocks import AGREE_S, agreed, boot_by_meters
from nuan_gateway.store import datings, outbox
from nuan_gateway.store.datings import OPEN, StoredDating
from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.entry import KIND_EVENT, KIND_TOMBSTONE

log = logging.getLogger(__name__)

JournalKey = tuple[str, str]
_LOOK_BACK = 200
_FEED_ENTRIES_MAX = 1000


class Dater:
    """Boots that wait for a date, in step with the writer's transactions."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._open: dict[JournalKey, int] | None = None
        self._fresh: dict[JournalKey, int] = {}
        self._due: set[JournalKey] = set()

    def begin(self, connection: Connection) -> None:
        """A transaction begins."""
        if self._open is None:
            self._open = {}
            for row in datings.load_open(connection):
                key = (row.node, row.epoch)
                self._open[key] = min(row.first_seq, self._open.get(key, row.first_seq))

    def note(self, key: JournalKey, fresh: Iterable[BatchEntry]) -> None:
        """Look at newly committed entries of a journal."""
        for entry in fresh:
            if entry.clock == 0:
                self._fresh[key] = min(entry.seq, self._fresh.get(key, entry.seq))
            if entry.kind in (KIND_EVENT, KIND_TOMBSTONE):
                body = body_of(entry.kind, entry.canonical)
                if step_of(body) or starts_boot(entry.kind, body):
                    self._due.add(key)

    def save(self, connection: Connection, site: str, now_ms: int) -> None:
        """Date what can be dated by now; after this transaction's entries are in."""
        waiting = self._open if self._open is not None else {}
        for key, first in sorted(self._fresh.items()):
            known = datings.covering(connection, *key, first)
            if known is not None and known.rule != OPEN:
                # A gap of a boot that is dated was filled.
                self._due.add(key)
            if first < waiting.get(key, first + 1):
                waiting[key] = first
                if key not in self._due:
                    _keep_open(connection, key, first, now_ms)
        for key in sorted(self._due & waiting.keys()):
            left = self._date(connection, key, waiting.pop(key), site, now_ms)
            if left is not None:
                waiting[key] = left
        self._fresh.clear()
        self._due.clear()

    def rolled_back(self) -> None:
        """The transaction failed: what it has shown is forgotten with it."""
        self._open = None
        self._fresh.clear()
        self._due.clear()

    def _date(
        self, connection: Connection, key: JournalKey, seq: int, site: str, now_ms: int
    ) -> int | None:
        """Date the journal's boots from the one with this number on; the first left open."""
        begin = _boot_begin(connection, key, seq)
        lines = (
            Line(number, kind, time, clock, body_of(kind, raw))
            for number, kind, time, clock, raw in datings.lines_from(connection, *key, begin)
        )
        found = boots(lines)
        bound(found, _known_before(connection, key, begin))
        still_open = None
        for boot in found:
            if boot.uptime_s < 0:
                continue
            made = self._made(connection, key, boot, now_ms)
            if made.rule == OPEN:
                still_open = min(boot.first_seq, still_open or boot.first_seq)
            before = datings.covering(connection, *key, boot.first_seq)
            datings.save(connection, [made])
            if made.boot_s is not None:
                times = datings.date_readings(connection, made)
                if before is None or (before.rule, before.boot_s) != (made.rule, made.boot_s):
                    _tell(connection, site, made, times, now_ms)
        return still_open

    def _made(
        self, connection: Connection, key: JournalKey, boot: Boot, now_ms: int
    ) -> StoredDating:
        row = StoredDating(
            *key, boot.first_seq, boot.last_seq, boot.rule, boot.boot_s, boot.earliest_s,
            boot.latest_s, boot.event_seq, now_ms,
        )  # fmt: skip
        if boot.source:
            return row
        latest_s = now_ms // 1000 if boot.latest_s is None else boot.latest_s
        earliest_s = 0 if boot.earliest_s is None else boot.earliest_s
        heard = agreed(boot_by_meters(connection, row, self._zone))
        if not heard or not earliest_s - AGREE_S <= median_low(heard) <= latest_s + AGREE_S:
            return row
        low = max(min(heard), earliest_s)
        high = max(low, min(max(heard), latest_s))
        when = min(max(median_low(heard), low), high)
        return StoredDating(
            *key, boot.first_seq, boot.last_seq, "witness", when, low, high, None, now_ms
        )


def _boot_begin(connection: Connection, key: JournalKey, seq: int) -> int:
    """The first number of the boot that this one belongs to."""
    begin = seq
    for number, kind, raw in datings.telling_before(connection, *key, seq, _LOOK_BACK):
        body = body_of(kind, raw)
        if starts_boot(kind, body):
            begin = number
            if kind == KIND_TOMBSTONE:
                break
        elif begin < seq and kind == KIND_EVENT:
            # Before the boot event there is only the tombstone of its reserved numbers.
            break
    return begin


def _known_before(connection: Connection, key: JournalKey, begin: int) -> int | None:
    """The last UTC second that is known of what came before this number."""
    last = datings.last_before(connection, *key, begin)
    if last is None:
        return None
    seq, time, clock = last
    if clock:
        return time
    known = datings.covering(connection, *key, seq)
    return None if known is None or known.earliest_s is None else known.earliest_s + time


def _keep_open(connection: Connection, key: JournalKey, seq: int, now_ms: int) -> None:
    row = StoredDating(*key, seq, seq, OPEN, None, None, None, None, now_ms)
    datings.save(connection, [row])


def _tell(
    connection: Connection,
    site: str,
    made: StoredDating,
    times: list[tuple[int, int]],
    now_ms: int,
) -> None:
    """Tell the feed the times of readings that went out without one."""
    log.info(
        "node %s, epoch %s: %d..%d dated by %s", made.node, made.epoch, made.first_seq,
        made.last_seq, made.rule,
    )  # fmt: skip
    messages: list[tuple[str, str, str]] = []
    for at in range(0, len(times), _FEED_ENTRIES_MAX):
        part = times[at : at + _FEED_ENTRIES_MAX]
        payload = {
            "type": "dated",
            "site": site,
            "node": made.node,
            "epoch": made.epoch,
            "rule": made.rule,
            "boot": made.boot_s,
            "earliest": made.earliest_s,
            "latest": made.latest_s,
            "entries": [{"seq": seq, "time": time} for seq, time in part],
        }
        name = f"dated-{made.node}-{made.epoch}-{part[0][0]}-{made.rule}-{made.boot_s}"
        messages.append((name, "dated", canonical_text(payload)))
    outbox.put(connection, messages, now_ms)
