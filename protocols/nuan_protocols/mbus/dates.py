"""Points in time as meters send them (EN 13757-3, types F, G, I and J), as ISO 8601 text.

    G  2 bytes   yyy ddddd | yyyy mmmm
    F  4 bytes   V . minute6 | S hh hour5 | yyy ddddd | yyyy mmmm
    I  6 bytes   L S second6 | V D minute6 | www hour5 | yyy ddddd | yyyy mmmm | DD week6
    J  3 bytes   second6 | minute6 | hour5

V invalid, S summer time, hh hundreds of years since 1900, y year of the century (low bits first).
Years 0 to 80 without hundreds are 2000 to 2080. A part that recurs (every year, month, day, hour,
minute, second) is written "*".
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

EVERY_YEAR = 127
EVERY_MONTH = 15
EVERY_DAY = 0
EVERY_HOUR = 31
EVERY_60 = 63

_DAYS = b"\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"
_CENTURY_PIVOT = 80

NOT_SET = "error"


def date_text(data: "Buffer") -> tuple[str, str]:
    """(text, status) of 2, 3, 4 or 6 bytes; status "ok", "error" (not set) or "unreadable:..."."""
    size = len(data)
    if size == 3:
        return _time(data)
    if size not in (2, 4, 6):
        return "", f"unreadable:no type of date has {size} bytes"
    if _none(data):
        return "", NOT_SET
    return _date(data[0], data[1], 0) if size == 2 else _date_and_time(data)


def _date_and_time(data: "Buffer") -> tuple[str, str]:
    if len(data) == 4:
        hundreds = data[1] >> 5 & 3
        text, status = _date(data[2], data[3], hundreds)
        seconds = -1
        minute_byte, hour = data[0], data[1] & 0x1F
    else:
        text, status = _date(data[3], data[4], 0)
        seconds = data[0] & 0x3F
        minute_byte, hour = data[1], data[2] & 0x1F
    if status != "ok":
        return text, status
    clock = _clock(hour, minute_byte & 0x3F, seconds)
    if not clock:
        return "", f"unreadable:no such time of day: {bytes(data).hex()}"
    return f"{text}T{clock}", NOT_SET if minute_byte & 0x80 else "ok"


def _none(data: "Buffer") -> bool:
    """All bits set, or no month at all: the meter has no date to tell."""
    month = data[4 if len(data) == 6 else len(data) - 1] & 0x0F
    return month == 0 or all(byte == 0xFF for byte in data)


def _date(low: int, high: int, hundreds: int) -> tuple[str, str]:
    day, month = low & 0x1F, high & 0x0F
    year = low >> 5 | high >> 4 << 3
    if month > 12 and month != EVERY_MONTH:
        return "", f"unreadable:no month {month}"
    if year == EVERY_YEAR:
        year_text = "*"
    elif year > 99:
        return "", f"unreadable:no year {year} in a century"
    else:
        if hundreds == 0 and year <= _CENTURY_PIVOT:
            year += 100
        year += 1900 + 100 * hundreds
        year_text = f"{year:04d}"
    if day != EVERY_DAY and month != EVERY_MONTH and day > _days(year, month):
        return "", f"unreadable:no day {day} in month {month}"
    month_text = "*" if month == EVERY_MONTH else f"{month:02d}"
    day_text = "*" if day == EVERY_DAY else f"{day:02d}"
    return f"{year_text}-{month_text}-{day_text}", "ok"


def _days(year: int, month: int) -> int:
    if month == 2 and year != EVERY_YEAR and (year % 4 or (year % 100 == 0 and year % 400)):
        return 28
    return _DAYS[month - 1]


def _time(data: "Buffer") -> tuple[str, str]:
    if all(byte == 0xFF for byte in data):
        return "", NOT_SET
    clock = _clock(data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F)
    if not clock:
        return "", f"unreadable:no such time of day: {bytes(data).hex()}"
    return clock, "ok"


def _clock(hour: int, minute: int, second: int) -> str:
    """ "hh:mm" or "hh:mm:ss" (second -1: without); "" when there is no such time of day."""
    if hour > 24 and hour != EVERY_HOUR:
        return ""
    if hour == 24 and (minute or second > 0):
        return ""
    if (minute > 59 and minute != EVERY_60) or (second > 59 and second != EVERY_60):
        return ""
    text = "*" if hour == EVERY_HOUR else f"{hour:02d}"
    text += ":*" if minute == EVERY_60 else f":{minute:02d}"
    if second >= 0:
        text += ":*" if second == EVERY_60 else f":{second:02d}"
    return text
