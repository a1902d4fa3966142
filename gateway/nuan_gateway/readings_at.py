"""From the store to a point's registers at a season's boundaries, with the entries behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from nuan_gateway.billing.bill import Meter, Season
from nuan_gateway.billing.consumption import Register, nearest
from nuan_gateway.billing.problem import Place, Problem
from nuan_gateway.evidence.reread import Reread, RereadError, follows, reread
from nuan_gateway.store import entries, readings
from nuan_gateway.store.readings import StoredReading
from nuan_gateway.store.schema import slot_meter
from nuan_protocols.meters import registry
from nuan_protocols.meters.profile import Profile

DAY_TOLERANCE_S = 12 * 3600
"""How far a day's reading may be from its midnight; farther ones belong to another day."""


@dataclass(frozen=True)
class EntryBytes:
    """An entry that a bill uses: its row, canonical bytes and digest, when it was received."""

    id: int
    raw: bytes
    digest: bytes
    received_at: int
    reread: Reread


@dataclass(frozen=True)
class SeasonReadings:
    """What a point's meter showed over a season: opening, closing, and one entry per midnight.

    `entries` runs from the opening to the closing entry, in order of time, each once.
    """

    meter: Meter | None
    opening: Register | None
    closing: Register | None
    entries: tuple[EntryBytes, ...]
    problems: tuple[Problem, ...]


def season_readings(
    connection: Connection,
    point: str,
    quantity: str,
    season: Season,
    midnights: Sequence[int],
    tolerance_s: int,
) -> SeasonReadings:
    """Find the readings nearest to the season's boundaries and midnights, and read their bytes."""
    start, end = season.start_s - tolerance_s, season.end_s + tolerance_s + 1
    stored = list(readings.series(connection, point, quantity, start, end))
    return _Search(connection, point, stored, midnights, tolerance_s).result()


class _Search:
    def __init__(
        self,
        connection: Connection,
        point: str,
        stored: list[StoredReading],
        midnights: Sequence[int],
        tolerance_s: int,
    ) -> None:
        self._connection = connection
        self._point = point
        self._stored = stored
        self._times = [reading.time for reading in stored]
        self._midnights = midnights
        self._tolerance_s = tolerance_s
        self._problems: list[Problem] = []

    def result(self) -> SeasonReadings:
        opening = self._boundary("opening", self._midnights[0])
        closing = self._boundary("closing", self._midnights[-1])
        ends = [found for found in (opening, closing) if found is not None]
        serials = {found.meter for found in ends}
        if len(serials) != 1:
            if len(serials) > 1:
                served = f"from meter {ends[0].meter} to meter {ends[1].meter}"
                self._problems.append(Problem("meter_exchanged", "period", served))
            return SeasonReadings(None, None, None, (), tuple(self._problems))
        return self._of_meter(ends[0], opening, closing)

    def _of_meter(
        self, end: StoredReading, opening: StoredReading | None, closing: StoredReading | None
    ) -> SeasonReadings:
        serial = end.meter or ""
        model = self._model(serial)
        if model not in registry.models():
            detail = f"meter {serial} has no known model"
            problems = (*self._problems, Problem("no_meter", "period", detail))
            return SeasonReadings(None, None, None, (), problems)
        profile = registry.profile(model)
        first = self._entry("opening", opening, model)
        last = self._entry("closing", closing, model)
        used = self._ordered(first, self._days(serial, model), last)
        places = sorted({entry.reread.place for entry in used})
        return SeasonReadings(
            Meter(serial, model, profile.version, tuple(places)),
            self._register("opening", profile, first, opening),
            self._register("closing", profile, last, closing),
            tuple(used),
            tuple(self._problems),
        )

    def _boundary(self, place: Place, boundary_s: int) -> StoredReading | None:
        index = nearest(self._times, boundary_s, self._tolerance_s)
        if index is not None:
            return self._stored[index]
        hours = self._tolerance_s // 3600
        boundary = datetime.fromtimestamp(boundary_s, UTC)
        detail = f"no valid reading within {hours} hours of {boundary:%Y-%m-%d %H:%M} UTC"
        start, end = boundary_s - self._tolerance_s, boundary_s + self._tolerance_s + 1
        held = readings.held_back(self._connection, self._point, start, end)
        if held:
            detail += f"; {held} wait until the meter has proved its dialect (nuan gateway meters)"
        self._problems.append(Problem("no_reading", place, detail))
        return None

    def _model(self, serial: str) -> str:
        query = select(slot_meter.c.model).where(slot_meter.c.meter == serial)
        models = set(self._connection.scalars(query))
        return models.pop() if len(models) == 1 else ""

    def _entry(self, place: Place, stored: StoredReading | None, model: str) -> EntryBytes | None:
        if stored is None:
            return None
        try:
            return self._load(stored, model)
        except RereadError as error:
            detail = f"the entry behind the {place} reading can't be read: {error}"
            self._problems.append(Problem("unreadable", place, detail))
            return None

    def _load(self, stored: StoredReading, model: str) -> EntryBytes:
        found = entries.by_id(self._connection, stored.entry_id)
        if found is None:
            raise RereadError(f"no entry has the row id {stored.entry_id}")
        return EntryBytes(
            found.id, found.raw, found.digest, found.received_at, reread(found.raw, model)
        )

    def _register(
        self,
        place: Place,
        profile: Profile,
        entry: EntryBytes | None,
        stored: StoredReading | None,
    ) -> Register | None:
        if entry is None or stored is None:
            return None
        register = entry.reread.register(profile, entry.digest.hex())
        if register is None:
            detail = f"entry {entry.reread.seq} holds no good value of the billing register"
            self._problems.append(Problem("unreadable", place, detail))
            return None
        if (register.integer, register.exponent, register.unit) != (
            stored.value,
            stored.exponent,
            stored.unit,
        ):
            detail = f"stored is {stored.value}e{stored.exponent} {stored.unit}"
            self._problems.append(Problem("stored_reading_differs", place, detail, register.source))
        return register

    def _days(self, serial: str, model: str) -> list[EntryBytes]:
        found: list[EntryBytes] = []
        for midnight in self._midnights:
            index = nearest(self._times, midnight, DAY_TOLERANCE_S)
            if index is None or self._stored[index].meter != serial:
                continue
            try:
                entry = self._load(self._stored[index], model)
            except RereadError:
                continue  # a day's reading that can't be read again is no evidence
            if entry.reread.serial is None or serial.endswith(entry.reread.serial):
                found.append(entry)
        return found

    def _ordered(
        self, first: EntryBytes | None, days: list[EntryBytes], last: EntryBytes | None
    ) -> list[EntryBytes]:
        """The opening entry, the days between that are in order with both ends, the closing one."""
        used = [first] if first else []
        for entry in days:
            if (not used or follows(used[-1].reread, entry.reread)) and (
                not last or follows(entry.reread, last.reread)
            ):
                used.append(entry)
        if last and first and last.id != first.id and not follows(first.reread, last.reread):
            detail = f"entry {last.reread.seq} after entry {first.reread.seq}"
            self._problems.append(Problem("out_of_order", "closing", detail))
        if last and (not used or used[-1].id != last.id):
            used.append(last)
        return used
