"""A weekly program with holidays: which mode holds now, and when occupied time begins or ends.

A switch point is 16 bits: minute of the day * 4 + level. Days are civil days since 1970 by the
configuration's fixed offset; day 0 was a Thursday.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.body import MODE_FROST, MODE_NORMAL, MODE_SETBACK, MODE_UNOCCUPIED

if TYPE_CHECKING:
    from nuan_firmware.config_zones import Calendar, Program

OCCUPIED = const(0)
MODES = (MODE_NORMAL, MODE_SETBACK, MODE_UNOCCUPIED, MODE_FROST)
NEVER = const(1 << 29)
_DAY_S = const(86400)
_MONDAY_OF_DAY_0 = const(3)
_DAYS_BACK = const(8)


def now(program: "Program", calendar: "Calendar", civil_s: int) -> "tuple[int, int]":
    """(mode that holds, seconds until occupied time begins or, when it is occupied, ends).

    NEVER when it doesn't end today, or doesn't begin before the end of the day after.
    """
    day, second = divmod(civil_s, _DAY_S)
    minute = second // 60
    level = -1
    points = program.types[day_type(program, calendar, day)]
    until_s = NEVER
    change_s = NEVER
    for at in range(0, len(points), 2):
        point = points[at] << 8 | points[at + 1]
        if point >> 2 <= minute:
            level = point & 3
        elif point & 3 == OCCUPIED:
            until_s = min(until_s, (point >> 2) * 60 - second)
        else:
            change_s = min(change_s, (point >> 2) * 60 - second)
    if level < 0:
        level = _before(program, calendar, day)
    if level == OCCUPIED:
        until_s = change_s
    elif until_s == NEVER:
        points = program.types[day_type(program, calendar, day + 1)]
        for at in range(0, len(points), 2):
            point = points[at] << 8 | points[at + 1]
            if point & 3 == OCCUPIED:
                until_s = _DAY_S - second + (point >> 2) * 60
                break
    return MODES[level], until_s


def day_type(program: "Program", calendar: "Calendar", day: int) -> int:
    """The type of a civil day: make-up working days and holidays before the day of the week."""
    if _holds(calendar.work, day):
        return program.week[0]
    if _holds(calendar.off, day):
        return program.holiday
    return program.week[(day + _MONDAY_OF_DAY_0) % 7]


def _before(program: "Program", calendar: "Calendar", day: int) -> int:
    """The level that a day begins with: the last one of the days before."""
    for back in range(1, _DAYS_BACK):
        points = program.types[day_type(program, calendar, day - back)]
        if points:
            return points[-1] & 3
    return OCCUPIED


def _holds(days: bytes, day: int) -> bool:
    return any(days[at] << 8 | days[at + 1] == day for at in range(0, len(days), 2))
