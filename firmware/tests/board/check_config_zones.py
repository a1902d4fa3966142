import json

from control_kit import tuning

from nuan_firmware import config
from nuan_firmware.control.law import DRIVE_ON_OFF, DRIVE_POSITION, DRIVE_PULSES

BASE = """
{"format":1,"version":7,"node":"6e75616e00000001","wifi":{"ssid":"nuan"},
 "mqtt":{"host":"10.1.0.1"},"journal":{"segment_bytes":8192},
 "buses":[
  {"name":"m","protocol":"mbus","uart":1,"tx":17,"rx":16,"baud":2400,"parity":"E","timeout_ms":100},
  {"name":"c","protocol":"%s","uart":2,"tx":25,"rx":26,"baud":2400,"parity":"E","timeout_ms":100}],
 "meters":[{"slot":1,"bus":0,"address":1,"every_s":3600},%s],
 "probes":[{"slot":40,"bus":2,"pin":4,"rom":"28ff641e8016034c","every_s":60}],
 "outdoor":{"slot":1,"record":"0265"},
 "programs":[{"week":[0,0,0,0,0,1,1],"types":[[[480,0],[1080,2]],[]]}],
 "calendar":{"off":[20780],"work":[20785]},
 "zones":[
  {"zone":1,"slot":16,"valve_pin":33,"setpoint_dc":200},
  {"zone":2,"slot":40,"valve_pin":32,"setpoint_dc":180,"drive":"pulses","program":0,
   "neighbours":[1]},
  {"zone":3,"slot":1,"record":"025b","valve_pin":21,"setpoint_dc":200,"drive":"position",
   "valve_hz":50,"valve_low_us":1000,"valve_high_us":2000,"exempt_until_s":1800000000}]}
"""
MODBUS = BASE % ("modbus", '{"slot":16,"bus":1,"address":2,"every_s":300,"reads":[[4,1,2]]}')
WITH_VALVE = """
{"slot":16,"bus":1,"address":"11110012345678","every_s":300,"reads":[[1,144,31]],
 "allow":["valve"]}
"""
CJT188 = BASE % ("cjt188", WITH_VALVE)


def refusal(*changes, text=MODBUS):
    """What is said about the configuration with (path, value) changes."""
    document = json.loads(text)
    for path, value in changes:
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    try:
        config.parse(document)
    except config.ConfigError as problem:
        return str(problem)
    raise AssertionError(("accepted", changes))


def test_everything_is_read():
    control = config.parse(json.loads(MODBUS)).control
    one, two, three = control.zones
    assert (one.program, one.valve.drive, one.source) == (-1, DRIVE_ON_OFF, (16, 0, 0, b""))
    assert (one.setback_dc, one.unoccupied_dc, one.legal_max_dc) == (170, 150, 200)
    assert one.tuning == tuning(
        exercise_days=7, band_dc=6, reset_s=7200, warm_up_s=4500, coast_s=7200
    )
    assert two.tuning is one.tuning is three.tuning
    assert (two.program, two.valve.drive, two.neighbours) == (0, DRIVE_PULSES, b"\x01")
    assert two.source == (40, 0, -1, b"")
    assert three.source == (1, 0, 0, b"\x02\x5b")
    assert three.valve == (DRIVE_POSITION, 21, 0, False, 50, 1000, 2000)
    assert three.exempt_until_s == 1800000000
    assert control.programs == ((b"\0\0\0\0\0\1\1", 1, (b"\x07\x80\x10\xe2", b"")),)
    assert control.calendar == (b"\x51\x2c", b"\x51\x31", 28800, (305, 90))
    assert control.outdoor == ((1, 0, 0, b"\x02\x65"), False, -90, 160, 80)
    assert control.probes[0].rom == b"\x28\xff\x64\x1e\x80\x16\x03\x4c"


def test_the_heating_season_without_a_calendar_is_november_to_march():
    document = json.loads(MODBUS)
    del document["calendar"]
    assert config.parse(document).control.calendar == (b"", b"", 28800, (305, 90))


