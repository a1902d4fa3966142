"""A meter's own clock, and the instants at which it settles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DAY_MS = 86_400_000


class MeterClock:
    """Civil time as the meter shows it; somebody may set it, then it runs on."""

    def __init__(self, utc_offset_s: int) -> None:
        """`utc_offset_s`: the civil time it was set to when it was made."""
        self.utc_offset_s = utc_offset_s
        self.ahead_s = 0
        """By how much it is ahead of that civil time."""

    def shows(self, now_ms: int) -> datetime:
        """What it shows at a UTC instant; the result's time zone means nothing."""
        at = datetime.fromtimestamp(now_ms // 1000, UTC)
        return at + timedelta(seconds=self.utc_offset_s + self.ahead_s)

    def set(self, digits: str, form: str, now_ms: int) -> None:
        """Set it to a time written in strptime's `form`; ValueError when it is none."""
        told = datetime.strptime(digits, form).replace(tzinfo=UTC)
        right = datetime.fromtimestamp(now_ms // 1000, UTC) + timedelta(seconds=self.utc_offset_s)
        self.ahead_s = int((told - right).total_seconds())

    def settlement_ms(self, months_ago: int, now_ms: int) -> int:
        """UTC ms at which the civil month began, `months_ago` months before this one."""
        at = datetime.fromtimestamp(now_ms // 1000, UTC) + timedelta(seconds=self.utc_offset_s)
        month = at.year * 12 + at.month - 1 - months_ago
        begin = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return int(begin.timestamp() - self.utc_offset_s) * 1000

    def day_ms(self, days_ago: int, now_ms: int) -> int:
        """UTC ms at which the civil day began, `days_ago` days before this one."""
        offset_ms = self.utc_offset_s * 1000
        today = (now_ms + offset_ms) // DAY_MS * DAY_MS
        return today - days_ago * DAY_MS - offset_ms
