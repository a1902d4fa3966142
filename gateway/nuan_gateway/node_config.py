"""The configuration a node keeps as /config.json, made from the site file."""

from typing import Any

from nuan_gateway.site import Bus, Meter, Node, Site, Zone
from nuan_protocols.meters import registry

CONFIG_FORMAT = 1


def node_config(site: Site, node_id: str) -> dict[str, Any]:
    """The node's configuration as JSON values; raises KeyError for a node the site hasn't."""
    node = site.node(node_id)
    positions = {bus.name: position for position, bus in enumerate(node.buses)}
    return {
        "format": CONFIG_FORMAT,
        "version": node.config_version,
        "node": node.id,
        "wifi": node.wifi.model_dump(),
        "mqtt": node.mqtt.model_dump(),
        "journal": node.journal.model_dump(),
        "buses": [_bus(bus) for bus in node.buses],
        "meters": [_meter(meter, positions[meter.bus]) for meter in site.meters_of(node.id)],
        "zones": [_zone(zone) for zone in _zones_of(site, node)],
    }


def _bus(bus: Bus) -> dict[str, Any]:
    return bus.model_dump()


def _meter(meter: Meter, bus: int) -> dict[str, Any]:
    config: dict[str, Any] = {
        "slot": meter.slot,
        "bus": bus,
        "address": meter.address,
        "every_s": meter.every_s,
    }
    reads = registry.profile(meter.model).reads
    if reads:
        config["reads"] = [list(read) for read in reads]
    return config


def _zone(zone: Zone) -> dict[str, Any]:
    return zone.model_dump(exclude={"node"})


def _zones_of(site: Site, node: Node) -> list[Zone]:
    return sorted((z for z in site.zones if z.node == node.id), key=lambda zone: zone.zone)
