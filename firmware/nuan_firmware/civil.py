"""Dates of the Gregorian calendar and days since 1970; on the heap only while it is used."""

from micropython import const

# Days from March of the year 0 to 1970; 400 years have 146097.
_EPOCH_DAYS = const(719468)
_ERA_DAYS = const(146097)


def days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar; impossible dates run over."""
    if month < 3:
        year -= 1
        month += 12
    return (
        365 * year + year // 4 - year // 100 + year // 400
        + (153 * (month - 3) + 2) // 5 + day - 1 - _EPOCH_DAYS
    )  # fmt: skip


def civil(since: int) -> "tuple[int, int, int]":
    """(year, month, day), so many days after 1970-01-01."""
    since += _EPOCH_DAYS
    era, day = since // _ERA_DAYS, since % _ERA_DAYS
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    year += 400 * era
    return (year, month + 3, day) if month < 10 else (year + 1, month - 9, day)
