"""unlock: a challenge; unlock ANSWER: open the console for the right answer."""

from typing import TYPE_CHECKING

from nuan_firmware.console import locking

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ("answer",)
_DIGITS_MAX = 64


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Ask, or take the answer."""
    if arguments.has("answer"):
        locking.answer(console, arguments.text("answer", _DIGITS_MAX))
        await reply.put("open_s", console.open_s - console.node.clock.uptime())
    elif locking.is_open(console):
        await reply.put("locked", False)
    else:
        await reply.put("challenge", locking.challenge(console))
        config = getattr(console.node, "config", None)
        await reply.put("node", config.node.hex() if config else "")
