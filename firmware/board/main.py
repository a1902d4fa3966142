"""Runs second on the board: the node, for ever; what ends it is kept, then the board restarts."""

import gc
import sys

RESTART_PAUSE_MS = 10000


def _settings():
    """The configuration, without the code that checked it: once a boot is enough."""
    import nuan_firmware
    from nuan_firmware import config

    settings = config.load("/config.json")
    del sys.modules["nuan_firmware.config"]
    del nuan_firmware.config
    return settings


def _run():
    import asyncio

    settings = _settings()
    gc.collect()
    from nuan_firmware.app import App

    node = App(settings)
    settings = None
    gc.collect()
    asyncio.run(node.run())


def _main():
    import time

    from nuan_firmware import hal, panic

    try:
        _run()
    except Exception as problem:
        sys.print_exception(problem)
        panic.keep(problem)
    # Long enough for somebody at the console to stop it.
    time.sleep_ms(RESTART_PAUSE_MS)
    hal.reset()


_main()
