"""What a poller must know of its meters, from the site file."""

from typing import Any, NamedTuple

from nuan_gateway.node_config import meter_config
from nuan_gateway.site import Node, Site
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.meters import registry


class PollPlan(NamedTuple):
    """One meter: its serial, its part of a configuration, what its dialect puts into answers."""

    serial: str
    slot: int
    every_s: int
    config: dict[str, Any]
    extra_bytes: int


def plans_of(site: Site, node: Node, bus: int) -> list[PollPlan]:
    """The meters on the node's bus number `bus`, in the order of their slots."""
    name = node.buses[bus].name
    found: list[PollPlan] = []
    for meter in site.meters_of(node.id):
        if meter.bus == name:
            profile = registry.profile(meter.model)
            extra = DIALECTS[profile.dialect].extra_bytes if profile.protocol == "cjt188" else 0
            config = meter_config(meter, bus)
            found.append(PollPlan(meter.serial, meter.slot, meter.every_s, config, extra))
    return found
