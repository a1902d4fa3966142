import random

from control_kit import zone

from nuan_firmware.control import law as laws
from nuan_firmware.control.law import (
    DRIVE_ON_OFF,
    DRIVE_POSITION,
    DRIVE_PULSES,
    DUTY_PERIOD_S,
    EXERCISE_ALWAYS,
    EXERCISE_BELOW,
    Law,
)
from nuan_protocols.uplink.body import (
    MODE_EXERCISE,
    MODE_FALLBACK,
    MODE_FROST,
    MODE_NORMAL,
    MODE_SETBACK,
)

SEED = 20261121


def made(*args, **changes):
    """A law whose setting has been asked for: 22.0, clamped to 20.0 unless told otherwise."""
    law = Law(zone(*args, **changes))
    law.applied_dc = min(law.zone.setpoint_dc, law.zone.legal_max_dc)
    return law


def after(law, measured_dc, now_s, **how):
    """What the valve does when this is measured now."""
    law.sense(measured_dc, now_s)
    law.decide(now_s, **how)
    return law.is_open


def test_hysteresis_lies_below_the_applied_setting():
    law = made(min_on_s=0, min_off_s=0)
    seen = [after(law, dc, 300 * i) for i, dc in enumerate((196, 195, 196, 199, 200, 199, 195))]
    assert seen == [False, True, True, True, False, False, True]
    assert law.reason == laws.REASON_BELOW


def test_the_valve_shuts_earlier_by_what_the_room_runs_on():
    law = made(min_on_s=0, min_off_s=0, overrun_dc=2)
    seen = [after(law, dc, 300 * i) for i, dc in enumerate((195, 197, 198, 200, 196, 195))]
    assert seen == [True, True, False, False, False, True]


def test_the_valve_is_never_opened_above_the_applied_setting():
    for drive in (DRIVE_ON_OFF, DRIVE_PULSES, DRIVE_POSITION):
        for measured in range(-100, 400):
            law = made(drive=drive)
            opened = after(law, measured, 10000)
            assert not (opened and measured > 200), measured
            assert opened or measured > 195 or drive != DRIVE_ON_OFF
            assert opened or measured > 185, measured


def test_frost_protection_stands_above_minimum_times_and_a_low_setting():
    for drive in (DRIVE_ON_OFF, DRIVE_PULSES, DRIVE_POSITION):
        law = made(setpoint_dc=50, min_off_s=3600, drive=drive)
        assert not after(law, 60, 1000)
        law.is_open = True
        assert not after(law, 100, 5000)
        assert after(law, 50, 5001)
        assert (law.mode, law.demand) == (MODE_FROST, 1000)
        assert after(law, 54, 5300)
        assert law.mode == MODE_FROST
        after(law, 55, 5600)
        assert law.mode == MODE_NORMAL


def test_a_zone_that_is_switched_off_is_still_kept_from_frost():
    law = made()
    law.requested_dc = law.applied_dc = laws.OFF
    assert not after(law, 150, 1000)
    assert law.reason == laws.REASON_OFF
    assert after(law, 49, 1060)
    assert law.mode == MODE_FROST


def test_minimum_times_hold_the_valve():
    law = made()
    assert after(law, 190, 1000)
    assert after(law, 200, 1100)
    assert law.reason == laws.REASON_MINIMUM_TIME
    assert not after(law, 200, 1180)
    assert not after(law, 190, 1300)
    assert after(law, 190, 1360)


def test_a_minimum_time_holds_nothing_open_in_a_room_that_is_too_warm():
    for drive in (DRIVE_ON_OFF, DRIVE_PULSES, DRIVE_POSITION):
        law = made(drive=drive)
        assert after(law, 180, 1000)
        assert not after(law, 201, 1010)
        assert law.demand == 0


def test_a_stale_sensor_gives_way_to_the_duty_cycle():
    for drive in (DRIVE_ON_OFF, DRIVE_PULSES):
        law = made(min_on_s=0, min_off_s=0, drive=drive)
        after(law, 201, 1000)
        law.decide(1000 + 1800, duty_pct=30)
        assert law.mode == MODE_NORMAL
        law.decide(1000 + 1801, duty_pct=30)
        assert (law.mode, law.measured_dc) == (MODE_FALLBACK, None)
        open_s = 0
        for now in range(2801, 2801 + 10 * DUTY_PERIOD_S):
            law.decide(now, duty_pct=30)
            open_s += law.is_open
        assert abs(open_s - 3 * DUTY_PERIOD_S) <= 6, open_s


def test_a_duty_of_nothing_and_of_everything():
    for percent in (0, 100):
        law = made(min_on_s=0, min_off_s=0)
        for now in range(2 * DUTY_PERIOD_S, 4 * DUTY_PERIOD_S, 10):
            law.decide(now, duty_pct=percent)
            assert law.is_open == (percent == 100)


def test_neighbours_stand_in_for_a_silent_sensor():
    law = made(min_on_s=0, min_off_s=0)
    law.decide(1801, substitute_dc=190, duty_pct=0)
    assert (law.mode, law.is_open, law.measured_dc) == (MODE_FALLBACK, True, 190)
    law.decide(1900, substitute_dc=201, duty_pct=100)
    assert (law.mode, law.is_open) == (MODE_FALLBACK, False)


def test_after_a_boot_the_valve_stays_shut_until_the_sensor_has_had_its_time():
    law = made()
    for now in (0, 180):
        law.decide(now, duty_pct=100)
        assert (law.mode, law.is_open) == (MODE_NORMAL, False)
    law.decide(181, duty_pct=100)
    assert (law.mode, law.is_open) == (MODE_FALLBACK, True)


