import json
import os

from control_kit import CALENDAR, START, Book, Hands, Moved, control, zone
from ram_flash import MOUNT, RamFlash

from nuan_firmware.config_zones import Outdoor, Program, Source
from nuan_firmware.control import law as laws
from nuan_firmware.control.law import DRIVE_POSITION
from nuan_firmware.control.no_zones import NoZones
from nuan_firmware.control.zones import Zones
from nuan_protocols.uplink.body import (
    EVENT_OVERRIDE,
    MODE_EXERCISE,
    MODE_FALLBACK,
    MODE_FROST,
    MODE_NORMAL,
    MODE_OVERRIDE,
    MODE_UNOCCUPIED,
    MODE_WARM_UP,
)

PATH = MOUNT + "/control.json"
# 2026-11-01 00:00 UTC is 8 o'clock on a Sunday morning in China.
OFFICE = Program(b"\0\0\0\0\0\1\1", 1, (b"\x07\x80\x10\xe2", b""))


class Stand:
    """Zones on a bench: valves, journal and clock that can be looked into."""

    def __init__(self, *zones, hands=None, **more):
        self.book = Book()
        self.hands = hands or Hands()
        self.valves = []
        self.faults = []
        self.zones = Zones(
            control(*zones, **more), self.book, self.hands, self.valve, self.fault, PATH
        )

    def fault(self, name, problem):
        self.faults.append((name, problem))

    def valve(self, _):
        self.valves.append(Moved())
        return self.valves[-1]

    def room(self, dc, slot=16):
        value = dc & 0xFFFF
        self.zones.take(slot, 0, bytes((2, 4, 2, value >> 8, value & 0xFF, 0, 0)))

    def hours(self, hours, dc=None, slots=(16,)):
        for _ in range(hours * 12):
            self.hands.pass_s(300)
            if dc is not None:
                for slot in slots:
                    self.room(dc, slot)
            self.zones.tick(self.hands.up_s)


def on_flash(test):
    chip = RamFlash(16)
    chip.format()
    chip.mount()
    try:
        test()
    finally:
        chip.unmount()


def refusal(stand, *wanted):
    events = len(stand.book.events)
    try:
        stand.zones.override(*wanted)
    except ValueError as problem:
        assert len(stand.book.events) == events
        return str(problem)
    raise AssertionError(wanted)


def test_the_controller_reads_its_own_register_only():
    def run():
        stand = Stand(zone(source=Source(16, 1, 1, b""), min_on_s=0, min_off_s=0))
        answer = b"\x02\x04\x04\x00\x00\x00\xbe\xff\xff"
        stand.zones.take(15, 1, answer)
        stand.zones.take(16, 0, answer)
        assert stand.book.entries == []
        stand.zones.take(16, 1, answer)
        assert stand.valves[0].told == [(1000, True)]
        assert stand.book.entries == [(1, 220, 200, 190, 100, MODE_NORMAL, laws.REASON_BELOW)]
        stand.zones.take(16, 1, b"\x02\x84\x02\x00\x00")
        assert len(stand.book.entries) == 1

    on_flash(run)


def test_a_register_below_zero_is_below_zero():
    def run():
        stand = Stand(zone())
        stand.room(-10)
        assert stand.book.entries[0][3] == -10
        assert stand.book.entries[0][5] == MODE_FROST

    on_flash(run)


def test_a_probes_sixteenths_are_rounded_to_tenths():
    def run():
        stand = Stand(zone(source=Source(16, 0, -1, b"")))
        for low, high, dc in ((0x3E, 0x01, 199), (0x41, 0x01, 201), (0xF8, 0xFF, -5)):
            stand.zones.take(16, 0, bytes((low, high, 0, 0, 0x7F, 0xFF, 2, 0x10, 0)))
            assert stand.zones.laws[0].own_dc(stand.hands.up_s) == dc, dc

    on_flash(run)


