"""When did a node boot? What its journal says about entries that count seconds since a boot.

A journal is cut into boots: each begins with the tombstone of the numbers reserved before it, or
with a boot event. Of a boot that has set its clock an event names uptime and UTC of one moment:
that dates all of its entries. Of one that never learned the time, its neighbours give bounds: it
began after what came before had ended, and ended before what came after began. Pure: no database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from nuan_protocols.uplink.body import (
    EVENT_BOOT,
    EVENT_CLOCK_STEP,
    EVENT_TIME,
    TOMBSTONE_RESERVED,
)
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EVENT, KIND_TOMBSTONE

SOURCES = ("meters", "ntp", "kept", "gateway")
"""Who sets a node's clock, by rank; firmware before 0.2 named only the gateway, and not by name."""

# Entries hold 32 bits of seconds: what has more digits no clock has shown.
_STEP = re.compile(
    rf"(?:({'|'.join(SOURCES)}) )?(\d{{1,10}}) \((\d{{1,2}})\) -> (\d{{1,10}})(?!\d)"
)
# An exchange has the time of its question and is written after its answer, behind later events.
_DISORDER_S = 600


class Line(NamedTuple):
    """What matters here of a journal entry; `body` only of events and tombstones."""

    seq: int
    kind: int
    time: int
    clock: int
    body: bytes


@dataclass
class Boot:
    """Entries first_seq..last_seq of one boot; `boot_s` is None while it isn't dated.

    `uptime_s`   the highest seconds since boot that an entry has, -1 without such entries
    `first_s`    UTC of its first, `last_s` of its last entry with a set clock, 0 without any
    `has_gap`    numbers are missing before the event that set the clock
    """

    first_seq: int
    last_seq: int
    uptime_s: int = -1
    first_s: int = 0
    last_s: int = 0
    boot_s: int | None = None
    earliest_s: int | None = None
    latest_s: int | None = None
    source: str = ""
    event_seq: int | None = None
    has_gap: bool = False
    is_noted: bool = False

    @property
    def rule(self) -> str:
        """How the boot is dated: "event:SOURCE", "bounds", or "open"."""
        if self.source:
            return f"event:{self.source}" + ("+gap" if self.has_gap else "")
        return "open" if self.boot_s is None else "bounds"


def step_of(body: bytes) -> tuple[str, int, int, int] | None:
    """(source, before, quality before, after) of an event body that tells of a step."""
    if not body or body[0] not in (EVENT_CLOCK_STEP, EVENT_TIME):
        return None
    found = _STEP.match(body[1:].decode("utf-8", "replace"))
    if found is None:
        return None
    return found[1] or "gateway", int(found[2]), int(found[3]), int(found[4])


def starts_boot(kind: int, body: bytes) -> bool:
    """Whether an entry is among a boot's first: its reserved numbers, or the boot event."""
    if kind == KIND_TOMBSTONE:
        return len(body) > 8 and body[8] == TOMBSTONE_RESERVED
    return kind == KIND_EVENT and body[:1] == bytes((EVENT_BOOT,))


def boots(lines: Iterable[Line]) -> list[Boot]:
    """Cut a journal, or a part of it that begins with a boot, into boots; dates by events."""
    found: list[Boot] = []
    expected = 0
    for line in lines:
        boot = found[-1] if found else None
        if boot is None or _begins(boot, line):
            boot = Boot(line.seq, line.seq)
            found.append(boot)
        elif line.seq != expected and not boot.source:
            boot.has_gap = True
        expected = line.seq + 1
        boot.last_seq = line.seq
        boot.is_noted = boot.is_noted or (line.kind == KIND_EVENT and line.body[:1] == b"\x01")
        if line.clock:
            boot.first_s = boot.first_s or line.time
            boot.last_s = max(boot.last_s, line.time)
        else:
            boot.uptime_s = max(boot.uptime_s, line.time)
        if line.kind == KIND_EVENT:
            _hear(boot, line)
    return found


def bound(found: list[Boot], before_s: int | None) -> None:
    """Date the boots that events don't, between their neighbours; `before_s`: the last UTC known of
    what came before the first of them."""
    low = before_s
    for boot in found:
        if boot.boot_s is not None:
            low = max(boot.last_s, boot.boot_s + max(0, boot.uptime_s))
        elif boot.uptime_s < 0:
            low = boot.last_s or low
        else:
            boot.earliest_s = low
            low = None if low is None else low + boot.uptime_s
    high: int | None = None
    for boot in reversed(found):
        if boot.boot_s is not None:
            high = boot.boot_s
        elif boot.uptime_s < 0:
            high = boot.first_s or high
        else:
            boot.latest_s = high = None if high is None else high - boot.uptime_s
    for boot in found:
        low, high = boot.earliest_s, boot.latest_s
        if boot.boot_s is None and low is not None and high is not None and low <= high:
            boot.boot_s = (low + high) // 2


def _begins(boot: Boot, line: Line) -> bool:
    """Whether this entry belongs to another boot than the one before it."""
    if line.kind == KIND_TOMBSTONE and starts_boot(line.kind, line.body):
        return True
    if starts_boot(line.kind, line.body):
        return boot.is_noted
    # The entries that would tell were lost: the seconds since boot tell.
    return not line.clock and line.time + _DISORDER_S < boot.uptime_s


def _hear(boot: Boot, line: Line) -> None:
    step = step_of(line.body)
    if step is None:
        return
    source, before, quality, after = step
    if quality == 0:
        boot.boot_s = boot.earliest_s = boot.latest_s = after - before
        boot.source, boot.event_seq = source, line.seq
    elif boot.boot_s is not None and SOURCES.index(source) > SOURCES.index(boot.source):
        # Whoever knows better has put right what the first one said.
        boot.boot_s += after - before
        boot.earliest_s = boot.latest_s = boot.boot_s
        boot.source, boot.event_seq = source, line.seq


def body_of(kind: int, raw: bytes) -> bytes:
    """The body of an event's or tombstone's canonical bytes, b"" of others."""
    return raw[HEAD_BYTES:] if kind in (KIND_EVENT, KIND_TOMBSTONE) else b""
