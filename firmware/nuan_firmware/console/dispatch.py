"""Takes one line apart, runs its command, and answers whatever happens."""

import gc
from typing import TYPE_CHECKING

from nuan_firmware.console import locking
from nuan_firmware.console.arguments import Arguments, from_json, from_words, named
from nuan_firmware.console.reply import Refused, Reply

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.console.listener import Console
    from nuan_firmware.hal.screen import Screen

COMMANDS = (
    "help",
    "status",
    "meters",
    "read",
    "scan",
    "log",
    "link",
    "key",
    "time",
    "config",
    "exchange",
    "update",
    "pull",
    "unlock",
    "lock",
    "reboot",
    "repl",
)
# What a locked console answers to.
OPEN_COMMANDS = ("help", "status", "unlock")
_BRACE = 0x7B


async def carry_out(
    console: "Console", screen: "Screen", line: memoryview, is_too_long: bool
) -> None:
    """Answer one line; nothing that can be in it is a fault of the node."""
    is_json = len(line) > 0 and line[0] == _BRACE
    reply = Reply(screen, is_json)
    if not is_json:
        await screen.write("\n")
    error = ""
    is_locked = False
    try:
        if is_too_long:
            raise Refused("the line is too long: at most 256 bytes")
        try:
            text = bytes(line).decode()
        except UnicodeError:
            raise Refused("the line is not UTF-8") from None
        is_locked = not await _run(console, text, reply)
    except Refused as problem:
        error = str(problem)
    except Exception as problem:
        # A fault of ours: said here, and to the supervisor, who journals it.
        error = "fault: " + repr(problem)
        console.node.supervisor.fault(console.name, problem)
    if is_locked:
        error = "locked: answer the challenge first (unlock)"
    await reply.end(error, is_locked)


async def _run(console: "Console", text: str, reply: Reply) -> bool:
    """Run the command in a line; False when the console is locked for it."""
    words: "list[str]" = []
    values: "dict[str, Any]" = {}
    if reply.is_json:
        ident, command, values = from_json(text)
        reply.name(ident)
    else:
        command, words = from_words(text)
        if not command:
            return True
    if command not in COMMANDS:
        raise Refused("%s: no such command; help lists them" % command[:20])
    is_open = locking.is_open(console)
    if not is_open and command not in OPEN_COMMANDS:
        return False
    # What a command loads must find room in one piece.
    gc.collect()
    module = __import__("nuan_firmware.console." + command, None, None, ("run",))
    arguments = Arguments(values if reply.is_json else named(words, module.NAMES))
    arguments.check(command, module.NAMES)
    await module.run(console, arguments, reply)
    return True
