"""The checks of a site file's nodes, their lines, and the meters' addresses on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from nuan_gateway.connect import MODBUS_TCP, SERIAL, parse_connect
from nuan_gateway.site_found import Found, named, twice
from nuan_gateway.site_links import check_links
from nuan_gateway.site_zone_checks import check_rom
from nuan_gateway.site_zones import WIRES_MAX, Wire
from nuan_gateway.toml_lines import KeyPath

if TYPE_CHECKING:
    from nuan_gateway.site import Bus, Meter, Node, Site

# What a board has memory and serial ports for.
BOARD_BUSES_MAX = 2
BOARD_METERS_MAX = 64
BOARD_ZONES_MAX = 8
# A journal entry has one byte for the bus.
GATEWAY_BUSES_MAX = 255
GATEWAY_METERS_MAX = 4096

_SECONDARY = re.compile(r"[0-9A-F]{16}")
_CJT188 = re.compile(r"(?!AA{13})[0-9A-F]{14}")
_DLT645 = re.compile(r"(?!9{12})[0-9]{12}")


def _is_mbus(address: int | str) -> bool:
    if isinstance(address, int):
        return 1 <= address <= 250
    return _SECONDARY.fullmatch(address) is not None


def _is_modbus(address: int | str) -> bool:
    return isinstance(address, int) and 1 <= address <= 247


def _is_cjt188(address: int | str) -> bool:
    return isinstance(address, str) and _CJT188.fullmatch(address) is not None


def _is_dlt645(address: int | str) -> bool:
    return isinstance(address, str) and _DLT645.fullmatch(address) is not None


_ADDRESSES: dict[str, tuple[Callable[[int | str], bool], str]] = {
    "mbus": (
        _is_mbus,
        "write 1 to 250, or in quotes 16 hex digits: number 8, manufacturer 4, version 2, medium 2",
    ),
    "modbus": (_is_modbus, "write 1 to 247"),
    "cjt188": (
        _is_cjt188,
        "write in quotes the meter's own 14 hex digits, as printed: manufacturer 4, number 10",
    ),
    "dlt645": (
        _is_dlt645,
        "write in quotes the meter's own 12 digits, as printed, with the zeros in front",
    ),
}


def check_nodes(site: Site) -> Found:
    """Nodes, their buses, and how much of everything there is."""
    if not site.nodes:
        yield ("node",), "missing; describe at least one [[node]]"
    yield from twice("node", "id", named(node.id for node in site.nodes))
    for position, node in enumerate(site.nodes):
        place: KeyPath = ("node", position)
        yield from _sizes(site, node, place)
        yield from twice("bus", "name", named(bus.name for bus in node.buses), place)
        yield from _wires(node, place)
        yield from _board(node, place) if node.kind == "board" else _gateway(node, place)
    yield from _connected_twice(site)


def check_address(meter: Meter, bus: Bus | Wire, place: KeyPath) -> Found:
    """The address has its protocol's form, and the line can be set as the meter wants it."""
    if isinstance(bus, Wire):
        yield from check_rom(meter, place)
        return
    accepts, wanted = _ADDRESSES[bus.protocol]
    if not accepts(meter.address):
        yield (*place, "address"), f"{meter.address!r} is no {bus.protocol} address; {wanted}"
    if bus.connect and parse_connect(bus.connect).kind != SERIAL:
        for key in ("baud", "parity"):
            if getattr(meter, key) not in (None, getattr(bus, key)):
                yield (
                    (*place, key),
                    f"can't be switched through {bus.connect}; give the meter a line of its own",
                )


def _sizes(site: Site, node: Node, place: KeyPath) -> Found:
    board = node.kind == "board"
    who = "a node" if board else "a gateway node"
    most = BOARD_BUSES_MAX if board else GATEWAY_BUSES_MAX
    if not 1 <= len(node.buses) <= most:
        yield (*place, "bus"), f"{len(node.buses)} buses; {who} has 1 to {most}"
    meters = sum(meter.node == node.id for meter in site.meters)
    # A meter of an unknown node is told at the meter.
    lost = any(meter.node not in {item.id for item in site.nodes} for meter in site.meters)
    most = BOARD_METERS_MAX if board else GATEWAY_METERS_MAX
    if meters > most or (not meters and not lost):
        yield (*place, "id"), f"{meters} meters; {who} reads 1 to {most}"
    zones = sum(zone.node == node.id for zone in site.zones)
    most = BOARD_ZONES_MAX if board else 0
    if zones > most:
        yield (*place, "id"), f"{zones} zones; {who} holds {f'at most {most}' if most else 'none'}"


