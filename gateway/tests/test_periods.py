"""Civil midnights as instants, also where clocks are turned."""

import itertools
from datetime import date
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nuan_gateway.periods import midnight_utc_s, midnights_utc_s, zone_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_season_in_shanghai() -> None:
    marks = midnights_utc_s(date(2025, 11, 1), date(2026, 4, 1), SHANGHAI)
    assert len(marks) == 152
    assert marks[0] == 1_761_926_400  # 2025-10-31T16:00:00Z
    assert {later - earlier for earlier, later in itertools.pairwise(marks)} == {86_400}


def test_a_leap_season_has_a_day_more() -> None:
    assert len(midnights_utc_s(date(2027, 11, 1), date(2028, 4, 1), SHANGHAI)) == 153


def test_days_of_23_and_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = midnights_utc_s(date(2026, 3, 28), date(2026, 3, 31), berlin)
    autumn = midnights_utc_s(date(2026, 10, 24), date(2026, 10, 27), berlin)
    assert [b - a for a, b in itertools.pairwise(spring)] == [86_400, 82_800, 86_400]
    assert [b - a for a, b in itertools.pairwise(autumn)] == [86_400, 90_000, 86_400]


@given(st.dates(date(1992, 1, 1), date(2100, 1, 1)))
def test_shanghai_is_eight_hours_ahead(day: date) -> None:
    assert midnight_utc_s(day, SHANGHAI) == (day - date(1970, 1, 1)).days * 86_400 - 8 * 3600


def test_names_of_zones() -> None:
    assert zone_of("Asia/Shanghai") == SHANGHAI
    for name in ("Asia/Nowhere", "", "../etc/passwd", "/etc/passwd", "a\0b", "Asia"):
        assert zone_of(name) is None
