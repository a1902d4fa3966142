"""pull [FROM]: the journal as messages for the gateway, as they would travel; for tools.

    pull             {"epoch","oldest","newest","message": HELLO}; begins
    pull FROM        {"next","message": BATCH}    the entries from a number on, or behind it
                     {"next"} alone               there are no more

`crc` is the CRC-32 of the message. Who has nothing to do with the next answer says nothing more:
after a minute the uplink goes on.
"""

from binascii import crc32
from typing import TYPE_CHECKING

from nuan_firmware import VERSION
from nuan_firmware.console.borrowed import Borrowed
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
    journal = borrowed.journal
    if not borrowed.is_placed or journal.cursor.seq != seq:
        await borrowed.seek(seq)
        borrowed.is_placed = True
    found = journal.next_batch(borrowed.builder, borrowed.nonce)
    await reply.put("next", journal.cursor.seq if found else seq)
    if found:
        await _message(reply, borrowed.builder.finish())
    else:
        console.end_job()


async def _begin(console: "Console", reply: "Reply") -> None:
    console.end_job()
    console.job = borrowed = Borrowed(console)
    await borrowed.begin()
    journal = borrowed.journal
    config = getattr(console.node, "config", None)
    journal.flush()
    borrowed.nonce = chip.random_bytes(NONCE_BYTES)
    hello = Hello(
        journal.shelf.node,
        journal.epoch,
        borrowed.nonce,
        journal.oldest(),
        journal.flushed,
        config.version if config else 0,
        VERSION,
    )
    await reply.put("node", journal.shelf.node.hex())
    await reply.put("epoch", journal.epoch.hex())
    await reply.put("oldest", journal.oldest())
    await reply.put("newest", journal.flushed)
    await _message(reply, build_hello(hello, borrowed.keys))


async def _message(reply: "Reply", message: "Buffer") -> None:
    await reply.put("crc", crc32(message))
    await reply.blob("message", message)
