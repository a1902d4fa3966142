"""The checks of a site file that need more than one key: references, duplicates, order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from nuan_gateway.site_battery import check_battery, check_billed_telegram
from nuan_gateway.site_found import Found, named, twice
from nuan_gateway.site_lines import check_address, check_nodes
from nuan_gateway.site_zone_checks import check_zones
from nuan_gateway.toml_lines import KeyPath
from nuan_gateway.toml_source import TomlSource
from nuan_protocols.cjt188.dialects import DIALECTS
from nuan_protocols.meters import registry

if TYPE_CHECKING:
    from nuan_gateway.site import Site
    from nuan_protocols.meters.profile import Profile

SEASON_DAYS_MAX = 366
BOARD_READS_MAX = 16


def check_site(site: Site, source: TomlSource) -> list[str]:
    """Every problem of the site, as lines in the order of the file."""
    checks = (_season, check_nodes, _meters, _meter_models, check_zones, _units, _points)
    found = [problem for check in checks for problem in check(site)]
    found.sort(key=lambda problem: source.line(problem[0]))
    return [source.problem(path, text) for path, text in found]


def _season(site: Site) -> Found:
    season = site.season
    if season.end <= season.start:
        yield ("season", "end"), f"{season.end} is not after the start {season.start}"
    elif (season.end - season.start).days > SEASON_DAYS_MAX:
        yield ("season", "end"), f"more than {SEASON_DAYS_MAX} days after the start"


def _meters(site: Site) -> Found:
    buses = {(node.id, bus.name): bus for node in site.nodes for bus in node.lines}
    nodes = {node.id for node in site.nodes}
    yield from twice("meter", "serial", named(meter.serial for meter in site.meters))
    slots = (((m.node, m.slot), f"slot {m.slot} of node {m.node}") for m in site.meters)
    yield from twice("meter", "slot", slots)
    addresses = (
        ((m.node, m.bus, m.address), f"address {m.address} on bus {m.bus!r}") for m in site.meters
    )
    yield from twice("meter", "address", addresses)
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
        else:
            yield from check_address(meter, bus, place)


def _meter_models(site: Site) -> Found:
    buses = {(node.id, bus.name): bus for node in site.nodes for bus in node.lines}
    boards = {node.id: node.kind == "board" for node in site.nodes}
    known = registry.models()
    for position, meter in enumerate(site.meters):
        place: KeyPath = ("meter", position, "model")
        if meter.model not in known:
            yield place, f"{meter.model!r} is no known model; {_suggested(meter.model, known)}"
            continue
        profile = registry.profile(meter.model)
        bus = buses.get((meter.node, meter.bus))
        if bus is not None and bus.protocol != profile.protocol:
            yield place, f"{meter.model} speaks {profile.protocol}, bus {bus.name!r} {bus.protocol}"
        if boards.get(meter.node) and (reason := _too_much_for_a_board(profile)):
            yield place, f'{meter.model} {reason}; write it into a node of kind "gateway"'
        yield from check_battery(meter, profile, ("meter", position))


def _too_much_for_a_board(profile: Profile) -> str:
    """Why a board can't read this model; "" when it can."""
    if len(profile.reads) > BOARD_READS_MAX:
        return f"takes {len(profile.reads)} questions, a board keeps {BOARD_READS_MAX}"
    if profile.protocol == "cjt188" and DIALECTS[profile.dialect].extra_bytes:
        return "puts more than the standard's bytes into its answers, which no board expects"
    return ""


def _units(site: Site) -> Found:
    yield from twice("unit", "id", named(unit.id for unit in site.units))


def _points(site: Site) -> Found:
    places = {meter.serial: place for place, meter in enumerate(site.meters)}
    units = {unit.id for unit in site.units}
    yield from twice("point", "id", named(point.id for point in site.points))
    yield from twice("point", "meter", named(point.meter for point in site.points))
    for position, point in enumerate(site.points):
        place: KeyPath = ("point", position)
        if point.meter not in places:
            yield (*place, "meter"), f"no [[meter]] has the serial {point.meter!r}"
        elif point.role != "room_temperature":
            served = places[point.meter]
            yield from check_billed_telegram(site.meters[served], ("meter", served))
        if point.unit is not None and point.unit not in units:
            yield (*place, "unit"), f"no [[unit]] has the id {point.unit!r}"
        if point.role == "household_heat" and point.unit is None:
            yield (*place, "unit"), "missing; write the id of the flat that pays for this heat"


def _suggested(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"write {_either(close or known)}"


def _either(names: Iterable[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))
