"""time [UTC_S]: the clock; a number sets it, from the installer's PC. The gateway's word is better.

A clock set here counts as told by a source that anybody may be, like NTP: it sets a clock that was
never set, moves one that coasts within a bound, and never one that the gateway has told lately.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import clock as clocks
from nuan_firmware.console.reply import Refused
from nuan_firmware.console.status import civil

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ("utc_s",)
_LAST_S = 0xFFFEFFFF
_SLACK_MS = const(1000)
_SOURCES = ("nobody", "meters", "ntp or console", "kept through the restart", "gateway")


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """Say it, after setting it."""
    node = console.node
    clock = node.clock
    if arguments.has("utc_s"):
        utc_s = arguments.integer("utc_s", clocks.PLAUSIBLE_S, _LAST_S)
        times = getattr(node, "times", None)
        source = clock if times is None else times
        if source.tell(clocks.NTP, utc_s, 0, _SLACK_MS) == clocks.REFUSED:
            raise Refused(
                "the clock was told %s by a better source (%s) and stays"
                % (civil(clock.now()), _SOURCES[clock.rank])
            )
    quality = clock.quality()
    await reply.put("time", civil(clock.now()) if quality else "")
    await reply.put("time_s", clock.now())
    await reply.put("quality", quality)
    await reply.put("source", _SOURCES[clock.rank])
    await reply.put("steps", clock.steps)
    await reply.put("uptime_s", clock.uptime())
