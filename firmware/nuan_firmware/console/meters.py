"""meters: every configured meter, and how its last read went."""

from typing import TYPE_CHECKING

from nuan_firmware.console.reply import Refused

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply
    from nuan_firmware.node import Node
    from nuan_firmware.poller import Poller

NAMES = ()
# By the numbers of nuan_protocols.readout, one higher: 0 is no read since boot.
RESULTS = ("not yet", "ok", "no answer", "unreadable", "exception")


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Say it."""
    now_s = console.node.clock.uptime()
    await reply.rows("meters", "slot", "bus", "address", "every_s", "result", "age_s", "misses")
    for poller in getattr(console.node, "pollers", ()):
        for index, meter in enumerate(poller.meters):
            result = poller.results[index]
            await reply.row(
                meter.slot,
                poller.name,
                shown_address(meter.address),
                meter.every_s,
                RESULTS[result],
                now_s - poller.read_s[index] if result else None,
                poller.misses[index],
            )
    await reply.end_rows()


def shown_address(address: "int | bytes") -> str:
    """A number, or the bytes of a secondary address in hexadecimal."""
    return str(address) if isinstance(address, int) else address.hex()


def find(node: "Node", slot: int) -> "tuple[Poller, int]":
    """The poller that reads a slot, and the meter's place there. Raises Refused."""
    for poller in getattr(node, "pollers", ()):
        for index, meter in enumerate(poller.meters):
            if meter.slot == slot:
                return poller, index
    raise Refused("slot %d: no meter is configured there; meters lists them" % slot)
