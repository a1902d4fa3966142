"""Civil days of a season as instants: where a site's midnights lie in UTC."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def midnight_utc_s(day: date, zone: ZoneInfo) -> int:
    """Return the UTC second at which the civil day begins."""
    return int(datetime.combine(day, time(), zone).timestamp())


def midnights_utc_s(start: date, end: date, zone: ZoneInfo) -> list[int]:
    """Return the beginnings of the days start..end, both included: a season's n days have n + 1."""
    days = (end - start).days
    return [midnight_utc_s(start + timedelta(days=day), zone) for day in range(days + 1)]


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of this name, None when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
