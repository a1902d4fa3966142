"""repl: stop the node and leave to MicroPython's own prompt, for an hour at most."""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ()
_ANSWER_MS = const(500)
# The watchdog can't be stopped, only be given more time: who forgets the board finds it at work.
_HOUR_MS = const(3600000)


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Stop, soon."""
    journal = getattr(console.node, "journal", None)
    if journal is not None:
        journal.flush()
    await reply.put("restarts_in_s", _HOUR_MS // 1000)
    asyncio.create_task(_later(reply))  # noqa: RUF006  # it ends the program


async def _later(reply: "Reply") -> None:
    await asyncio.sleep_ms(_ANSWER_MS)
    chip.Watchdog(_HOUR_MS)
    reply.screen.release()
    # What Ctrl-C raises: it passes every "except Exception", and main.py ends with it.
    raise KeyboardInterrupt
