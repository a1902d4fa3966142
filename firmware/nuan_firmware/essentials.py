"""Makes the parts of a node that safe mode needs, too: journal, uplink and console.

Their code leaves the heap afterwards.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import BUILT_S, on_demand
from nuan_firmware.commands import Commands
from nuan_firmware.connection import Connection
from nuan_firmware.hal import chip
from nuan_firmware.hal.links import open_link
from nuan_firmware.journal import Journal
from nuan_firmware.links import Links
from nuan_firmware.masters import CJT188, MODBUS
from nuan_firmware.references import ARENA_BYTES_MAX
from nuan_firmware.uplink import Uplink
from nuan_protocols.uplink.body import EVENT_LINK

if TYPE_CHECKING:
    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Config
    from nuan_firmware.node import Node
    from nuan_protocols.uplink.keys import NodeKeys

JOURNAL_PATH = "/journal"
_EPOCH_BYTES = const(8)
# What the exchange of a usual heat meter needs as a reference, and any exchange around its data.
_TELEGRAM_BYTES = const(112)
_OVERHEAD_BYTES = const(24)
# Modbus functions from 3 on read registers, those before read bits.
_REGISTERS_FROM = const(3)
_BITS = const(16)


def journal(config: "Config", keys: "NodeKeys", clock: "Clock") -> Journal:
    """The node's journal, opened or begun."""
    references, reference_bytes = reference_room(config)
    made = Journal(
        JOURNAL_PATH + "/" + config.node.hex(),
        keys,
        config.node,
        clock,
        lambda: chip.random_bytes(_EPOCH_BYTES),
        config.segment_bytes,
        config.max_bytes,
        references,
        reference_bytes,
    )
    made.utc_offset_s = config.utc_offset_s
    return made


def uplink(node: "Node", version: str) -> Uplink:
    """The way to the gateway, with its commands."""
    config = node.config

    def note(text: str) -> None:
        node.journal.event(EVENT_LINK, text)

    trust = None
    if config.tls:
        from nuan_firmware.trust import Trust

        trust = Trust(node.clock, BUILT_S)
    ways = [open_link(kind, options) for kind, options in config.links]
    links = Links
    if len(ways) > 1:
        from nuan_firmware.several_links import SeveralLinks

        links = SeveralLinks
    connection = Connection(
        config,
        chip.secret("mqtt_key"),
        links(ways, node.clock, note),
        node.clock,
        chip.random_bytes,
        trust,
        note,
    )
    made = Uplink(
        config,
        version,
        connection,
        node.journal,
        node.keys,
        node.clock,
        chip.random_bytes,
        node.take_time,
    )
    made.commands = Commands(node)
    return made


def add_console(node: "Node") -> None:
    """Have the serial port listened to."""
    from nuan_firmware.console.listener import Console
    from nuan_firmware.hal.console import Terminal

    console = Console(node, Terminal())
    node.supervisor.add(console)
    node.supervisor.on_beat.append(console.check)


def add_lamp(node: "Node") -> None:
    """Have the lamp show how the node is, when it has one."""
    number = node.config.led if node.config else chip.number("led", -1)
    if number >= 0:
        from nuan_firmware.hal.lamp import Light
        from nuan_firmware.lamp import Lamp

        node.supervisor.add(Lamp(node, Light(number)))


def watch_update(node: "Node") -> None:
    """Journal what became of the last update; have one on trial confirmed or given up."""
    from nuan_firmware import trial

    trial.watch(node)
    on_demand.unload("trial")


def reference_room(config: "Config") -> "tuple[int, int]":
    """(how many, how many bytes) exchanges to keep for differences: the last of each read."""
    count = size = 0
    if config.control:
        count = len(config.control.probes)
        size = count * _OVERHEAD_BYTES * 2
    for meter in config.meters:
        count += max(1, len(meter.way.reads))
        size += 0 if meter.way.reads else _TELEGRAM_BYTES
        protocol = config.buses[meter.bus].protocol
        for read in meter.way.reads:
            if protocol == MODBUS:
                registers = read[2] if read[0] >= _REGISTERS_FROM else read[2] // _BITS
                size += _OVERHEAD_BYTES + 2 * registers
            else:
                size += _TELEGRAM_BYTES if protocol == CJT188 else _TELEGRAM_BYTES // 2
    # Two more telegrams, for a meter that says more than is usual.
    return count + 2, min(ARENA_BYTES_MAX, size + 2 * _TELEGRAM_BYTES)
