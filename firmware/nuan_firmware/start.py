"""Starts the node, for ever; what ends it is kept, then the board restarts."""

import asyncio
import gc
import sys
import time
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand
from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.config import Config
    from nuan_firmware.node import Node

# Long enough for somebody at the console to stop it.
_RESTART_PAUSE_MS = const(10000)


def main() -> None:
    """Run the node; never returns on a board."""
    node = None
    try:
        node = _make(_settings())
        asyncio.run(node.supervisor.run())
    except Exception as problem:
        sys.print_exception(problem)
        gc.collect()
        from nuan_firmware import panic

        panic.keep(problem, node.clock if node else None)
    time.sleep_ms(_RESTART_PAUSE_MS)
    chip.reset()


def _settings() -> "Config":
    """The configuration, without the code that checked it: once a boot is enough."""
    from nuan_firmware import config_trial

    settings = config_trial.load()
    on_demand.unload("config", "config_clock", "config_links", "config_meters", "config_zones")
    on_demand.unload("config_trial", "config_store")
    gc.collect()
    return settings


def _make(settings: "Config") -> "Node":
    """The parts, without the code that made them."""
    from nuan_firmware import app

    node = app.make(settings)
    on_demand.unload("app", "boot_notes", "panic", "config_trial", "config_store")
    gc.collect()
    return node