def test_an_m_bus_record_is_found_by_its_first_bytes():
    # Volume, flow temperature 02 5A 58.3, another device's, outdoor temperature 02 67 -4 degrees.
    records = b"\x04\x13\x01\x00\x00\x00\x02\x5a\x47\x02\x82\x40\x5a\x11\x11\x02\x67\xfc\xff"
    frame = b"\x68\x00\x00\x68\x08\x01\x72" + bytes(12) + records + b"\x00\x16"

    def run():
        stand = Stand(zone(), outdoor=Outdoor(Source(9, 0, 0, b"\x02\x67"), False, -90, 160, 80))
        stand.zones.take(9, 0, frame)
        assert stand.zones.outdoor_dc == -40
        stand.zones.take(9, 0, frame.replace(b"\x02\x67", b"\x02\x13"))
        assert stand.zones.outdoor_dc == -40
        flow = Stand(zone(), outdoor=Outdoor(Source(9, 0, 0, b"\x02\x5a"), True, 750, 250, 80))
        flow.zones.take(9, 0, frame)
        assert flow.zones.outdoor_dc == 583
        assert flow.zones.duty_pct(flow.zones.laws[0], flow.hands.up_s) == 53

    on_flash(run)


def test_an_exemption_ends_with_its_day_and_needs_a_clock():
    def run():
        stand = Stand(zone(exempt_until_s=START + 3600))
        stand.zones.tick(stand.hands.up_s)
        assert stand.zones.laws[0].applied_dc == 220
        stand.hours(1)
        assert stand.zones.laws[0].applied_dc == 200
        unset = Stand(zone(exempt_until_s=START + 3600), hands=Hands(quality=0))
        unset.zones.tick(unset.hands.up_s)
        assert unset.zones.laws[0].applied_dc == 200
        ever = Stand(zone(exempt_until_s=-1))
        ever.zones.tick(ever.hands.up_s)
        assert ever.zones.laws[0].applied_dc == 220

    on_flash(run)


def test_neighbours_then_the_weather_then_the_safe_position():
    def run():
        stand = Stand(
            zone(1, neighbours=b"\x02\x03", min_on_s=0, min_off_s=0),
            zone(2, source=Source(17, 0, 0, b"")),
            zone(3, source=Source(18, 0, 0, b"")),
            outdoor=Outdoor(Source(30, 0, 0, b""), False, -90, 160, 80),
        )
        stand.room(190)
        stand.hours(1, 195, (17,))
        law = stand.zones.laws[0]
        assert (law.mode, law.measured_dc) == (MODE_FALLBACK, 195)
        stand.hours(1, 200, (17,))
        stand.room(193, 18)
        stand.zones.tick(stand.hands.up_s)
        assert law.measured_dc == 197
        stand.room(35, 30)
        stand.hours(1)
        assert (law.mode, law.measured_dc) == (MODE_FALLBACK, None)
        assert law.demand == 400
        stand.hours(3)
        assert law.demand == 500

    on_flash(run)


def test_a_program_is_followed_and_the_room_is_warm_at_the_hour():
    def run():
        stand = Stand(zone(program=0), programs=(OFFICE,))
        law = stand.zones.laws[0]
        stand.hours(1, 180)
        assert (law.mode, law.requested_dc) == (MODE_UNOCCUPIED, 140)
        # Monday at 4: 1.8 K at 1 K/h are 108 minutes.
        stand.hours(19, 180)
        assert law.mode == MODE_UNOCCUPIED
        stand.hours(2, 180)
        assert law.mode == MODE_UNOCCUPIED
        stand.hours(1, 180)
        assert (law.mode, law.requested_dc, law.applied_dc) == (MODE_WARM_UP, 220, 200)
        # It gets there in half an hour: the next one begins later.
        stand.room(199)
        assert law.rates[0] > 20
        stand.hours(1, 199)
        assert law.mode == MODE_NORMAL
        stand.hours(10, 201)
        assert law.mode == MODE_UNOCCUPIED
        again = Stand(zone(program=0), programs=(OFFICE,))
        assert again.zones.laws[0].rates == law.rates

    on_flash(run)


def test_a_clock_that_was_never_set_gives_no_program_but_the_occupied_setting():
    def run():
        stand = Stand(zone(program=0), programs=(OFFICE,), hands=Hands(quality=0))
        stand.hours(30, 180)
        law = stand.zones.laws[0]
        assert {entry[5] for entry in stand.book.entries} == {MODE_NORMAL}
        assert (law.requested_dc, law.applied_dc) == (220, 200)

    on_flash(run)


