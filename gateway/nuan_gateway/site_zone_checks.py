"""The checks of a site file's zones: sensors, valves, programs, neighbours, exemptions, weather."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nuan_gateway.site_found import Found, named, twice
from nuan_gateway.site_zones import DAY_TYPES_MAX, PROGRAMS_MAX, ROM_DIGITS
from nuan_gateway.toml_lines import KeyPath
from nuan_protocols.meters import registry

if TYPE_CHECKING:
    from nuan_gateway.site import Meter, Site
    from nuan_gateway.site_zones import Outdoor, Zone

# DIF codes whose numbers a board can make out.
_INTEGER_CODES = (1, 2, 3, 4, 6, 7, 9, 10, 11, 12, 14)


def check_zones(site: Site) -> Found:
    """Every zone, program and outdoor sensor, with the pins they take."""
    nodes = {node.id for node in site.nodes}
    slots = {(meter.node, meter.slot): meter for meter in site.meters}
    pins = dict(_pins(site))
    zones = (((z.node, z.zone), f"zone {z.zone} of node {z.node}") for z in site.zones)
    yield from twice("zone", "zone", zones)
    yield from twice("outdoor", "node", named(each.node for each in site.outdoors))
    for position, zone in enumerate(site.zones):
        place: KeyPath = ("zone", position)
        if zone.node not in nodes:
            yield (*place, "node"), f"no [[node]] has the id {zone.node!r}"
            continue
        yield from _source(zone, slots.get((zone.node, zone.slot)), place)
        yield from _valve(zone, slots, pins, place)
        yield from _settings(site, zone, place)
    for position, outdoor in enumerate(site.outdoors):
        there: KeyPath = ("outdoor", position)
        if outdoor.node not in nodes:
            yield (*there, "node"), f"no [[node]] has the id {outdoor.node!r}"
        else:
            yield from _source(outdoor, slots.get((outdoor.node, outdoor.slot)), there)
        if outdoor.full_dc is not None and outdoor.full_dc == outdoor.none_dc:
            yield (*there, "none_dc"), "must differ from full_dc"
    yield from _programs(site)


def check_rom(meter: Meter, place: KeyPath) -> Found:
    """A probe's address is its ROM code."""
    digits = meter.address if isinstance(meter.address, str) else ""
    if len(digits) != ROM_DIGITS or set(digits) - set("0123456789ABCDEF"):
        wanted = f"write its {ROM_DIGITS} hex digits in quotes, family first"
        yield (*place, "address"), f"{meter.address!r} is no ROM code; {wanted}"
    if meter.every_s > 3600:
        yield (*place, "every_s"), f"{meter.every_s} is above the maximum of 3600 for a probe"


def _pins(site: Site) -> list[tuple[tuple[str, int], str]]:
    found = [
        ((node.id, pin), f"of bus {bus.name!r}")
        for node in site.nodes
        for bus in node.buses
        for pin in (bus.tx, bus.rx, bus.de)
        if pin >= 0
    ]
    return found + [
        ((node.id, wire.pin), f"of wire {wire.name!r}")
        for node in site.nodes
        for wire in node.wires
    ]


def _valve(
    zone: Zone,
    slots: dict[tuple[str, int], Meter],
    pins: dict[tuple[str, int], str],
    place: KeyPath,
) -> Found:
    if (zone.valve_pin is None) == (zone.valve_slot is None):
        yield (*place, "valve_pin"), "write either valve_pin or valve_slot"
    if zone.valve_slot is not None:
        meter = slots.get((zone.node, zone.valve_slot))
        if meter is None or not meter.allow or not _speaks(meter, "cjt188"):
            yield (
                (*place, "valve_slot"),
                f'slot {zone.valve_slot} is no CJ/T 188 meter with allow = ["valve"]',
            )
        if zone.drive == "position":
            yield (*place, "drive"), "a meter's valve opens and shuts; write 'on_off' or 'pulses'"
    if zone.valve_pin is not None:
        taken = pins.get((zone.node, zone.valve_pin))
        if taken:
            yield (*place, "valve_pin"), f"pin {zone.valve_pin} is {taken}; choose a free one"
        pins.setdefault((zone.node, zone.valve_pin), f"the valve of zone {zone.zone}")
    period_us = 1_000_000 // zone.valve_hz
    if not zone.valve_low_us <= (zone.valve_high_us or period_us) <= period_us:
        yield (
            (*place, "valve_high_us"),
            f"must lie between valve_low_us {zone.valve_low_us} and the period, {period_us}",
        )


