"""A configuration on trial: used at boot, confirmed by the gateway, or given up. Loaded on demand.

    boot with /config.trial -> the gateway acknowledges a HELLO -> it becomes /config.json
                            -> not within ten minutes, not readable, or three boots -> it goes

What became of it is journaled as an event; where that must wait for the next boot, /config.why
holds it meanwhile.
"""

import os
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import config_store
from nuan_firmware.config_store import exists
from nuan_firmware.hal import chip
from nuan_protocols.uplink.body import EVENT_CONFIGURATION

if TYPE_CHECKING:
    from nuan_firmware.config import Config
    from nuan_firmware.journal import Journal
    from nuan_firmware.node import Node

WHY_PATH = "/config.why"
TRIAL_S = const(600)
BOOTS_MAX = const(3)
_WHY_CHARACTERS_MAX = const(160)


def load() -> "Config":
    """The configuration to run with. Raises ConfigError when there is no good one."""
    from nuan_firmware import config

    if not exists(config_store.TRIAL_PATH):
        return config.load(config_store.CONFIG_PATH)
    boots = chip.number("cfg_tries", 0)
    if boots >= BOOTS_MAX:
        give_up("%d restarts on trial" % boots)
        return config.load(config_store.CONFIG_PATH)
    chip.set_number("cfg_tries", boots + 1)
    why = "not enough memory"
    try:
        return config.load(config_store.TRIAL_PATH)
    except MemoryError:
        pass
    except Exception as problem:
        why = str(problem)
    give_up(why)
    return config.load(config_store.CONFIG_PATH)


def give_up(why: str) -> None:
    """Remove the trial; the next boot, or this one, runs the last good configuration."""
    try:
        with open(WHY_PATH, "w") as file:
            file.write(why[:_WHY_CHARACTERS_MAX])
    except OSError as problem:
        print("configuration given up:", why, problem)
    os.remove(config_store.TRIAL_PATH)


def note(journal: "Journal", version: int) -> bool:
    """Journal which configuration this boot has, and what became of a trial; whether one is on."""
    on_trial = exists(config_store.TRIAL_PATH)
    journal.event(EVENT_CONFIGURATION, "version %d" % version + (" on trial" if on_trial else ""))
    if not on_trial and exists(WHY_PATH):
        with open(WHY_PATH) as file:
            journal.event(EVENT_CONFIGURATION, "trial rolled back: " + file.read())
        os.remove(WHY_PATH)
    return on_trial


def watch(node: "Node") -> None:
    """Have the trial decided: confirmed once the gateway has answered, or given up in time."""
    beats = node.supervisor.on_beat

    def beat(now_s: int) -> None:
        if not exists(config_store.TRIAL_PATH):
            # Somebody at the console has decided.
            beats.remove(beat)
        elif node.uplink.turns:
            beats.remove(beat)
            confirm(node)
        elif now_s >= TRIAL_S:
            give_up("no gateway within %d s: %s" % (TRIAL_S, node.uplink.connection.fault))
            node.journal.flush()
            chip.restart()

    beats.append(beat)


def confirm(node: "Node") -> None:
    """The configuration on trial is the good one from now on."""
    os.rename(config_store.TRIAL_PATH, config_store.CONFIG_PATH)
    node.journal.event(EVENT_CONFIGURATION, "version %d confirmed" % node.config.version)
    if exists(WHY_PATH):
        os.remove(WHY_PATH)
