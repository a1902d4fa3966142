"""status: how the node is. A locked console says no more than who and which version it is."""

import gc
import time
from typing import TYPE_CHECKING

from nuan_firmware import VERSION, on_demand
from nuan_firmware.console import locking
from nuan_firmware.console.borrowed import opened
from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply
    from nuan_firmware.node import Node

NAMES = ()
_EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0
_CRASHES_SAFE = 5


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:  # noqa: ARG001
    """Say it."""
    node = console.node
    is_open = locking.is_open(console)
    config = getattr(node, "config", None)
    await reply.put("version", VERSION)
    await reply.put("node", config.node.hex() if config else "")
    await reply.put("locked", not is_open)
    await reply.put("uptime_s", node.clock.uptime())
    if not is_open:
        return
    await _clock(node, reply)
    await reply.put("config_version", config.version if config else 0)
    await reply.put("config_on_trial", _is_on_trial())
    await _journal(node, reply)
    await _memory(reply)
    uplink = getattr(node, "uplink", None)
    if uplink is not None:
        state = uplink.describe()
        await reply.put("connected", state["connected"])
        await reply.put("uplink_fault", state["fault"])
    supervisor = node.supervisor
    await reply.put("healthy", bool(getattr(supervisor, "is_healthy", False)))
    await reply.put("safe_mode", getattr(node, "safe_why", ""))
    await reply.put("crashes", chip.number("crashes", 0))
    await reply.put("reset_cause", chip.reset_cause())
    await reply.put("firmware_slot", chip.number("slot", 0))
    await reply.put("firmware_on_trial", chip.number("trial", -1) >= 0)


async def _memory(reply: "Reply") -> None:
    from nuan_firmware import statistics
    from nuan_firmware.hal import heaps

    gc.collect()
    await reply.put("heap_used", gc.mem_alloc())
    await reply.put("heap_free", gc.mem_free())
    await reply.put("heap_block", statistics.largest_block())
    system = heaps.system()
    on_demand.unload("statistics", "hal.heaps")
    if system is not None:
        await reply.put("system_free", system[0])
        await reply.put("system_block", system[1])
        await reply.put("system_least", system[2])


def _is_on_trial() -> bool:
    from nuan_firmware import config_store

    on_trial = config_store.exists(config_store.TRIAL_PATH)
    on_demand.unload("config_store")
    return on_trial


async def _clock(node: "Node", reply: "Reply") -> None:
    clock = node.clock
    now = clock.now()
    quality = clock.quality()
    await reply.put("time", civil(now) if quality else "")
    await reply.put("time_s", now)
    await reply.put("clock_quality", quality)


async def _journal(node: "Node", reply: "Reply") -> None:
    journal = opened(node)
    if journal is None:
        return
    await reply.put("epoch", journal.epoch.hex())
    await reply.put("oldest", journal.oldest())
    await reply.put("newest", journal.flushed)
    await reply.put("delivered", journal.delivered)
    await reply.put("backlog", journal.flushed - journal.delivered)


def civil(utc_s: int) -> str:
    """UTC as 2026-11-01T08:00:00Z."""
    return "%d-%02d-%02dT%02d:%02d:%02dZ" % tuple(time.gmtime(utc_s - _EPOCH_S)[:6])