def test_an_override_is_clamped_journaled_kept_and_ended():
    def run():
        stand = Stand(zone(program=0), programs=(OFFICE,))
        stand.room(180)
        stand.zones.override(1, 230, START + 7200, "Wang", "concert")
        law = stand.zones.laws[0]
        assert (law.mode, law.requested_dc, law.applied_dc) == (MODE_OVERRIDE, 230, 200)
        said = "zone 1: 230 until %d by Wang, concert" % (START + 7200)
        assert stand.book.events == [(EVENT_OVERRIDE, said)]
        shown = stand.zones.describe()[0]
        assert shown["override"]["who"] == "Wang"
        json.dumps(shown)
        rebooted = Stand(zone(program=0), programs=(OFFICE,), hands=Hands(START + 7100))
        rebooted.zones.tick(rebooted.hands.up_s)
        assert rebooted.zones.laws[0].requested_dc == 230
        unset = Stand(zone(program=0), programs=(OFFICE,), hands=Hands(900, quality=0))
        unset.zones.tick(unset.hands.up_s)
        assert unset.zones.laws[0].mode == MODE_NORMAL
        rebooted.hours(1)
        assert rebooted.zones.laws[0].override == ()
        assert rebooted.book.events == [(EVENT_OVERRIDE, "zone 1: ended by node, expired")]
        stand = Stand(zone(program=0), programs=(OFFICE,), hands=Hands(START + 7100))
        stand.zones.tick(stand.hands.up_s)
        assert stand.zones.laws[0].mode == MODE_UNOCCUPIED

    on_flash(run)


def test_an_override_that_outlives_a_power_cut_has_its_trace_on_flash_before():
    def run():
        stand = Stand(zone(program=0), programs=(OFFICE,))
        stand.room(180)
        saved = stand.zones._kept
        order = []
        stand.book.flush = lambda: order.append(stand.book.events[-1][0])
        stand.zones._kept = lambda name: (order.append(name), saved(name))
        stand.zones.override(1, 230, START + 7200, "Wang", "concert")
        assert order[:2] == [EVENT_OVERRIDE, "save"]

    on_flash(run)


def test_overrides_of_all_zones_that_end_at_once_do_not_nest():
    def run():
        import micropython

        stand = Stand(*[zone(number) for number in range(1, 9)])
        for number in range(1, 9):
            stand.zones.override(number, 180, START + 3600, "Wang", "holiday")
        depths = []
        stand.book.event = lambda code, text: depths.append(micropython.stack_use())
        stand.hands.pass_s(3600)
        stand.zones.tick(stand.hands.up_s)
        assert len(depths) == 8
        assert max(depths) == min(depths)
        assert not [law.override for law in stand.zones.laws if law.override]

    on_flash(run)


def test_an_override_off_ends_at_frost():
    def run():
        stand = Stand(zone())
        stand.zones.override(1, 0, START + 3600, "Wang", "radiator off the wall")
        stand.room(120)
        law = stand.zones.laws[0]
        assert (law.is_open, law.reason) == (False, laws.REASON_OFF)
        stand.room(50)
        assert (law.is_open, law.mode) == (True, MODE_FROST)
        stand.zones.override(1, 0, 0, "Wang", "done")
        stand.room(190)
        assert law.requested_dc == 220

    on_flash(run)


def test_an_override_that_is_refused_says_why_and_changes_nothing():
    def run():
        stand = Stand(zone())
        assert refusal(stand, 9, 200, START + 60, "a", "b") == "there is no zone 9"
        assert "neither 0 (off) nor" in refusal(stand, 1, 40, START + 60, "a", "b")
        assert "neither 0 (off) nor" in refusal(stand, 1, 351, START + 60, "a", "b")
        for until_s in (START, START - 1, START + 86401):
            assert "within the next 86400 s" in refusal(stand, 1, 200, until_s, "a", "b")
        for who, why in (("", "b"), ("a", ""), ("a" * 33, "b"), ("a", "b" * 81)):
            assert "say who" in refusal(stand, 1, 200, START + 60, who, why)
        assert refusal(stand, 1, 0, 0, "a", "b") == "zone 1 has no override"
        stand.hands.is_set = 0
        assert "never set" in refusal(stand, 1, 200, START + 60, "a", "b")
        assert stand.zones.laws[0].override == ()

    on_flash(run)


def test_what_was_kept_and_is_broken_counts_as_nothing():
    def run():
        for text in (
            "",
            "{",
            "[]",
            '{"1":[]}',
            '{"1":3}',
            '{"1":[[1],[0,1,2,3],"x"]}',
            '{"1":[[],[1],7]}',
        ):
            with open(PATH, "w") as file:
                file.write(text)
            law = Stand(zone()).zones.laws[0]
            assert law.override == ()
            assert bytes(law.rates) == b"\x14" * 4, text
        os.remove(PATH)

    on_flash(run)