def test_what_no_room_has_is_not_measured():
    law = made()
    law.sense(-501, 10)
    law.sense(1001, 10)
    assert law.own_dc(10) is None
    law.sense(-500, 10)
    assert law.own_dc(10) == -500


def test_a_sensor_that_comes_back_takes_over_at_once():
    law = made(min_on_s=0, min_off_s=0)
    law.decide(1801, duty_pct=100)
    assert law.is_open
    assert not after(law, 210, 1860, duty_pct=100)
    assert law.mode == MODE_NORMAL


def test_a_position_follows_what_is_missing():
    law = made(drive=DRIVE_POSITION)
    demands = []
    for measured in (185, 190, 195, 198, 199):
        fresh = made(drive=DRIVE_POSITION)
        after(fresh, measured, 10)
        demands.append(fresh.demand)
    assert demands == sorted(demands, reverse=True)
    assert demands[0] == 1000
    assert 0 < demands[-1] < 200
    assert not after(law, 200, 10)


def test_the_integral_finds_what_holds_the_room():
    law = made(drive=DRIVE_POSITION)
    for now in range(0, 4 * 3600, 300):
        after(law, 198, now)
    assert law.demand > 300
    held = law.demand
    assert after(law, 200, 4 * 3600)
    assert held - 250 < law.demand < held


def test_the_integral_does_not_wind_up_while_the_valve_can_do_no_more():
    law = made(drive=DRIVE_POSITION)
    for now in range(0, 24 * 3600, 300):
        after(law, 150, now)
    assert law.demand == 1000
    after(law, 199, 24 * 3600)
    assert law.demand < 200


def test_the_integral_outlasts_a_night_at_a_lower_setting():
    law = made(drive=DRIVE_POSITION)
    for now in range(0, 4 * 3600, 300):
        after(law, 198, now)
    after(law, 200, 4 * 3600)
    evening = law.demand
    law.plan, law.applied_dc = MODE_SETBACK, 170
    for now in range(5 * 3600, 15 * 3600, 300):
        assert not after(law, 190, now)
    law.plan, law.applied_dc = MODE_NORMAL, 200
    after(law, 200, 15 * 3600 + 300)
    assert law.demand == evening > 0


def test_pulses_come_to_the_demand_in_the_mean():
    for share in (2, 5, 11, 30, 50, 77, 93, 99):
        law = made(drive=DRIVE_PULSES, stale_s=60)
        open_s = 0
        span = range(60, 60 + 60 * 1200, 60)
        for now in span:
            law.decide(now + 60, duty_pct=share)
            open_s += 60 * law.is_open
        assert abs(open_s * 100 - share * len(span) * 60) <= 1200 * 100, (share, open_s)


def test_pulses_are_neither_shorter_than_the_valve_needs_nor_more_than_one_a_cycle():
    law = made(drive=DRIVE_PULSES, stale_s=60, min_on_s=240, min_off_s=300)
    changes = []
    was = False
    random.seed(SEED)
    share = 40
    for now in range(120, 200 * 1200, 60):
        if not random.getrandbits(5):
            share = random.getrandbits(7) % 100
        law.decide(now, duty_pct=share)
        if law.is_open != was:
            was = law.is_open
            changes.append((now, was))
    assert len(changes) <= 2 * 201
    for at in range(1, len(changes)):
        begun, opened = changes[at - 1]
        assert changes[at][0] - begun >= (240 if opened else 300)


def test_an_exercise_opens_below_the_setting_or_where_no_heat_is():
    law = made()
    assert after(law, 198, 1000, exercise=EXERCISE_BELOW)
    assert law.mode == MODE_EXERCISE
    law = made()
    assert not after(law, 201, 1000, exercise=EXERCISE_BELOW)
    assert after(law, 260, 1000, exercise=EXERCISE_ALWAYS)
    law = made(setpoint_dc=50)
    assert after(law, 40, 1000, exercise=EXERCISE_ALWAYS)
    assert law.mode == MODE_FROST


def test_whatever_comes_the_law_holds():
    """Frost protection always, never open above the setting, demands within bounds, no chatter."""
    random.seed(SEED)
    for drive in (DRIVE_ON_OFF, DRIVE_PULSES, DRIVE_POSITION):
        for _ in range(12):
            run_any_life(drive)


def run_any_life(drive):
    law = made(drive=drive, min_on_s=120, min_off_s=180)
    now, dc, changed = 0, 150, -1000
    for _ in range(500):
        now += random.getrandbits(8)
        dc = min(1000, max(-100, dc + random.getrandbits(5) - 16))
        if not random.getrandbits(4):
            law.applied_dc = law.requested_dc = random.choice((0, 50, 120, 200))
        heard = random.getrandbits(3)
        if heard:
            law.sense(dc, now)
        was, mode = law.is_open, law.mode
        law.decide(now, None, random.getrandbits(6), EXERCISE_BELOW if heard == 1 else 0)
        measured = law.measured_dc
        assert 0 <= law.demand <= 1000
        if measured is not None and measured <= 50:
            assert law.is_open
            assert law.demand == 1000
        elif measured is not None and measured > law.applied_dc and law.mode != MODE_FROST:
            assert not law.is_open
            assert law.demand == 0
        if law.is_open != was:
            forced = MODE_FROST in (mode, law.mode) or MODE_EXERCISE in (mode, law.mode)
            above = measured is not None and measured > law.applied_dc
            if drive != DRIVE_POSITION and not forced and not above:
                assert now - changed >= (120 if was else 180), (drive, law.reason)
            changed = now
