"""Master data: what the site file says, kept with its history.

A node's entries name slot and configuration version. Which meter that was is kept for ever, so that
old entries can be decoded after meters have been moved; a version that was used once must not
change its meaning.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from nuan_gateway.errors import SiteError
from nuan_gateway.site import Meter, Point, Site
from nuan_gateway.store.dialect import insert_ignore, upsert
from nuan_gateway.store.schema import meter, point, point_meter, slot_meter, unit


@dataclass(frozen=True, slots=True)
class Service:
    """The meter serves the point from UTC second `start` until before `end` (None: still)."""

    point: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class SlotMeter:
    """The meter behind a slot, and the points it has served."""

    serial: str
    model: str
    services: tuple[Service, ...]


SlotKey = tuple[str, int, int]
"""Node, configuration version, slot."""


def sync_site(connection: Connection, site: Site, now_s: int) -> None:
    """Bring the tables up to the site file; raises SiteError where it rewrites history."""
    _sync_slots(connection, site)
    upsert(connection, meter, [_meter_row(item) for item in site.meters])
    upsert(
        connection,
        unit,
        [{"id": u.id, "area_m2": str(u.area_m2), "name": u.name} for u in site.units],
    )
    upsert(connection, point, [{"id": p.id, "role": p.role, "unit": p.unit} for p in site.points])
    _sync_points(connection, site.points, now_s)


def load_slots(connection: Connection) -> dict[SlotKey, SlotMeter]:
    """Every slot that ever had a meter."""
    services: defaultdict[str, list[Service]] = defaultdict(list)
    for row in connection.execute(select(point_meter).order_by(point_meter.c.valid_from)):
        services[row.meter].append(Service(row.point, row.valid_from, row.valid_to))
    return {
        (row.node, row.config_version, row.slot): SlotMeter(
            row.meter, row.model, tuple(services[row.meter])
        )
        for row in connection.execute(select(slot_meter))
    }


def _sync_slots(connection: Connection, site: Site) -> None:
    versions = {node.id: node.config_version for node in site.nodes}
    wanted = {
        (item.node, versions[item.node], item.slot): (item.serial, item.model)
        for item in site.meters
    }
    known = {
        (row.node, row.config_version, row.slot): (row.meter, row.model)
        for row in connection.execute(select(slot_meter))
    }
    problems = [
        f"node {node}: configuration version {version} had {known[node, version, slot][0]} "
        f"({known[node, version, slot][1]}) in slot {slot}, now the site file has "
        f"{serial} ({model}); raise the node's config_version"
        for (node, version, slot), (serial, model) in wanted.items()
        if known.get((node, version, slot), (serial, model)) != (serial, model)
    ]
    if problems:
        raise SiteError(problems)
    rows = [
        {"node": node, "config_version": version, "slot": slot, "meter": serial, "model": model}
        for (node, version, slot), (serial, model) in wanted.items()
    ]
    insert_ignore(connection, slot_meter, rows)


def _sync_points(connection: Connection, points: Sequence[Point], now_s: int) -> None:
    """Open the first service of a point for all time; a change of meters starts a new one now."""
    open_services = {
        row.point: row.meter
        for row in connection.execute(select(point_meter).where(point_meter.c.valid_to.is_(None)))
    }
    for item in points:
        serving = open_services.get(item.id)
        if serving == item.meter:
            continue
        if serving is not None:
            connection.execute(
                update(point_meter)
                .where(point_meter.c.point == item.id, point_meter.c.valid_to.is_(None))
                .values(valid_to=now_s)
            )
        start = 0 if serving is None else now_s
        row = {"point": item.id, "meter": item.meter, "valid_from": start}
        connection.execute(insert(point_meter), [row])


def _meter_row(item: Meter) -> dict[str, object]:
    return {
        "serial": item.serial,
        "model": item.model,
        "node": item.node,
        "slot": item.slot,
        "bus": item.bus,
        "address": str(item.address),
    }
