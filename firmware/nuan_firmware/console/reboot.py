"""reboot: restart, with everything journaled on flash; the answer comes before."""

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


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Restart, soon."""
    journal = getattr(console.node, "journal", None)
    if journal is not None:
        journal.flush()
    await reply.put("restarts_in_ms", _ANSWER_MS)
    asyncio.create_task(_later())  # noqa: RUF006  # it ends with the program


async def _later() -> None:
    await asyncio.sleep_ms(_ANSWER_MS)
    chip.restart()
