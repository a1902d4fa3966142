"""link: the way to the gateway."""

from typing import TYPE_CHECKING

from nuan_firmware.console.reply import Refused

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ()


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Say it."""
    node = console.node
    uplink = getattr(node, "uplink", None)
    if uplink is None:
        raise Refused("no uplink runs")
    await reply.put("gateway", "%s:%d" % (node.config.host, node.config.port))
    state = uplink.describe()
    links = state.pop("links", {})
    for name in sorted(state):
        await reply.put(name, state[name])
    for name in sorted(links):
        await reply.put("link_" + name, links[name])
