"""Starts the node, for ever; what ends it is kept, then the board restarts."""

import asyncio
import gc
import sys
import time
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import on_demand, panic
from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.config import Config

# Long enough for somebody at the console to stop it.
_RESTART_PAUSE_MS = const(10000)


def main() -> None:
    """Run the node; never returns on a board."""
    try:
        settings = _settings()
        gc.collect()
        _run(settings)
    except Exception as problem:
        sys.print_exception(problem)
        panic.keep(problem)
    time.sleep_ms(_RESTART_PAUSE_MS)
    chip.reset()


def _settings() -> "Config":
    """The configuration, without the code that checked it: once a boot is enough."""
    from nuan_firmware import config

    settings = config.load("/config.json")
    on_demand.unload("config", "config_meters")
    return settings


def _run(settings: "Config") -> None:
    from nuan_firmware.app import App

    node = App(settings)
    gc.collect()
    asyncio.run(node.run())
