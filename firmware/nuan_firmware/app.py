"""Makes the parts of the node from its configuration; its code leaves the heap afterwards."""

import gc
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware import BUILT_S, VERSION, boot_notes, on_demand
from nuan_firmware.clock import Clock
from nuan_firmware.commands import Commands
from nuan_firmware.connection import Connection
from nuan_firmware.cycle import Cycle
from nuan_firmware.hal import chip
from nuan_firmware.hal.links import open_link
from nuan_firmware.hal.serial import Port
from nuan_firmware.journal import Journal
from nuan_firmware.links import Links
from nuan_firmware.masters import CJT188, MODBUS
from nuan_firmware.node import Node
from nuan_firmware.poller import Poller
from nuan_firmware.supervisor import Supervisor
from nuan_firmware.time_sources import TimeSources
from nuan_firmware.uplink import Uplink
from nuan_protocols.uplink.body import EVENT_LINK
from nuan_protocols.uplink.keys import NodeKeys

if TYPE_CHECKING:
    from nuan_firmware.config import Config
    from nuan_firmware.control.no_zones import NoZones
    from nuan_firmware.control.zones import Zones

JOURNAL_PATH = "/journal"
_EPOCH_BYTES = const(8)
# What the exchange of a usual heat meter needs as a reference, and any exchange around its data.
_TELEGRAM_BYTES = const(112)
_OVERHEAD_BYTES = const(24)
_REFERENCES_BYTES_MAX = const(7168)
# Modbus functions from 3 on read registers, those before read bits.
_REGISTERS_FROM = const(3)
_BITS = const(16)


def make(config: "Config") -> Node:
    """The node with all its parts, the last boot noted; `supervisor.run()` brings it to life."""
    node = Node()
    node.config = config
    node.keys = NodeKeys(chip.node_key())
    node.clock = Clock(chip.utc_s(), chip.set_utc)
    node.times = TimeSources(config, node.clock)
    node.journal = journal(config, node.keys, node.clock)
    node.supervisor = Supervisor(node.clock, node.journal)
    node.uplink = _uplink(node)
    node.uplink.commands = Commands(node)
    node.cycle = Cycle(node.journal, node.clock, config.flush_s, node.uplink.kick)
    node.zones = _zones(node)
    node.pollers = [_poller(node, bus) for bus in range(len(config.buses))]
    supervisor = node.supervisor
    for poller in node.pollers:
        supervisor.add(poller, is_vital=True)
    supervisor.add(node.uplink, is_vital=True)
    supervisor.on_beat.append(node.tick)
    _add_console(node)
    gc.collect()
    has_trial = boot_notes.note(node.journal, config.version)
    _watch_update(node)
    node.times.begin(node.journal)
    if has_trial:
        from nuan_firmware.config_trial import Trial

        supervisor.add(Trial(node))
    return node


def journal(config: "Config", keys: NodeKeys, clock: Clock) -> Journal:
    """The node's journal, opened or begun."""
    references, reference_bytes = reference_room(config)
    return Journal(
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


def _zones(node: Node) -> "Zones | NoZones":
    control = node.config.control
    if control is None:
        from nuan_firmware.control.no_zones import NoZones

        return NoZones()
    from nuan_firmware.control.zones import Zones
    from nuan_firmware.hal.outputs import actuator

    zones = Zones(control, node.journal, node.clock, actuator)
    if control.probes:
        from nuan_firmware.hal.sensors import Probes

        probes = Probes(control.probes, node.config.version, node.journal, node.clock, zones)
        node.supervisor.on_beat.append(probes.tick)
    return zones


def _watch_update(node: Node) -> None:
    from nuan_firmware import trial

    trial.watch(node)
    on_demand.unload("trial")


def _add_console(node: Node) -> None:
    from nuan_firmware.console.listener import Console
    from nuan_firmware.hal.console import Terminal

    console = Console(node, Terminal())
    node.supervisor.add(console)
    node.supervisor.on_beat.append(console.check)


def _uplink(node: Node) -> Uplink:
    config = node.config

    def note(text: str) -> None:
        node.journal.event(EVENT_LINK, text)

    trust = None
    if config.tls:
        from nuan_firmware.trust import Trust

        trust = Trust(node.clock, BUILT_S)
    ways = [open_link(kind, options) for kind, options in config.links]
    connection = Connection(
        config,
        chip.secret("mqtt_key"),
        Links(ways, node.clock, note),
        node.clock,
        chip.random_bytes,
        trust,
        note,
    )
    return Uplink(
        config,
        VERSION,
        connection,
        node.journal,
        node.keys,
        node.clock,
        chip.random_bytes,
        node.take_time,
    )


def _poller(node: Node, bus: int) -> Poller:
    config = node.config
    return Poller(
        config,
        bus,
        Port(config.buses[bus]),
        node.journal,
        node.clock,
        node.cycle,
        node.take_answer,
        node.supervisor.fault,
    )


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
    return count + 2, min(_REFERENCES_BYTES_MAX, size + 2 * _TELEGRAM_BYTES)
