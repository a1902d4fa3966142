"""help: the commands, in a line each."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ()
_LINES = (
    ("help", "this list"),
    ("status", "version, clock, journal, memory, link"),
    ("meters", "every meter: last result, how long ago, misses in a row"),
    ("read SLOT", "read a meter now; the frames in hexadecimal"),
    ("scan BUS [FIRST LAST]", "look for M-Bus meters by primary address; Ctrl-C stops"),
    ("log [COUNT]", "the last events"),
    ("link", "the way to the gateway, and why it fails"),
    ("key [NAME VALUE]", "fingerprints of the keys; set or replace one"),
    ("time [UTC_S]", "the clock; set it"),
    ("config [show|confirm|back]", "the configuration; keep or leave the one on trial"),
    ("exchange SLOT OLD ...", "a meter or this node is replaced: note registers, seals, who"),
    ("update", "versions; a tool brings new ones"),
    ("pull [FROM]", "the journal, as messages for the gateway; for tools"),
    ("unlock [ANSWER]", "a challenge, or the answer to it"),
    ("lock", "lock now"),
    ("reboot", "restart"),
    ("repl", "leave to MicroPython's own prompt for an hour"),
)


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Say it."""
    await reply.rows("commands", "command", "what")
    for line in _LINES:
        await reply.row(*line)
    await reply.end_rows()
