"""config [show|confirm|back]: the configuration; a tool brings a new one (see transfer.py).

A new one is on trial from the next boot on, until the gateway has acknowledged a greeting; with
`confirm` somebody at the console vouches for it, and `back` gives it up.
"""

import os
from typing import TYPE_CHECKING

from nuan_firmware import config_store, on_demand
from nuan_firmware.console import transfer
from nuan_firmware.console.reply import Refused
from nuan_protocols.uplink.body import EVENT_CONFIGURATION

if TYPE_CHECKING:
    from nuan_firmware.console.arguments import Arguments
    from nuan_firmware.console.listener import Console
    from nuan_firmware.console.reply import Reply

NAMES = transfer.NAMES
_ACTIONS = ("show", "confirm", "back", "begin", "data", "end")
_NODE_BYTES = 8


async def run(console: "Console", arguments: "Arguments", reply: "Reply") -> None:
    """As asked."""
    action = arguments.choice("do", _ACTIONS, "show")
    try:
        if action == "begin":
            await transfer.begin(console, "config", _receiver(console), arguments, reply)
        elif action in transfer.STEPS:
            if await transfer.go_on(console, "config", arguments, reply):
                await reply.put("told", "restart the node (reboot): it is used from then on")
        elif action == "show":
            await _show(console, reply)
        else:
            _decide(console, action)
    finally:
        if console.job is None:
            on_demand.unload("config_store")


def _receiver(console: "Console") -> config_store.ConfigStore:
    config = getattr(console.node, "config", None)
    if config is None:
        # Without a good configuration any is better.
        return config_store.ConfigStore(bytes(_NODE_BYTES), 0)
    return config_store.ConfigStore(config.node, config.version)


async def _show(console: "Console", reply: "Reply") -> None:
    config = getattr(console.node, "config", None)
    on_trial = config_store.exists(config_store.TRIAL_PATH)
    await reply.put("version", config.version if config else 0)
    await reply.put("on_trial", on_trial)
    path = config_store.TRIAL_PATH if on_trial else config_store.CONFIG_PATH
    if not config_store.exists(path):
        raise Refused("there is no configuration: give the node one (nuan provision)")
    await reply.put("size", os.stat(path)[6])
    await reply.file("config", path)


def _decide(console: "Console", action: str) -> None:
    if not config_store.exists(config_store.TRIAL_PATH):
        if action == "confirm" and config_store.exists(config_store.CONFIG_PATH):
            # The first one a board gets is never on trial.
            return
        raise Refused("no configuration is on trial")
    if action == "confirm":
        os.rename(config_store.TRIAL_PATH, config_store.CONFIG_PATH)
        told = "confirmed at the console"
    else:
        os.remove(config_store.TRIAL_PATH)
        told = "given up at the console; the one before is used from the next boot on"
    journal = getattr(console.node, "journal", None)
    if journal is not None:
        journal.event(EVENT_CONFIGURATION, told)
        journal.flush()
