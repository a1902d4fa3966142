"""Every meter of the site as the gateway sees it: last read when, and what is doubtful about it."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, literal_column, select

from nuan_gateway.store import trials
from nuan_gateway.store.schema import meter, point_meter, reading
from nuan_protocols.cjt188.probe import UNCONFIRMED
from nuan_protocols.meters import registry


@dataclass(frozen=True, slots=True)
class MeterState:
    """One meter.

    `read_at`: UTC second of its last readings, None before any. `state`: whether it has proved the
    `dialect` of its model ("confirmed", "unconfirmed", "contradicted"), and why; both "" for a
    protocol without dialects.
    """

    serial: str
    model: str
    node: str
    slot: int
    bus: str
    address: str
    read_at: int | None
    dialect: str
    state: str
    reason: str


def meter_states(engine: Engine) -> list[MeterState]:
    """All meters the site file has named so far, by node and slot."""
    with engine.connect() as connection:
        judged = {(each.meter, each.model): each for each in trials.load_all(connection)}
        found: list[MeterState] = []
        for row in connection.execute(select(meter).order_by(meter.c.node, meter.c.slot)):
            state = reason = dialect = ""
            known = row.model in registry.models()
            if known and registry.profile(row.model).protocol == "cjt188":
                dialect = registry.profile(row.model).dialect
                trial = judged.get((row.serial, row.model))
                state = trial.state if trial else UNCONFIRMED
                reason = trial.reason if trial else "no answer yet"
            found.append(
                MeterState(
                    row.serial,
                    row.model,
                    row.node,
                    row.slot,
                    row.bus,
                    row.address,
                    _read_at(connection, row.serial),
                    dialect,
                    state,
                    reason,
                )
            )
        return found


def _read_at(connection: Connection, serial: str) -> int | None:
    points = select(point_meter.c.point).where(point_meter.c.meter == serial)
    # By the index of points and times; a clock that was never set gives no time of day.
    query = select(func.max(reading.c.time)).where(
        reading.c.idx == literal_column("0"),
        reading.c.point.in_(points),
        reading.c.meter == serial,
        reading.c.clock > 0,
    )
    at: int | None = connection.scalar(query)
    return at
