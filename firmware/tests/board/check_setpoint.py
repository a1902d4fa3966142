from nuan_firmware import setpoint
from nuan_firmware.config import Zone
from nuan_firmware.setpoint import DUTY_PERIOD_S, Law
from nuan_protocols.uplink.body import MODE_FALLBACK, MODE_FROST, MODE_NORMAL


def zone(requested=220, exempt=False, min_on=180, min_off=180, fallback=50, overrun=0):
    limits = (min_on, min_off, 1800, fallback)
    return Zone(1, 16, 0, 0, 33, requested, 200, exempt, 5, overrun, 50, *limits)


def after(law, measured_dc, now_s):
    """What the valve does when this is measured now."""
    law.sense(measured_dc, now_s)
    law.decide(now_s)
    return law.is_open


def test_the_legal_maximum_clamps_the_setting():
    assert Law(zone(220)).applied_dc() == 200
    assert Law(zone(180)).applied_dc() == 180
    assert Law(zone(220, exempt=True)).applied_dc() == 220


def test_hysteresis_lies_below_the_applied_setting():
    law = Law(zone(min_on=0, min_off=0))
    seen = [after(law, dc, 300 * i) for i, dc in enumerate((196, 195, 196, 199, 200, 199, 195))]
    assert seen == [False, True, True, True, False, False, True]
    assert law.reason == setpoint.REASON_BELOW


def test_the_valve_shuts_earlier_by_what_the_room_runs_on():
    law = Law(zone(min_on=0, min_off=0, overrun=2))
    seen = [after(law, dc, 300 * i) for i, dc in enumerate((195, 197, 198, 200, 196, 195))]
    assert seen == [True, True, False, False, False, True]
    assert law.applied_dc() == 200


def test_the_valve_is_never_opened_at_or_above_the_applied_setting():
    for measured in range(-100, 400):
        law = Law(zone())
        opened = after(law, measured, 10000)
        assert opened == (measured <= 195)


def test_frost_protection_stands_above_minimum_times_and_a_low_setting():
    law = Law(zone(requested=50, min_off=3600))
    assert not after(law, 60, 1000)
    law.is_open = True
    assert not after(law, 100, 5000)
    assert after(law, 50, 5001)
    assert law.mode == MODE_FROST
    assert after(law, 54, 5300)
    assert law.mode == MODE_FROST
    after(law, 55, 5600)
    assert law.mode == MODE_NORMAL


def test_minimum_times_hold_the_valve():
    law = Law(zone())
    assert after(law, 190, 1000)
    assert after(law, 201, 1100)
    assert law.reason == setpoint.REASON_MINIMUM_TIME
    assert not after(law, 201, 1180)
    assert not after(law, 190, 1300)
    assert after(law, 190, 1360)


def test_a_minimum_time_holds_nothing_open_in_a_room_that_is_too_warm():
    law = Law(zone())
    assert after(law, 190, 1000)
    assert not after(law, 205, 1010)


def test_a_stale_sensor_gives_way_to_the_duty_cycle():
    law = Law(zone(min_on=0, min_off=0, fallback=30))
    after(law, 201, 1000)
    law.decide(1000 + 1800)
    assert law.mode == MODE_NORMAL
    assert law.decide(1000 + 1801)
    assert law.mode == MODE_FALLBACK
    assert law.measured_dc is None
    start = 10 * DUTY_PERIOD_S
    open_s = 0
    for now in range(start, start + DUTY_PERIOD_S):
        law.decide(now)
        open_s += law.is_open
    assert open_s == 30 * DUTY_PERIOD_S // 100


def test_after_a_boot_the_valve_stays_shut_until_the_sensor_has_had_its_time():
    law = Law(zone())
    assert not law.decide(0)
    assert not law.decide(1800)
    assert (law.mode, law.is_open) == (MODE_NORMAL, False)
    law.decide(1801)
    assert law.mode == MODE_FALLBACK


def test_a_duty_of_nothing_and_of_everything():
    for percent in (0, 100):
        law = Law(zone(min_on=0, min_off=0, fallback=percent))
        for now in range(2 * DUTY_PERIOD_S, 4 * DUTY_PERIOD_S, 10):
            law.decide(now)
            assert law.is_open == (percent == 100)


def test_what_no_room_has_is_not_measured():
    law = Law(zone())
    law.sense(-501, 10)
    law.sense(1001, 10)
    assert law.measured_dc is None
    law.sense(-500, 10)
    assert law.measured_dc == -500


def test_a_sensor_that_comes_back_takes_over_at_once():
    law = Law(zone(min_on=0, min_off=0))
    law.decide(1801)
    assert law.mode == MODE_FALLBACK
    law.sense(210, 1860)
    assert law.decide(1860)
    assert (law.mode, law.is_open) == (MODE_NORMAL, False)


def test_no_change_is_no_news():
    law = Law(zone())
    law.sense(190, 1000)
    assert law.decide(1000)
    assert not law.decide(1001)


class Valve:
    """What a pin was told."""

    def __init__(self):
        self.told = []

    def set(self, on):
        self.told.append(on)


class Book:
    """What was journaled."""

    def __init__(self):
        self.entries = []

    def control(self, *entry):
        self.entries.append(entry)


class Uptime:
    def uptime(self):
        return 1000


def test_the_controller_reads_its_own_register_only():
    valve, book = Valve(), Book()
    controller = setpoint.Controller(
        Zone(1, 16, 1, 1, 33, 220, 200, False, 5, 0, 50, 0, 0, 1800, 50), valve, book, Uptime()
    )
    answer = b"\x02\x04\x04\x00\x00\x00\xbe\xff\xff"
    controller.take(15, 1, answer)
    controller.take(16, 0, answer)
    assert book.entries == []
    controller.take(16, 1, answer)
    assert valve.told == [True]
    assert book.entries == [(1, 220, 200, 190, 100, MODE_NORMAL, setpoint.REASON_BELOW)]
    controller.take(16, 1, b"\x02\x84\x02\x00\x00")
    assert len(book.entries) == 1


def test_a_register_below_zero_is_below_zero():
    valve, book = Valve(), Book()
    controller = setpoint.Controller(
        Zone(1, 16, 0, 0, 33, 220, 200, False, 5, 0, 50, 0, 0, 1800, 50), valve, book, Uptime()
    )
    controller.take(16, 0, b"\x02\x04\x02\xff\xf6\x00\x00")
    assert book.entries[0][3] == -10
    assert book.entries[0][5] == MODE_FROST
