"""The checks of a site file that need more than one key: references, duplicates, order.

Each check yields (key path, sentence); the path is in the file's own names, as its lines are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING

from nuan_gateway.toml_lines import KeyPath
from nuan_gateway.toml_source import TomlSource
from nuan_protocols.meters import registry

if TYPE_CHECKING:
    from nuan_gateway.site import Bus, Meter, Node, Site, Zone

Found = Iterator[tuple[KeyPath, str]]

SEASON_DAYS_MAX = 366
MODBUS_ADDRESSES = range(1, 248)
MBUS_ADDRESSES = range(1, 251)
# What one node has memory and serial ports for.
NODE_BUSES_MAX = 2
NODE_METERS_MAX = 64
NODE_ZONES_MAX = 8


def check_site(site: Site, source: TomlSource) -> list[str]:
    """Every problem of the site, as lines in the order of the file."""
    checks = (_season, _nodes, _meters, _meter_models, _zones, _units, _points)
    found = [problem for check in checks for problem in check(site)]
    found.sort(key=lambda problem: source.line(problem[0]))
    return [source.problem(path, text) for path, text in found]


def _season(site: Site) -> Found:
    season = site.season
    if season.end <= season.start:
        yield ("season", "end"), f"{season.end} is not after the start {season.start}"
    elif (season.end - season.start).days > SEASON_DAYS_MAX:
        yield ("season", "end"), f"more than {SEASON_DAYS_MAX} days after the start"


def _nodes(site: Site) -> Found:
    if not site.nodes:
        yield ("node",), "missing; describe at least one [[node]]"
    yield from _twice("node", "id", _named(node.id for node in site.nodes))
    for position, node in enumerate(site.nodes):
        place: KeyPath = ("node", position)
        if node.journal.max_bytes < 4 * node.journal.segment_bytes:
            yield (
                (*place, "journal", "max_bytes"),
                f"room for fewer than 4 segments; write at least {4 * node.journal.segment_bytes}",
            )
        yield from _sizes(site, node, place)
        yield from _twice("bus", "name", _named(bus.name for bus in node.buses), place)
        yield from _twice("bus", "uart", _named(bus.uart for bus in node.buses), place)
        yield from _pins(node, place)


def _sizes(site: Site, node: Node, place: KeyPath) -> Found:
    if not 1 <= len(node.buses) <= NODE_BUSES_MAX:
        yield (*place, "bus"), f"{len(node.buses)} buses; a node has 1 to {NODE_BUSES_MAX}"
    meters = sum(meter.node == node.id for meter in site.meters)
    # A meter of an unknown node is told at the meter.
    lost = any(meter.node not in {item.id for item in site.nodes} for meter in site.meters)
    if meters > NODE_METERS_MAX or (not meters and not lost):
        yield (*place, "id"), f"{meters} meters; a node reads 1 to {NODE_METERS_MAX}"
    zones = sum(zone.node == node.id for zone in site.zones)
    if zones > NODE_ZONES_MAX:
        yield (*place, "id"), f"{zones} zones; a node holds at most {NODE_ZONES_MAX}"


def _pins(node: Node, place: KeyPath) -> Found:
    used: dict[int, str] = {}
    for position, bus in enumerate(node.buses):
        for name in ("tx", "rx", "de"):
            pin: int = getattr(bus, name)
            if pin < 0 and name != "de":
                yield (*place, "bus", position, name), "missing pin; write a GPIO number"
            elif pin >= 0 and pin in used:
                yield (
                    (*place, "bus", position, name),
                    f"pin {pin} is {used[pin]} already; choose a free one",
                )
            used.setdefault(pin, f"{name} of bus {bus.name!r}")


def _meters(site: Site) -> Found:
    buses = {(node.id, bus.name): bus for node in site.nodes for bus in node.buses}
    nodes = {node.id for node in site.nodes}
    yield from _twice("meter", "serial", _named(meter.serial for meter in site.meters))
    slots = (((m.node, m.slot), f"slot {m.slot} of node {m.node}") for m in site.meters)
    yield from _twice("meter", "slot", slots)
    addresses = (
        ((m.node, m.bus, m.address), f"address {m.address} on bus {m.bus!r}") for m in site.meters
    )
    yield from _twice("meter", "address", addresses)
    for position, meter in enumerate(site.meters):
        place: KeyPath = ("meter", position)
        if meter.node not in nodes:
            yield (*place, "node"), f"no [[node]] has the id {meter.node!r}"
            continue
        bus = buses.get((meter.node, meter.bus))
        if bus is None:
            known = sorted(name for node, name in buses if node == meter.node)
            yield (
                (*place, "bus"),
                f"node {meter.node} has no bus {meter.bus!r}; it has {', '.join(known) or 'none'}",
            )
        elif meter.address not in _addresses(bus):
            allowed = _addresses(bus)
            wanted = f"write {allowed.start} to {allowed.stop - 1}"
            yield (*place, "address"), f"{meter.address} is no {bus.protocol} address; {wanted}"


def _addresses(bus: Bus) -> range:
    return MBUS_ADDRESSES if bus.protocol == "mbus" else MODBUS_ADDRESSES


def _meter_models(site: Site) -> Found:
    buses = {(node.id, bus.name): bus for node in site.nodes for bus in node.buses}
    known = registry.models()
    for position, meter in enumerate(site.meters):
        place: KeyPath = ("meter", position, "model")
        if meter.model not in known:
            yield place, f"{meter.model!r} is no known model; write {_either(known)}"
            continue
        protocol = registry.profile(meter.model).protocol
        bus = buses.get((meter.node, meter.bus))
        if bus is not None and bus.protocol != protocol:
            yield place, f"{meter.model} speaks {protocol}, bus {bus.name!r} {bus.protocol}"


def _zones(site: Site) -> Found:
    nodes = {node.id for node in site.nodes}
    slots = {(meter.node, meter.slot): meter for meter in site.meters}
    pins = {
        (node.id, pin): f"of bus {bus.name!r}"
        for node in site.nodes
        for bus in node.buses
        for pin in (bus.tx, bus.rx, bus.de)
    }
    zones = (((z.node, z.zone), f"zone {z.zone} of node {z.node}") for z in site.zones)
    yield from _twice("zone", "zone", zones)
    for position, zone in enumerate(site.zones):
        place: KeyPath = ("zone", position)
        if zone.node not in nodes:
            yield (*place, "node"), f"no [[node]] has the id {zone.node!r}"
            continue
        yield from _sensor(zone, slots.get((zone.node, zone.slot)), place)
        taken = pins.get((zone.node, zone.valve_pin))
        if taken:
            yield (*place, "valve_pin"), f"pin {zone.valve_pin} is {taken}; choose a free one"
        pins.setdefault((zone.node, zone.valve_pin), f"the valve of zone {zone.zone}")
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


def _sensor(zone: Zone, meter: Meter | None, place: KeyPath) -> Found:
    if meter is None:
        yield (*place, "slot"), f"no [[meter]] of node {zone.node} has slot {zone.slot}"
        return
    known = meter.model in registry.models()
    reads = registry.profile(meter.model).reads if known else ()
    if not reads:
        yield (*place, "slot"), f"slot {zone.slot} is no Modbus sensor; write a sensor's slot"
    elif zone.read >= len(reads):
        yield (*place, "read"), f"{meter.model} has {len(reads)} reads; write 0 to {len(reads) - 1}"
    elif zone.offset >= reads[zone.read][2]:
        count = reads[zone.read][2]
        yield (*place, "offset"), f"the read has {count} registers; write 0 to {count - 1}"


def _units(site: Site) -> Found:
    yield from _twice("unit", "id", _named(unit.id for unit in site.units))


def _points(site: Site) -> Found:
    serials = {meter.serial for meter in site.meters}
    units = {unit.id for unit in site.units}
    yield from _twice("point", "id", _named(point.id for point in site.points))
    yield from _twice("point", "meter", _named(point.meter for point in site.points))
    for position, point in enumerate(site.points):
        place: KeyPath = ("point", position)
        if point.meter not in serials:
            yield (*place, "meter"), f"no [[meter]] has the serial {point.meter!r}"
        if point.unit is not None and point.unit not in units:
            yield (*place, "unit"), f"no [[unit]] has the id {point.unit!r}"
        if point.role == "household_heat" and point.unit is None:
            yield (*place, "unit"), "missing; write the id of the flat that pays for this heat"


def _twice(
    table: str, key: str, values: Iterable[tuple[Hashable, str]], place: KeyPath = ()
) -> Found:
    """Complain about every (value, its name) that came before; at place.table[i].key."""
    seen: dict[Hashable, int] = {}
    for position, (value, name) in enumerate(values):
        first = seen.setdefault(value, position)
        if first != position:
            yield (
                (*place, table, position, key),
                f"{name} is used by {table}[{first + 1}] already; write another",
            )


def _named(values: Iterable[str | int]) -> Iterator[tuple[Hashable, str]]:
    return ((value, repr(value)) for value in values)


def _either(names: Iterable[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))
