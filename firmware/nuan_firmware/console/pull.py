"""pull [FROM]: the journal as messages for the gateway, as they would travel; for tools.

    pull             {"epoch","oldest","newest","message": HELLO}      begins
    pull FROM        {"first","next","message": BATCH}                 the entries from a number on
                     {"next"} alone                                    there are no more

`crc` is the CRC-32 of the message. Who has nothing to do with the next answer says nothing more:
after a minute the uplink goes on.
"""

import asyncio
from binascii import crc32
from typing import TYPE_CHECKING

from nuan_firmware import VERSION
from nuan_firmware.console.borrowed import STEPS, Borrowed
from nuan_firmware.console.reply import Refused
from nuan_firmware.hal import chip
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.message import NONCE_BYTES

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply
    from nuan_protocols.uplink.keys import Buffer

NAMES = ("from",)
_SEQ_MAX = 0xFFFFFFFF


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """One message."""
    if not reply.is_json:
        raise Refused("messages are for tools: nuan pull PORT -o FILE takes the journal")
    if not arguments.has("from"):
        await _begin(console, reply)
        return
    seq = arguments.integer("from", 1, _SEQ_MAX)
    borrowed = console.job
    if not isinstance(borrowed, Borrowed):
        raise Refused("begin with pull without a number")
    message = await _batch(borrowed, seq)
    if message is None:
        console.end_job()
        await reply.put("next", seq)
        return
    await reply.put("first", borrowed.first)
    await reply.put("next", borrowed.journal.cursor.seq)
    await _message(reply, message)


async def _begin(console: "Console", reply: "Reply") -> None:
    console.end_job()
    console.job = borrowed = Borrowed(console)
    await borrowed.begin()
    node, journal = console.node, borrowed.journal
    journal.flush()
    borrowed.nonce = chip.random_bytes(NONCE_BYTES)
    hello = Hello(
        journal.shelf.node,
        journal.epoch,
        borrowed.nonce,
        journal.oldest(),
        journal.flushed,
        node.config.version,
        VERSION,
    )
    await reply.put("node", journal.shelf.node.hex())
    await reply.put("epoch", journal.epoch.hex())
    await reply.put("oldest", journal.oldest())
    await reply.put("newest", journal.flushed)
    await _message(reply, build_hello(hello, node.keys))


async def _batch(borrowed: Borrowed, seq: int) -> "memoryview | None":
    """The entries from a number on, or from the next one that is held; None when there are none."""
    journal, builder = borrowed.journal, borrowed.builder
    cursor = journal.cursor
    if cursor.seq != seq or not borrowed.first:
        await borrowed.seek(seq)
    entry = cursor.entry()
    if entry is None or cursor.seq > journal.flushed:
        return None
    borrowed.first = following = cursor.seq
    builder.begin(borrowed.nonce, following, cursor.chain)
    # A jump in the numbers begins a new batch: its first entry is the tombstone that names it.
    while entry is not None and cursor.seq == following and builder.add(entry):
        cursor.advance()
        following += 1
        if following % STEPS == 0:
            await asyncio.sleep_ms(0)
        entry = cursor.entry()
    journal.name_losses()
    return builder.finish()


async def _message(reply: "Reply", message: "Buffer") -> None:
    await reply.put("crc", crc32(message))
    await reply.blob("message", message)