def _settings(site: Site, zone: Zone, place: KeyPath) -> Found:
    if zone.overrun_dc >= zone.hysteresis_dc:
        yield (
            (*place, "overrun_dc"),
            f"{zone.overrun_dc} is not below hysteresis_dc {zone.hysteresis_dc}",
        )
    if zone.frost_dc >= zone.setpoint_dc:
        yield (
            (*place, "frost_dc"),
            f"{zone.frost_dc} is not below setpoint_dc {zone.setpoint_dc}",
        )
    setback_dc = zone.setback_dc or max(50, zone.setpoint_dc - 30)
    if setback_dc > zone.setpoint_dc:
        yield (*place, "setback_dc"), f"{setback_dc} is above setpoint_dc {zone.setpoint_dc}"
    if zone.unoccupied_dc is not None and zone.unoccupied_dc > setback_dc:
        yield (*place, "unoccupied_dc"), f"{zone.unoccupied_dc} is above setback_dc {setback_dc}"
    if zone.exempt and zone.exemption is not None:
        yield (*place, "exempt"), "the exemption has an end; remove this key"
    known = [program.name for program in site.programs]
    if zone.program is not None and zone.program not in known:
        yield (
            (*place, "program"),
            f"no [[program]] has the name {zone.program!r}; there is {', '.join(known) or 'none'}",
        )
    others = {other.zone for other in site.zones if other.node == zone.node} - {zone.zone}
    for number in zone.neighbours:
        if number not in others:
            yield (*place, "neighbours"), f"{number} is no other zone of node {zone.node}"


def _source(source: Zone | Outdoor, meter: Meter | None, place: KeyPath) -> Found:
    """The sensor is there, and its value at the place named."""
    slot = source.slot
    if meter is None:
        yield (*place, "slot"), f"no [[meter]] of node {source.node} has slot {slot}"
        return
    if meter.model not in registry.models():
        return
    profile = registry.profile(meter.model)
    if profile.protocol == "onewire":
        return
    if profile.protocol == "mbus":
        if not source.record:
            yield (*place, "record"), "missing; write DIF and VIF of the temperature, as '025A'"
        elif bytes.fromhex(source.record)[0] & 0x0F not in _INTEGER_CODES:
            yield (*place, "record"), f"{source.record} holds no whole number a board can read"
        return
    reads = profile.reads if profile.protocol == "modbus" else ()
    if not reads:
        yield (*place, "slot"), f"slot {slot} is no sensor; write one of Modbus, M-Bus, one-wire"
    elif source.read >= len(reads):
        yield (*place, "read"), f"{meter.model} has {len(reads)} reads; write 0 to {len(reads) - 1}"
    elif source.offset >= reads[source.read][2]:
        count = reads[source.read][2]
        yield (*place, "offset"), f"the read has {count} registers; write 0 to {count - 1}"


def _programs(site: Site) -> Found:
    yield from twice("program", "name", named(program.name for program in site.programs))
    if len(site.programs) > PROGRAMS_MAX:
        yield ("program", PROGRAMS_MAX), f"a board keeps {PROGRAMS_MAX} programs; remove this one"
    for position, program in enumerate(site.programs):
        days = set(program.days())
        if len(days) > DAY_TYPES_MAX:
            yield (
                ("program", position, "name"),
                f"{len(days)} different days; a board keeps {DAY_TYPES_MAX}",
            )
        for day in days:
            times = [point[:5] for point in day]
            if sorted(set(times)) != times:
                yield (
                    ("program", position, "name"),
                    f"{', '.join(times)}: write a day's switch points in order, each once",
                )


def _speaks(meter: Meter, protocol: str) -> bool:
    return meter.model in registry.models() and registry.profile(meter.model).protocol == protocol
