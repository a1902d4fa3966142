"""lock: lock the console now, without waiting for ten idle minutes."""

from typing import TYPE_CHECKING

from nuan_firmware.console import locking

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ()


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Lock."""
    console.end_job()
    console.open_s = 0
    await reply.put("locked", not locking.is_open(console))
