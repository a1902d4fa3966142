"""The configuration a node keeps as /config.json, made from the site file."""

from datetime import datetime, time
from typing import Any

from nuan_gateway.site import Bus, Meter, Node, NodeMqtt, Site
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import T_HEAT, Profile

CONFIG_FORMAT = 1
CHINA_OFFSET_S = 28800
MQTT_PORT = 1883
MQTT_TLS_PORT = 8883


def node_config(site: Site, node_id: str) -> dict[str, Any]:
    """The board's configuration as JSON values; raises KeyError when the site has no such board."""
    node = next((item for item in site.boards if item.id == node_id), None)
    if node is None or node.mqtt is None:
        raise KeyError(node_id)
    positions = {bus.name: position for position, bus in enumerate(node.buses)}
    return {
        "format": CONFIG_FORMAT,
        "version": node.config_version,
        "node": node.id,
        **_links(node),
        **({"led": node.led} if node.led >= 0 else {}),
        "mqtt": _mqtt(node.mqtt),
        "journal": {
            **node.journal.model_dump(exclude_none=True, exclude={"flash_mb"}),
            "max_bytes": node.journal.room_bytes,
        },
        "buses": [_bus(bus) for bus in node.buses],
        "meters": [
            meter_config(meter, positions[meter.bus])
            for meter in site.meters_of(node.id)
            if meter.bus in positions
        ],
        **node.clock.config(),
        **_utc_offset(site),
        **_control(site, node),
    }


def _links(node: Node) -> dict[str, Any]:
    if node.links:
        return {"links": [link.config() for link in node.links]}
    return {"wifi": node.wifi.model_dump()}


def _utc_offset(site: Site) -> dict[str, Any]:
    """How far civil time is ahead of UTC, where it isn't China's: a board knows no summer time."""
    offset = site.time_zone.utcoffset(datetime.combine(site.season.start, time()))
    offset_s = CHINA_OFFSET_S if offset is None else int(offset.total_seconds())
    return {} if offset_s == CHINA_OFFSET_S else {"utc_offset_s": offset_s}


def _mqtt(mqtt: NodeMqtt) -> dict[str, Any]:
    config = mqtt.model_dump(exclude={"tls"})
    config["port"] = mqtt.port or (MQTT_TLS_PORT if mqtt.tls else MQTT_PORT)
    return config | ({"tls": True} if mqtt.tls else {})


def meter_config(meter: Meter, bus: int) -> dict[str, Any]:
    """What whoever polls the meter must know of it, as JSON values; `bus` is the line's place."""
    config: dict[str, Any] = {
        "slot": meter.slot,
        "bus": bus,
        "address": meter.address,
        "every_s": meter.every_s,
    }
    for key in ("baud", "parity"):
        if getattr(meter, key) is not None:
            config[key] = getattr(meter, key)
    profile = registry.profile(meter.model)
    if profile.reads:
        config["reads"] = [list(read) for read in profile.reads]
    reset = application_reset(meter, profile)
    if reset is not None:
        config["reset"] = reset
    if profile.protocol == "cjt188":
        config |= _cjt188(profile)
        if meter.allow:
            config["allow"] = list(meter.allow)
    return config


def application_reset(meter: Meter, profile: Profile) -> int | None:
    """The sub-code that picks the M-Bus telegram the meter shall send; None: none is sent."""
    if meter.telegram == "short" and profile.short is not None:
        return profile.short.reset
    return profile.reset


def _cjt188(profile: Profile) -> dict[str, Any]:
    """How the meter's dialect changes questions, where it differs from the standard's."""
    dialect = DIALECTS[profile.dialect]
    usual = {"type": T_HEAT, "mask": 0, "high_first": False}
    found = {
        "type": profile.meter_type,
        "mask": dialect.mask,
        "high_first": dialect.address_high_first,
    }
    return {key: value for key, value in found.items() if value != usual[key]}


def _bus(bus: Bus) -> dict[str, Any]:
    return bus.model_dump(exclude={"connect", "port"})


def _control(site: Site, node: Node) -> dict[str, Any]:
    """Zones and what they need, as far as the site has it."""
    zones = sorted((z for z in site.zones if z.node == node.id), key=lambda zone: zone.zone)
    programs = [program.name for program in site.programs]
    found: dict[str, Any] = {
        "zones": [zone.config(programs, site.clamp, site.time_zone) for zone in zones]
    }
    probes = [
        _probe(meter, wire.pin, len(node.buses) + number)
        for number, wire in enumerate(node.wires)
        for meter in site.meters_of(node.id)
        if meter.bus == wire.name
    ]
    if probes:
        found["probes"] = probes
    if any(zone.program is not None for zone in zones):
        found["programs"] = [program.config() for program in site.programs]
    if any(zone.program is not None for zone in zones) or "calendar" in site.model_fields_set:
        found["calendar"] = site.calendar.config(datetime.now(site.time_zone).date())
    for outdoor in site.outdoors:
        if outdoor.node == node.id:
            found["outdoor"] = outdoor.config()
    return found


def _probe(meter: Meter, pin: int, bus: int) -> dict[str, Any]:
    return {
        "slot": meter.slot,
        "bus": bus,
        "pin": pin,
        "rom": str(meter.address),
        "every_s": meter.every_s,
    }
