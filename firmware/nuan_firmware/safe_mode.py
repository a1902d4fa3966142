"""Safe mode: console, network and update only, for a node whose program doesn't get far.

boot_choice.py says when it is entered and left. Nothing of buses and meters is imported, of zones
only what heats rooms that nobody measures. The journal is opened only to tell the gateway; when
even that fails, the node says HELLO without one. Every TRIAL_S the normal program gets one start.
"""

import gc
import sys
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import VERSION, essentials, on_demand, panic, trial
from nuan_firmware.boot_choice import NOT_PROVISIONED, leave
from nuan_firmware.clock import Clock
from nuan_firmware.control.no_zones import NoZones
from nuan_firmware.hal import chip
from nuan_firmware.node import Node
from nuan_firmware.supervisor import Supervisor
from nuan_firmware.time_sources import TimeSources
from nuan_protocols.uplink.body import EVENT_SAFE_MODE
from nuan_protocols.uplink.keys import NodeKeys

if TYPE_CHECKING:
    from nuan_firmware.config import Config
    from nuan_firmware.config_zones import Control
    from nuan_protocols.uplink.keys import Buffer

TRIAL_S = const(21600)
# Starts of safe mode in a row that the journal may have ended before it is left alone.
_JOURNAL_TRIES = const(2)
_STEADY_S = const(600)
_FLUSH_S = const(900)


def make(why: str) -> Node:
    """The node in safe mode; `supervisor.run()` brings it to life."""
    node = _SafeNode(why)
    chip.set_number("safe", chip.number("safe", 0) + 1)
    config = None if why == NOT_PROVISIONED else _config(node)
    # Those parts that know of safe mode look whether there is one.
    node.config = config  # type: ignore[assignment]
    node.clock = Clock(chip.kept_utc_s(), chip.set_utc)
    node.pollers = []
    node.zones = NoZones()
    _open_journal(node, config)
    node.supervisor = Supervisor(node.clock, node.journal)
    # Whether the normal program is healthy isn't known here: its crashes stay counted.
    node.supervisor.is_healthy = True
    if config:
        node.times = TimeSources(config, node.clock)
        node.uplink = essentials.uplink(node, VERSION + " safe mode")
        node.supervisor.add(node.uplink)
    node.supervisor.on_beat.append(node.tick)
    essentials.add_console(node)
    essentials.add_lamp(node)
    if config and config.control:
        _heat(node, config.control)
    node.journal.event(EVENT_SAFE_MODE, node.safe_why)
    if isinstance(node.journal, _NoJournal):
        return node
    panic.tell(node.journal)
    trial.tell(node.journal)
    node.journal.flush()
    return node


class _SafeNode(Node):
    """A node without buses and zones."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.safe_why = why
        self._is_steady = False

    def tick(self, now_s: int) -> None:
        if self.config:
            self.uplink.check()
            if now_s % _FLUSH_S < _FLUSH_S // 15 and self.journal.flush():
                self.uplink.kick()
        if now_s >= _STEADY_S and not self._is_steady:
            self._is_steady = True
            chip.set_number("safe", 0)
        if now_s >= TRIAL_S and self.safe_why != NOT_PROVISIONED:
            self.journal.flush()
            leave()

    def take_time(self, utc_s: int) -> None:
        self.times.hear_gateway(utc_s)


def _config(node: Node) -> "Config | None":
    from nuan_firmware import config

    try:
        return config.load("/config.json")
    except Exception as problem:
        node.safe_why += "; " + str(problem)
        return None
    finally:
        on_demand.unload("config", "config_clock", "config_links", "config_meters", "config_zones")
        gc.collect()


def _heat(node: Node, control: "Control") -> None:
    """Have the rooms heated by duty; without that the node can at least be reached."""
    try:
        from nuan_firmware.control.unmeasured import Unmeasured

        node.supervisor.on_beat.append(Unmeasured(control.zones).tick)
    except Exception as problem:
        sys.print_exception(problem)
        node.safe_why += "; valves at rest: " + repr(problem)
    finally:
        on_demand.unload("control.law")


def _open_journal(node: Node, config: "Config | None") -> None:
    """Keys and journal; without a configuration, or when it may be the culprit, none."""
    if config is None:
        node.journal = _NoJournal()  # type: ignore[assignment]
        return
    node.keys = NodeKeys(chip.node_key())
    try:
        if chip.number("safe", 0) > _JOURNAL_TRIES:
            raise OSError("it ended safe mode before")
        node.journal = essentials.journal(config, node.keys, node.clock)
    except Exception as problem:
        sys.print_exception(problem)
        node.safe_why += "; journal not opened: " + repr(problem)
        node.journal = _NoJournal()  # type: ignore[assignment]


class _Nothing:
    """A cursor behind the end of a journal without entries."""

    seq = 1
    lost = None


class _NoJournal:
    """Stands in for a journal that can't be opened: nothing is kept, nothing is sent."""

    epoch = bytes(8)
    seq = 1
    flushed = delivered = 0
    cursor = _Nothing()

    def event(self, code: int, text: str) -> None:
        print("event %d: %s" % (code, text))

    def flush(self) -> bool:
        return False

    def oldest(self) -> int:
        return 0

    def acknowledge(self, seq: int) -> None:
        pass

    def rewind(self, seq: int) -> None:
        pass

    def name_losses(self) -> None:
        pass

    def tombstone(self, first: int, last: int, reason: int, after: "Buffer") -> None:
        pass
