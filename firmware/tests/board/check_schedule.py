from nuan_firmware.config_zones import Calendar, Program
from nuan_firmware.control import schedule
from nuan_protocols.uplink.body import MODE_FROST, MODE_NORMAL, MODE_SETBACK, MODE_UNOCCUPIED

DAY = 86400
# 2026-11-23, a Monday.
MONDAY = 20780


def points(*pairs):
    packed = bytearray()
    for hour, level in pairs:
        value = hour * 60 << 2 | level
        packed.append(value >> 8)
        packed.append(value & 0xFF)
    return bytes(packed)


def days(*numbers):
    packed = bytearray()
    for number in numbers:
        packed.append(number >> 8)
        packed.append(number & 0xFF)
    return bytes(packed)


OFFICE = Program(
    b"\0\0\0\0\0\1\1", 2, (points((8, 0), (12, 1), (13, 0), (18, 2)), b"", points((0, 3)))
)
PLAIN = Calendar(b"", b"", 0, (305, 90))


def at(day, hour, program=OFFICE, calendar=PLAIN):
    return schedule.now(program, calendar, day * DAY + hour * 3600)


def test_the_points_of_a_day_hold_one_after_the_other():
    assert at(MONDAY, 7) == (MODE_UNOCCUPIED, 3600)
    assert at(MONDAY, 8) == (MODE_NORMAL, 4 * 3600)
    assert at(MONDAY, 12) == (MODE_SETBACK, 3600)
    assert at(MONDAY, 13) == (MODE_NORMAL, 5 * 3600)
    assert at(MONDAY, 18) == (MODE_UNOCCUPIED, 14 * 3600)


def test_a_day_without_points_goes_on_as_the_one_before():
    for day in (MONDAY + 5, MONDAY + 6):
        for hour in (0, 12, 23):
            assert at(day, hour)[0] == MODE_UNOCCUPIED
    assert at(MONDAY + 5, 12)[1] == schedule.NEVER
    assert at(MONDAY + 6, 22)[1] == 10 * 3600


def test_holidays_and_make_up_days_stand_above_the_day_of_the_week():
    calendar = Calendar(days(MONDAY + 1), days(MONDAY + 5), 0, (305, 90))
    assert at(MONDAY, 22, calendar=calendar) == (MODE_UNOCCUPIED, schedule.NEVER)
    assert at(MONDAY + 1, 10, calendar=calendar)[0] == MODE_FROST
    assert at(MONDAY + 1, 20, calendar=calendar) == (MODE_FROST, 12 * 3600)
    assert at(MONDAY + 2, 7, calendar=calendar) == (MODE_FROST, 3600)
    assert at(MONDAY + 5, 10, calendar=calendar)[0] == MODE_NORMAL


def test_a_program_without_any_point_is_always_occupied():
    empty = Program(b"\0" * 7, 0, (b"",))
    assert at(MONDAY, 3, program=empty) == (MODE_NORMAL, schedule.NEVER)


def test_the_day_of_the_week_is_the_calendars():
    weekend = [day for day in range(MONDAY, MONDAY + 14) if schedule.day_type(OFFICE, PLAIN, day)]
    assert weekend == [MONDAY + 5, MONDAY + 6, MONDAY + 12, MONDAY + 13]
