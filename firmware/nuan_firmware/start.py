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
        node = _node()
        asyncio.run(node.supervisor.run())
    except Exception as problem:
        sys.print_exception(problem)
        gc.collect()
        from nuan_firmware import panic

        panic.keep(problem, node.clock if node else None)
    time.sleep_ms(_RESTART_PAUSE_MS)
    chip.reset()


def _node() -> "Node":
    from nuan_firmware import boot_choice

    why = boot_choice.reason()
    on_demand.unload("boot_choice", "panic")
    if not why:
        settings, why = _settings()
        if settings is not None:
            return _make(settings)
    from nuan_firmware import safe_mode, trial

    trial.leave(why)
    return safe_mode.make(why)


def _settings() -> "tuple[Config | None, str]":
    """The configuration, without the code that checked it: once a boot is enough; or why not."""
    from nuan_firmware import config, config_trial

    try:
        settings, why = config_trial.load(), ""
    except config.ConfigError as problem:
        settings, why = None, str(problem)
    on_demand.unload("config", "config_clock", "config_links", "config_meters", "config_zones")
    on_demand.unload("config_trial", "config_store")
    gc.collect()
    return settings, why


def _make(settings: "Config") -> "Node":
    """The parts, without the code that made them."""
    from nuan_firmware import app

    node = app.make(settings)
    on_demand.unload("app", "essentials", "boot_notes", "panic", "config_trial", "config_store")
    on_demand.unload("hal.links")
    gc.collect()
    return node