def test_a_valve_in_a_meter_must_be_allowed_by_name():
    def zone(**more):
        return (("zones",), [dict(zone=1, slot=40, setpoint_dc=200, **more)])

    document = json.loads(CJT188)
    document["zones"] = zone(valve_slot=16)[1]
    read = config.parse(document)
    assert read.meters[1].way.extra == (0x20, 0, True)
    assert read.control.zones[0].valve == (DRIVE_ON_OFF, -1, 16, False, 0, 0, 0)
    said = 'zones[0].valve_slot: the meter must be CJ/T 188 with allow ["valve"]'
    assert refusal(zone(valve_slot=16), text=MODBUS) == said
    assert refusal(zone(valve_slot=17), text=CJT188) == said
    assert refusal(zone(valve_slot=16), (("meters", 1, "allow"), []), text=CJT188) == said
    assert "drive" in refusal(zone(valve_slot=16, drive="position"), text=CJT188)
    for allowed in ("valve", ["clock"], ["valve", "clock"], True):
        assert 'is not ["valve"]' in refusal((("meters", 1, "allow"), allowed), text=CJT188)
    assert refusal((("meters", 1, "allow"), ["valve"])) == "meters[1].allow: unknown key"


REFUSED = (
    (("probes", 0, "rom"), "28ff641e8016034", "probes[0].rom: "),
    (("probes", 0, "rom"), "28ff641e8016034g", "probes[0].rom: "),
    (("probes", 0, "slot"), 16, "probes[0].slot: 16 is a meter's"),
    (("probes", 0, "every_s"), 59, "probes[0].every_s: "),
    (("zones", 2, "record"), "02", "zones[2].record: "),
    (("zones", 2, "record"), "02zz", "zones[2].record: "),
    (("zones", 1, "program"), 1, "zones[1].program: 1 is not a whole number within 0..0"),
    (("zones", 1, "neighbours"), [2], "zones[1].neighbours: 2 is no other zone"),
    (("zones", 1, "neighbours"), [9], "zones[1].neighbours: 9 is no other zone"),
    (("zones", 1, "neighbours"), [0], "zones[1].neighbours: 0 is not a whole number within"),
    (("zones", 1, "valve_pin"), 33, "zones[1].valve_pin: 33 is taken already"),
    (("zones", 1, "zone"), 1, "zones[1].zone: 1 is taken already"),
    (("zones", 1, "drive"), "pwm", "zones[1].drive: 'pwm' is none of "),
    (("zones", 1, "setback_dc"), 190, "zones[1].setback_dc: 190 is not a whole number within"),
    (("zones", 2, "valve_high_us"), 999, "zones[2].valve_high_us: 999 is not"),
    (("zones", 2, "valve_high_us"), 20001, "zones[2].valve_high_us: 20001 is not"),
    (("zones", 0, "cycle_s"), 599, "zones[0].cycle_s: "),
    (("programs", 0, "week"), [0, 0], "programs[0].week: the type of each day"),
    (("programs", 0, "week", 3), 2, "programs[0].week: 2 is not a whole number within 0..1"),
    (("programs", 0, "types", 0), [[480, 0], [480, 1]], "programs[0].types: [480, 1] is not"),
    (("programs", 0, "types", 0), [[1440, 0]], "programs[0].types: [1440, 0] is not"),
    (("programs", 0, "types", 0), [[480, 4]], "programs[0].types: [480, 4] is not"),
    (("programs", 0, "types", 0), [480], "programs[0].types: 480 is not"),
    (("programs", 0, "types", 0), [[at, 0] for at in range(13)], "programs[0].types: a list of"),
    (("calendar", "off"), [70000], "calendar.off: 70000 is not"),
    (("calendar", "of"), [1], "calendar.of: unknown key"),
    (("outdoor", "none_dc"), -90, "outdoor.none_dc: must differ"),
    (("outdoor", "slot"), 3, "outdoor.slot: there is no"),
    (("override_s_max",), 1, "override_s_max: 1 is not"),
)


def test_what_is_wrong_is_named():
    for path, value, said in REFUSED:
        assert refusal((path, value)).startswith(said), (path, value, refusal((path, value)))
