"""Makes the parts of the node from its configuration; its code leaves the heap afterwards."""

import gc
from typing import TYPE_CHECKING

from nuan_firmware import VERSION, boot_notes, essentials
from nuan_firmware.clock import Clock
from nuan_firmware.cycle import Cycle
from nuan_firmware.hal import chip
from nuan_firmware.hal.serial import Port
from nuan_firmware.node import Node
from nuan_firmware.poller import Poller
from nuan_firmware.supervisor import Supervisor
from nuan_firmware.time_sources import TimeSources
from nuan_protocols.uplink.keys import NodeKeys

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Config
    from nuan_firmware.config_zones import Valve
    from nuan_firmware.control.no_zones import NoZones
    from nuan_firmware.control.zones import Zones


def make(config: "Config") -> Node:
    """The node with all its parts, the last boot noted; `supervisor.run()` brings it to life."""
    node = Node()
    node.config = config
    node.keys = NodeKeys(chip.node_key())
    node.clock = Clock(chip.kept_utc_s(), chip.set_utc)
    node.times = TimeSources(config, node.clock)
    node.journal = essentials.journal(config, node.keys, node.clock)
    node.supervisor = Supervisor(node.clock, node.journal)
    node.uplink = essentials.uplink(node, VERSION)
    node.cycle = Cycle(node.journal, node.clock, config.flush_s, node.uplink.kick)
    node.zones = _zones(node)
    node.pollers = [_poller(node, bus) for bus in range(len(config.buses))]
    supervisor = node.supervisor
    for poller in node.pollers:
        supervisor.add(poller, is_vital=True)
    supervisor.add(node.uplink, is_vital=True)
    supervisor.on_beat.append(node.tick)
    essentials.add_console(node)
    essentials.add_lamp(node)
    gc.collect()
    has_trial = boot_notes.note(node.journal, config.version)
    essentials.watch_update(node)
    node.times.run("begin", node.journal)
    if has_trial:
        from nuan_firmware import config_trial

        config_trial.watch(node)
    return node


def _zones(node: Node) -> "Zones | NoZones":
    control = node.config.control
    if control is None:
        from nuan_firmware.control.no_zones import NoZones

        return NoZones()
    from nuan_firmware.control.zones import Zones
    from nuan_firmware.hal.outputs import actuator

    def valve(wanted: "Valve") -> "Any":
        if wanted.pin >= 0:
            return actuator(wanted)
        from nuan_firmware.control.meter_valve import MeterValve

        return MeterValve(node, wanted.slot)

    zones = Zones(control, node.journal, node.clock, valve, node.supervisor.fault)
    if control.probes:
        from nuan_firmware.hal.sensors import Probes

        probes = Probes(control.probes, node.config.version, node.journal, node.clock, zones)
        node.supervisor.on_beat.append(probes.tick)
    return zones


def _poller(node: Node, bus: int) -> Poller:
    config = node.config
    made = Poller(
        config,
        bus,
        Port(config.buses[bus]),
        node.journal,
        node.clock,
        node.cycle,
        node.take_answer,
        node.supervisor.fault,
    )
    control = config.control
    if control:
        # Rooms don't wait for their sensor's instant: power may be gone again by then.
        sources = [zone.source for zone in control.zones]
        if control.outdoor:
            sources.append(control.outdoor.source)
        slots = [source.slot for source in sources]
        made.urgent = [at for at, meter in enumerate(made.meters) if meter.slot in slots]
    return made
