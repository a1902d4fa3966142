"""A real heat meter's recorded series, ready to be read over the wire once more.

The file is CSV with one row a reading and at least `replay_rows.COLUMNS`. ENERGY is the
register in MWh with three decimals, so one step is exactly 1 kWh. Rows with the same time stamp:

    equal                    merged, and counted
    different                the row with the larger register holds, since a register never
                             decreases, and the conflict is reported
    a repeated civil hour    when the zone has one there (end of summer time), both rows hold

Between two rows further apart than the series' own interval the meter is silent (a hole).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nuan_emulator.meters.device import HeatState
from nuan_emulator.replay_rows import ReplayError, Row, StampedRow, read_rows

KWH_J = 3_600_000


class Hole(NamedTuple):
    """A gap without readings: the last instant before and the first after it."""

    before_ms: int
    after_ms: int
    hours_counted: int
    """What the meter's own hour counter says passed."""


class Conflict(NamedTuple):
    """Two different rows with one time stamp, and the line that was kept."""

    first_line: int
    second_line: int
    kept_line: int


@dataclass(frozen=True)
class Series:
    """The cleaned series and what had to be done to it."""

    path: Path
    meter: str
    rows: tuple[Row, ...]
    interval_ms: int
    merged: int
    """Rows dropped because an equal one stands beside them."""
    conflicts: tuple[Conflict, ...]
    holes: tuple[Hole, ...]

    @property
    def consumption_kwh(self) -> int:
        """Last register less first."""
        return self.rows[-1].energy_kwh - self.rows[0].energy_kwh

    def notes(self) -> list[str]:
        """What was found, a line each, with a hint when the hour counter contradicts the clock."""
        name = self.path.name
        found = [f"{name}: {self.merged} repeated rows merged"] if self.merged else []
        found += [
            f"{name}, lines {c.first_line} and {c.second_line}: one time stamp, different values; "
            f"line {c.kept_line} kept, because a register never decreases"
            for c in self.conflicts
        ]
        for hole in self.holes:
            hours = (hole.after_ms - hole.before_ms) / 3_600_000
            note = f"{name}: nothing for {hours:g} h after {_text(hole.before_ms)}"
            if hole.hours_counted != hours:
                note += (
                    f", but the meter counted {hole.hours_counted} h: the time stamps look like "
                    "civil time with summer time, name their zone with --timezone"
                )
            found.append(note)
        return found


def read_series(path: Path, timezone: str = "UTC") -> Series:
    """Reads and cleans a recorded series; `timezone` is the zone of its time stamps."""
    try:
        zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ReplayError(path, 0, "", f"no such time zone: {timezone!r}") from None
    try:
        with path.open(newline="", encoding="utf-8") as file:
            meter, stamped = read_rows(path, file)
    except OSError as error:
        raise ReplayError(path, 0, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReplayError(
            path, 0, "", f"byte {error.start} is not UTF-8: save it as UTF-8"
        ) from None
    rows, merged, conflicts = _merge(path, stamped, zone)
    steps = Counter(b.at_ms - a.at_ms for a, b in pairwise(rows))
    interval_ms = steps.most_common(1)[0][0]
    holes = tuple(
        Hole(a.at_ms, b.at_ms, b.hours - a.hours)
        for a, b in pairwise(rows)
        if b.at_ms - a.at_ms > interval_ms
    )
    return Series(path, meter, tuple(rows), interval_ms, merged, tuple(conflicts), holes)


class RecordedHeat:
    """A register source: what the recorded meter showed at an instant; silent inside holes."""

    def __init__(self, series: Series, shift_ms: int = 0) -> None:
        """`shift_ms` is added to the recorded times, to replay an old year now."""
        self._rows = series.rows
        self._interval_ms = series.interval_ms
        self._times = [row.at_ms + shift_ms for row in series.rows]

    @property
    def first_ms(self) -> int:
        """The instant of the first row."""
        return self._times[0]

    @property
    def last_ms(self) -> int:
        """The instant of the last row."""
        return self._times[-1]

    def __call__(self, now_ms: int) -> HeatState | None:
        """The latest row not younger than one interval; None before the first and in holes."""
        index = bisect_right(self._times, now_ms) - 1
        if index < 0 or now_ms - self._times[index] >= self._interval_ms:
            return None
        row = self._rows[index]
        return HeatState(
            energy_j=row.energy_kwh * KWH_J,
            volume_ml=row.volume_l10 * 10_000,
            power_w=row.power_w,
            flow_l_per_h=row.flow_l_per_h,
            flow_temperature_cc=row.flow_temperature_cc,
            return_temperature_cc=row.return_temperature_cc,
            on_time_s=row.hours * 3600,
        )


def _merge(
    path: Path, stamped: Sequence[StampedRow], zone: tzinfo
) -> tuple[list[Row], int, list[Conflict]]:
    rows: list[Row] = []
    merged = 0
    conflicts: list[Conflict] = []
    previous: StampedRow | None = None
    for item in stamped:
        same = previous is not None and previous.stamp == item.stamp
        if previous is not None and same and previous.row._replace(line=item.row.line) == item.row:
            merged += 1
            continue
        fold = 1 if same and _repeated_hour(item.stamp, zone) else 0
        row = item.row._replace(at_ms=_utc_ms(item.stamp, zone, fold))
        if same and not fold:
            kept = max(rows[-1], row, key=lambda r: r.energy_kwh)
            conflicts.append(Conflict(rows[-1].line, row.line, kept.line))
            rows[-1] = kept
        else:
            if rows:
                _check_order(path, rows[-1], row)
            rows.append(row)
        previous = item
    return rows, merged, conflicts


def _check_order(path: Path, before: Row, row: Row) -> None:
    if row.at_ms <= before.at_ms:
        raise ReplayError(path, row.line, "READ_DATE", "earlier than the row above: sort the file")
    if row.energy_kwh < before.energy_kwh:
        raise ReplayError(
            path,
            row.line,
            "ENERGY",
            f"{row.energy_kwh} kWh after {before.energy_kwh}: a register never decreases; "
            "split the file where the meter was exchanged",
        )


def _utc_ms(stamp: datetime, zone: tzinfo, fold: int) -> int:
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=zone, fold=fold)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _repeated_hour(stamp: datetime, zone: tzinfo) -> bool:
    """Whether the zone's clocks show this civil time twice."""
    if stamp.tzinfo:
        return False
    first, second = stamp.replace(tzinfo=zone, fold=0), stamp.replace(tzinfo=zone, fold=1)
    return (second.utcoffset() or timedelta()) < (first.utcoffset() or timedelta())


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
