"""update: which firmware is where; a tool brings a new one (see transfer.py)."""

from typing import TYPE_CHECKING

from nuan_firmware import VERSION, on_demand
from nuan_firmware.console import transfer
from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.commands import Receiver
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = ("kind", "do", "size", "sha256", "at", "data")
_KINDS = ("bundle", "image", "key", "authority")


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """As asked."""
    try:
        if not arguments.has("do"):
            await reply.put("version", VERSION)
            await reply.put("slot", chip.number("slot", 0))
            await reply.put("trial", chip.number("trial", -1))
            await reply.put("tries", chip.number("tries", 0))
            await reply.put("build", chip.number("build", 0))
            await reply.put("vm_build", chip.number("vm_build", 0))
        elif arguments.choice("do", transfer.STEPS) == "begin":
            receiver = _receiver(console, arguments.choice("kind", _KINDS, "bundle"))
            await transfer.begin(console, "update", receiver, arguments, reply)
        elif await transfer.go_on(console, "update", arguments, reply):
            await reply.put("told", "restart the node (reboot): it is tried then")
    finally:
        if console.job is None:
            on_demand.unload("update", "trial", "hal.flash")
            on_demand.unload("nuan_protocols.bundle", "nuan_protocols.sealed")
            on_demand.unload("update_key", "nuan_protocols.key_change")
            on_demand.unload("authority", "nuan_protocols.ca_change")


def _receiver(console: "Console", kind: str) -> "Receiver":
    journal = getattr(console.node, "journal", None)
    if kind == "key":
        from nuan_firmware import update_key

        return update_key.Change(journal)
    if kind == "authority":
        from nuan_firmware import authority

        return authority.Change(journal)
    from nuan_firmware import update

    return (update.Bundle if kind == "bundle" else update.Image)(journal)