def _board(node: Node, place: KeyPath) -> Found:
    if node.mqtt is None:
        yield (*place, "mqtt"), 'missing; write mqtt = { host = "..." }, the broker\'s address'
    least = 4 * (node.journal.segment_bytes or 0)
    if node.journal.room_bytes < least:
        yield (
            (*place, "journal", "max_bytes"),
            f"room for fewer than 4 segments; write at least {least}",
        )
    for position, bus in enumerate(node.buses):
        there: KeyPath = (*place, "bus", position)
        if bus.connect:
            yield (
                (*there, "connect"),
                'is for a node with kind = "gateway"; write uart, tx and rx for a board',
            )
        elif not bus.uart:
            yield (*there, "uart"), "missing; write 1 or 2"
        yield from _serial_keys(bus, there)
    uarts = ((bus.uart or -position, repr(bus.uart)) for position, bus in enumerate(node.buses))
    yield from twice("bus", "uart", uarts, place)
    yield from check_links(node, place)
    yield from _pins(node, place)


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
    for position, link in enumerate(node.links):
        for name, pin in link.pins():
            if pin >= 0 and pin in used:
                yield (
                    (*place, "link", position, name),
                    f"pin {pin} is {used[pin]} already; choose a free one",
                )
            used.setdefault(pin, f"{name} of a link")


def _gateway(node: Node, place: KeyPath) -> Found:
    for key in ("wifi", "mqtt", "journal", "links"):
        if key in node.model_fields_set:
            shown = "link" if key == "links" else key
            yield (*place, shown), "a gateway node has none; remove it"
    for position, bus in enumerate(node.buses):
        there: KeyPath = (*place, "bus", position)
        for key in ("uart", "tx", "rx", "de"):
            if key in bus.model_fields_set:
                yield (*there, key), "a gateway node has none; write connect instead"
        if not bus.connect:
            yield (
                (*there, "connect"),
                'missing; write "serial:/dev/ttyUSB0", "tcp://host:port" or "modbus-tcp://host"',
            )
        elif parse_connect(bus.connect).kind != MODBUS_TCP:
            yield from _serial_keys(bus, there)
        elif bus.protocol != "modbus":
            yield (
                (*there, "connect"),
                f"Modbus TCP carries no {bus.protocol}; write tcp:// for a serial server",
            )


def _serial_keys(bus: Bus, place: KeyPath) -> Found:
    for key in ("baud", "parity"):
        if key not in bus.model_fields_set:
            yield (*place, key), "missing; write this key"


def _wires(node: Node, place: KeyPath) -> Found:
    names = named(line.name for line in node.lines)
    # A wire named as a bus is told at the wire: the buses' own names were compared before.
    for position, (name, _) in enumerate(names):
        number = position - len(node.buses)
        if number >= 0 and name in [line.name for line in node.lines[:position]]:
            yield (*place, "wire", number, "name"), f"{name!r} is used already; write another"
    if node.kind != "board" and node.wires:
        yield (*place, "wire", 0, "pin"), "a gateway node has none; remove it"
    if len(node.wires) > WIRES_MAX:
        yield (*place, "wire", WIRES_MAX, "pin"), f"a board has {WIRES_MAX} wires; remove this one"
    pins = {pin for bus in node.buses for pin in (bus.tx, bus.rx, bus.de) if pin >= 0}
    for number, wire in enumerate(node.wires):
        if wire.pin in pins:
            yield (*place, "wire", number, "pin"), f"pin {wire.pin} is taken; choose a free one"
        pins.add(wire.pin)


def _connected_twice(site: Site) -> Found:
    first: dict[str, str] = {}
    for position, node in enumerate(site.nodes):
        for number, bus in enumerate(node.buses):
            if not bus.connect:
                continue
            taken = first.setdefault(bus.connect, f"node[{position + 1}].bus[{number + 1}]")
            if taken != f"node[{position + 1}].bus[{number + 1}]":
                yield (
                    ("node", position, "bus", number, "connect"),
                    f"{bus.connect} is used by {taken} already; one line has one master",
                )
