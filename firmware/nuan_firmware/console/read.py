"""read SLOT: one meter, now, between the turns of its bus; journaled like every read."""

import time
from typing import TYPE_CHECKING

from nuan_firmware.console import meters

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ("slot",)


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Read, then show what was exchanged."""
    poller, index = meters.find(console.node, arguments.integer("slot", 1, 0xFFFF))
    begun_ms = time.ticks_ms()
    exchanges = await poller.read_one(index)
    took_ms = time.ticks_diff(time.ticks_ms(), begun_ms)
    await reply.put("slot", poller.meters[index].slot)
    await reply.put("bus", poller.name)
    await reply.put("result", meters.RESULTS[poller.results[index]])
    await reply.put("seq", poller.wrote)
    await reply.put("took_ms", took_ms)
    if reply.is_json:
        await reply.rows("exchanges", "part", "result", "tries", "question", "answer")
        for part, result, tries, question, answer in exchanges:
            await reply.row(part, result, tries, question.hex(), answer.hex())
        await reply.end_rows()
        return
    for _, result, tries, question, answer in exchanges:
        await reply.put("asked", "%d x, %s" % (tries, meters.RESULTS[result + 1]))
        await reply.blob("question", question)
        await reply.blob("answer", answer)
