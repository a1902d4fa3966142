"""Reads the dry-bulb temperature of an EnergyPlus weather file (EPW).

    LOCATION,city,region,country,source,WMO,latitude,longitude,time zone,elevation
    ... seven more header lines ...
    year,month,day,hour 1..24,minute,flags,dry bulb,...       8760 or 8784 of them

Hour n is the hour that ends at n o'clock, local standard time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

HEADER_LINES = 8
FIELDS_MIN = 7
DRY_BULB = 6
DRY_BULB_MISSING_C = 99.9
TEMPERATURE_C = (-70.0, 70.0)
ROWS = (8760, 8784)
DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class EpwError(ValueError):
    """A weather file that cannot be used; names the file, the line and the cure."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        """`line` 0 is the file as a whole."""
        super().__init__(f"{path}, line {line}: {reason}" if line else f"{path}: {reason}")
        self.line = line


class TypicalYear(NamedTuple):
    """Temperatures by (month, day, hour beginning 0..23) in the file's own standard time."""

    utc_offset_s: int
    hours: dict[tuple[int, int, int], float]

    def at_hour(self, hour: int) -> float:
        """Temperature of the UTC hour `hour` since 1970; 29 February repeats the 28th."""
        at = datetime.fromtimestamp(hour * 3600, UTC) + timedelta(seconds=self.utc_offset_s)
        value = self.hours.get((at.month, at.day, at.hour))
        return self.hours[at.month, 28, at.hour] if value is None else value


def read_epw(path: Path) -> TypicalYear:
    """The file's hourly temperatures; EpwError when anything in it cannot be trusted."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise EpwError(path, 0, f"cannot be read: {error.strerror}") from error
    if not lines or not lines[0].startswith("LOCATION,"):
        raise EpwError(path, 1, "no LOCATION header: is this an EPW file?")
    offset_s = _utc_offset_s(path, lines[0])
    hours: dict[tuple[int, int, int], float] = {}
    for number, line in enumerate(lines[HEADER_LINES:], HEADER_LINES + 1):
        key, value = _row(path, number, line)
        if key in hours:
            raise EpwError(path, number, f"month, day, hour {key} occurs twice: remove one row")
        hours[key] = value
    if len(hours) not in ROWS:
        raise EpwError(
            path, len(lines), f"{len(hours)} hours where a year has 8760: the file is cut short"
        )
    return TypicalYear(offset_s, hours)


def _utc_offset_s(path: Path, line: str) -> int:
    fields = line.split(",")
    try:
        offset_h = float(fields[8])
    except (IndexError, ValueError):
        raise EpwError(path, 1, "field 9 of LOCATION must be the time zone in hours") from None
    if not -12 <= offset_h <= 14:
        raise EpwError(path, 1, f"time zone {offset_h} is outside -12..14 hours")
    return round(offset_h * 3600)


def _row(path: Path, number: int, line: str) -> tuple[tuple[int, int, int], float]:
    fields = line.split(",")
    if len(fields) < FIELDS_MIN:
        raise EpwError(path, number, f"{len(fields)} fields where {FIELDS_MIN} are needed")
    try:
        month, day, hour = int(fields[1]), int(fields[2]), int(fields[3])
        value = float(fields[DRY_BULB])
    except ValueError:
        raise EpwError(path, number, "month, day, hour and dry bulb must be numbers") from None
    if not (1 <= month <= 12 and 1 <= day <= DAYS[month - 1] and 1 <= hour <= 24):
        raise EpwError(path, number, f"no such hour: month {month}, day {day}, hour {hour}")
    low, high = TEMPERATURE_C
    if value == DRY_BULB_MISSING_C or not low <= value <= high:
        raise EpwError(path, number, f"dry bulb {value} is missing or outside {low}..{high} degC")
    return (month, day, hour - 1), value
