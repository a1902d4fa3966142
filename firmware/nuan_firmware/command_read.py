"""Reads meters now, because the gateway asks. Loaded on demand, gone when they are read."""

import asyncio
from typing import TYPE_CHECKING

from nuan_firmware import on_demand
from nuan_protocols.uplink.body import RESULT_OK
from nuan_protocols.uplink.result import DONE, FAILED

if TYPE_CHECKING:
    from nuan_firmware.commands import Commands
    from nuan_firmware.node import Node
    from nuan_firmware.poller import Poller


def start(commands: "Commands", slots: "list[int]") -> None:
    """Have the meters read, one after the other. Raises ValueError for a slot without a meter."""
    if commands.node.safe_why:
        raise ValueError("the node is in safe mode: " + commands.node.safe_why)
    wanted = [_place(commands.node, slot) for slot in slots]
    asyncio.create_task(_read(commands, commands.counter, wanted))  # noqa: RUF006


def _place(node: "Node", slot: int) -> "tuple[Poller, int]":
    for poller in node.pollers:
        for index, meter in enumerate(poller.meters):
            if meter.slot == slot:
                return poller, index
    raise ValueError("there is no meter in slot %d" % slot)


async def _read(commands: "Commands", counter: int, wanted: "list[tuple[Poller, int]]") -> None:
    node = commands.node
    silent: "list[str]" = []
    for poller, index in wanted:
        try:
            await poller.read_one(index)
        except Exception as problem:
            node.supervisor.fault(poller.name, problem)
        if poller.results[index] != RESULT_OK + 1:
            silent.append(str(poller.meters[index].slot))
    if node.journal.flush():
        node.uplink.kick()
    text = "%d read" % (len(wanted) - len(silent))
    if silent:
        text += ", no good answer from slot " + ", ".join(silent)
    commands.finish(counter, FAILED if len(silent) == len(wanted) else DONE, text)
    on_demand.unload("command_read")