def test_a_valve_that_stands_still_is_moved_without_heating_a_warm_room():
    def run():
        summer = Hands(START + 200 * 86400)
        stand = Stand(zone(exercise_days=7), hands=summer)
        stand.hours(6 * 24, 260)
        assert stand.valves[0].told == []
        stand.hours(2 * 24, 260)
        assert stand.valves[0].told == [(1000, True), (0, False)]
        modes = [entry[5] for entry in stand.book.entries]
        assert modes.count(MODE_EXERCISE) == 1
        winter = Stand(zone(exercise_days=7))
        winter.hours(9 * 24, 230)
        assert winter.valves[0].told == []
        winter.hours(1, 199)
        assert (1000, True) in winter.valves[0].told

    on_flash(run)


def test_a_valves_cycles_are_counted_over_reboots():
    def run():
        stand = Stand(zone(min_on_s=0, min_off_s=0))
        for _ in range(30):
            stand.hours(1, 190)
            stand.hours(1, 201)
        assert stand.zones.describe()[0]["cycles"] == 30
        kept = Stand(zone()).zones.laws[0].switches
        assert 18 <= kept <= 30

    on_flash(run)


def test_no_change_is_no_news():
    def run():
        stand = Stand(zone(drive=DRIVE_POSITION))
        stand.hours(24, 210)
        assert len(stand.book.entries) == 1
        assert CALENDAR.utc_offset_s == 28800

    on_flash(run)


def test_a_node_without_zones_says_so():
    zones = NoZones()
    zones.take(1, 0, b"\x01\x04\x02\x00\x00\x00\x00")
    zones.tick(100)
    assert zones.describe() == zones.laws == []
    assert refusal_of(zones) == "there is no zone 1"


def refusal_of(zones):
    try:
        zones.override(1, 200, START + 60, "a", "b")
    except ValueError as problem:
        return str(problem)
    raise AssertionError


def test_a_zone_that_fails_does_not_keep_the_others_from_deciding():
    def run():
        stand = Stand(zone(1), zone(2, min_off_s=0), zone(3, source=Source(17, 0, 0, b"")))
        stand.zones.laws[0].zone = zone(1, program=7)
        stand.room(190)
        stand.room(190, 17)
        stand.zones.tick(stand.hands.up_s)
        stand.zones.override(3, 0, START + 3600, "Wang", "painting")
        assert [valve.told for valve in stand.valves] == [
            [],
            [(1000, True)],
            [(1000, True), (0, False)],
        ]
        assert {name for name, _ in stand.faults} == {"zone 1"}
        assert isinstance(stand.faults[0][1], IndexError)

    on_flash(run)


def test_a_room_is_not_left_cold_until_a_sensors_first_reading():
    def run():
        stand = Stand(zone(stale_s=7200))
        for _ in range(5):
            stand.zones.tick(stand.hands.up_s)
            stand.hands.pass_s(60)
        law = stand.zones.laws[0]
        assert (law.mode, law.reason) == (MODE_FALLBACK, laws.REASON_DUTY_ON)
        assert stand.valves[0].told == [(500, True)]
        assert stand.hands.up_s < 360
        stand.room(201)
        assert (law.mode, law.is_open) == (MODE_NORMAL, False)

    on_flash(run)


def test_a_sensor_stuck_at_frost_heats_for_six_hours_and_not_for_ever():
    def run():
        stand = Stand(zone(min_on_s=0, min_off_s=0))
        law = stand.zones.laws[0]
        stand.hours(5, 0)
        assert (law.mode, law.demand, stand.faults) == (MODE_FROST, 1000, [])
        stand.hours(6, 0)
        assert law.mode == MODE_FALLBACK
        what = "its sensor hasn't moved from 0 in 6 hours of full heat"
        assert stand.faults == [("zone 1", what)]
        opened = [is_open for _, is_open in stand.valves[0].told]
        assert opened[-1] != opened[-2]
        # It was the boiler, after all: a room that grows colder still is a sensor that works.
        stand.room(-4)
        assert (law.mode, law.demand) == (MODE_FROST, 1000)
        stand.room(190)
        assert law.mode == MODE_NORMAL
        assert len(stand.faults) == 1

    on_flash(run)


def test_a_room_that_is_really_that_cold_is_heated_on():
    def run():
        stand = Stand(zone(min_on_s=0, min_off_s=0))
        for hour in range(48):
            stand.hours(1, -60 + hour)
        assert (stand.zones.laws[0].mode, stand.faults) == (MODE_FROST, [])

    on_flash(run)
