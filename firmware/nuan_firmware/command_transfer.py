"""Takes what the gateway transfers in pieces: a configuration, an update. Loaded on demand."""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import trial
from nuan_firmware.hal import chip
from nuan_protocols.uplink import command as wire
from nuan_protocols.uplink.result import DONE, GO_ON

if TYPE_CHECKING:
    from nuan_firmware.commands import Commands, Receiver
    from nuan_firmware.node import Node

# Long enough for the result to reach the gateway, and for a turn that has begun to end.
_RESTART_S = const(5)
_TURN_S_MAX = const(120)
_LOOK_S = const(30)


def run(commands: "Commands", code: int, payload: bytes) -> "tuple[int, str, int]":
    """One step of a transfer. Raises ValueError to refuse: then it is over."""
    if code == wire.BEGIN:
        kind, size, digest = wire.parse_begin(payload)
        commands.receiver = None
        begun = _receiver(commands.node, kind)
        offset = begun.begin(size, digest)
        commands.receiver = begun
        return GO_ON, "", offset
    receiver = commands.receiver
    if receiver is None:
        raise ValueError("no transfer has begun")
    if code == wire.DATA:
        offset, piece = wire.parse_data(payload)
        try:
            return GO_ON, "", receiver.data(offset, piece)
        except Exception:
            commands.receiver = None
            raise
    commands.receiver = None
    receiver.end()
    asyncio.create_task(restart(commands.node))  # noqa: RUF006
    # What the heap at work had no room to check, the boot checks.
    unchecked = getattr(receiver, "trial_version", -1) == 0
    return DONE, ("checked and on trial" if unchecked else "on trial") + " after a restart", 0


def _receiver(node: "Node", kind: int) -> "Receiver":
    if kind == wire.KIND_CONFIG:
        from nuan_firmware.config_store import ConfigStore

        return ConfigStore(node.config.node, node.config.version)
    if kind in (wire.KIND_BUNDLE, wire.KIND_IMAGE):
        from nuan_firmware import update

        return (update.Bundle if kind == wire.KIND_BUNDLE else update.Image)(node.journal)
    if kind == wire.KIND_KEY:
        from nuan_firmware import update_key

        return update_key.Change(node.journal)
    if kind == wire.KIND_AUTHORITY:
        from nuan_firmware import authority

        return authority.Change(node.journal)
    raise ValueError("this firmware takes no transfer of kind %d" % kind)


async def restart(node: "Node") -> None:
    """Restart when no meter is being read, with everything journaled on flash.

    An update on trial has only one start: its proof is awaited, or it ends with a restart itself.
    """
    await asyncio.sleep(_RESTART_S)
    while not node.supervisor.is_healthy and trial.is_on_trial():
        await asyncio.sleep(_LOOK_S)
    for _ in range(_TURN_S_MAX):
        if node.safe_why or node.cycle.is_idle():
            break
        await asyncio.sleep(1)
    node.journal.flush()
    chip.restart()
