"""log [COUNT] [BACK]: the last events among so many entries of the journal, oldest first."""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.console.borrowed import STEPS, Borrowed
from nuan_firmware.console.status import civil
from nuan_firmware.hal import chip
from nuan_firmware.on_demand import unload
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_EVENT
from nuan_protocols.uplink.fields import uint

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

    Event = tuple[int, int, int, int, str]

NAMES = ("count", "back")
_COUNT_MAX = const(40)
_COUNT_USUAL = const(10)
# Events lie far apart among readings.
_BACK_USUAL = const(500)
_BACK_MAX = const(20000)
KINDS = (
    "", "boot", "clock", "config", "fault", "panic", "time", "update", "safe", "link", "console",
    "override", "statistics",
)  # fmt: skip


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Say it."""
    count = arguments.integer("count", 1, _COUNT_MAX, _COUNT_USUAL)
    back = arguments.integer("back", 1, _BACK_MAX, _BACK_USUAL)
    console.end_job()
    borrowed = Borrowed(console)
    await borrowed.begin()
    try:
        borrowed.journal.flush()
        events = await _last(reply, borrowed, count, back)
    finally:
        borrowed.end()
    await reply.rows("events", "seq", "time", "kind", "text")
    for seq, time, clock, code, text in events:
        when = civil(time) if clock else "boot + %d s" % time
        await reply.row(seq, when, KINDS[code] if code < len(KINDS) else str(code), text)
    await reply.end_rows()
    await reply.put("crashes", chip.number("crashes", 0))


async def _last(reply: "Reply", borrowed: Borrowed, count: int, back: int) -> "list[Event]":
    events: "list[Event]" = []
    journal, cursor = borrowed.journal, borrowed.journal.cursor
    await borrowed.seek(max(1, journal.flushed - back + 1))
    steps = 0
    entry = cursor.entry()
    while entry is not None and cursor.seq <= journal.flushed:
        if entry[1] == KIND_EVENT:
            text = bytes(entry[HEAD_BYTES + 1 :]).decode()
            events.append((cursor.seq, uint(entry, 22, 4), entry[26], entry[HEAD_BYTES], text))
            if len(events) > count:
                events.pop(0)
        cursor.advance()
        steps += 1
        if steps % STEPS == 0:
            await asyncio.sleep_ms(0)
            if reply.screen.is_interrupted():
                break
        entry = cursor.entry()
    from nuan_firmware.room import name_losses

    name_losses(journal)
    unload("room")
    return events
