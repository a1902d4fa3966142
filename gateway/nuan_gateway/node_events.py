"""What nodes have told in events: boots, faults, updates, who did what."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from nuan_gateway.store import datings
from nuan_gateway.store.schema import entry
from nuan_protocols.errors import ProtocolError
from nuan_protocols.uplink import body
from nuan_protocols.uplink.entry import CLOCK_NEVER_SET, HEAD_BYTES, KIND_EVENT
from nuan_protocols.uplink.entry_reader import parse_event

NAMES = {
    body.EVENT_BOOT: "boot",
    body.EVENT_CLOCK_STEP: "clock step",
    body.EVENT_CONFIGURATION: "configuration",
    body.EVENT_FAULT: "fault",
    body.EVENT_PANIC: "panic",
    body.EVENT_TIME: "time",
    body.EVENT_UPDATE: "update",
    body.EVENT_SAFE_MODE: "safe mode",
    body.EVENT_LINK: "link",
    body.EVENT_CONSOLE: "console",
    body.EVENT_OVERRIDE: "override",
    body.EVENT_STATISTICS: "statistics",
}
"""The events' codes, as docs/node.md explains them."""


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """One event. `time_s`: UTC, None where nobody knows when the node had booted; `code` 0: bytes
    that this version can't read."""

    node: str
    epoch: str
    seq: int
    time_s: int | None
    code: int
    name: str
    text: str


def latest_events(engine: Engine, count: int, node: str | None = None) -> list[NodeEvent]:
    """The last `count` events to come in, of one node or of all, the oldest first."""
    query = select(
        entry.c.node, entry.c.epoch, entry.c.seq, entry.c.time, entry.c.clock, entry.c.raw
    )
    query = query.where(entry.c.kind == KIND_EVENT)
    if node is not None:
        query = query.where(entry.c.node == node)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(entry.c.id.desc()).limit(count)).all()
        return [_event(connection, *row) for row in reversed(rows)]


def _event(
    connection: Connection, node: str, epoch: str, seq: int, time: int, clock: int, raw: bytes
) -> NodeEvent:
    time_s: int | None = time
    if clock == CLOCK_NEVER_SET:
        boot = datings.covering(connection, node, epoch, seq)
        time_s = None if boot is None or boot.boot_s is None else boot.boot_s + time
    try:
        code, text = parse_event(raw[HEAD_BYTES:])
    except ProtocolError as error:
        return NodeEvent(node, epoch, seq, time_s, 0, "?", str(error))
    return NodeEvent(node, epoch, seq, time_s, code, NAMES[code], text)
