"""Runs second on the board: the node, until the power goes; what ends it is kept and it restarts."""

import asyncio
import sys
import time

RESTART_PAUSE_MS = 10000


def _run():
    import gc

    from nuan_firmware import config

    settings = config.load("/config.json")
    from nuan_firmware.app import App

    app = App(settings)
    # The checks are needed once a boot: give their memory back.
    sys.modules.pop("nuan_firmware.config", None)
    config = settings = None
    gc.collect()
    asyncio.run(app.run())


def _main():
    from nuan_firmware import app, hal

    try:
        _run()
    except Exception as problem:
        sys.print_exception(problem)
        app.keep_panic(problem)
    # Long enough for somebody at the console to stop it.
    time.sleep_ms(RESTART_PAUSE_MS)
    hal.reset()


_main()
