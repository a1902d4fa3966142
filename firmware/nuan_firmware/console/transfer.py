"""A file that comes in pieces, for the commands config, update and key.

    do=begin size=N sha256=HEX    {"next": offset}      a transfer that broke off goes on from there
    do=data at=OFFSET data=B64    {"next": offset}      what was not wanted is said again
    do=end                        checked as a whole, and taken or refused

A receiver has begin(size, sha256) and data(offset, bytes), which give the offset wanted next, and
end(); their ValueErrors are refusals. What is on flash by then stays there: a transfer survives a
restart, and a minute of silence.
"""

from typing import TYPE_CHECKING

from nuan_firmware.console.reply import Refused

if TYPE_CHECKING:
    from nuan_firmware.commands import Receiver
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ("do", "size", "sha256", "at", "data")
STEPS = ("begin", "data", "end")
_SIZE_MAX = 1 << 25
_DIGEST_BYTES = 32


class Transfer:
    """A job of the console: one receiver at work for one command."""

    def __init__(self, command: str, receiver: "Receiver") -> None:
        self.command = command
        self.receiver = receiver

    def end(self) -> None:
        """Nobody goes on with it; its receiver keeps what it has on flash."""


async def begin(
    console: "Console", command: str, receiver: "Receiver", arguments: "Arguments", reply: "Reply"
) -> None:
    """The first step, with a receiver just made."""
    size = arguments.integer("size", 1, _SIZE_MAX)
    digest = arguments.hexadecimal("sha256", _DIGEST_BYTES)
    console.end_job()
    try:
        at = receiver.begin(size, digest)
    except ValueError as problem:
        raise Refused(str(problem)) from None
    console.job = Transfer(command, receiver)
    await reply.put("next", at)


async def go_on(console: "Console", command: str, arguments: "Arguments", reply: "Reply") -> bool:
    """do=data or do=end; True when the transfer has ended well."""
    job = console.job
    if not isinstance(job, Transfer) or job.command != command:
        raise Refused("no transfer has begun: do=begin comes first")
    try:
        if arguments.choice("do", STEPS) == "data":
            at = arguments.integer("at", 0, _SIZE_MAX)
            await reply.put("next", job.receiver.data(at, arguments.blob("data")))
            return False
        console.end_job()
        job.receiver.end()
    except ValueError as problem:
        raise Refused(str(problem)) from None
    return True
