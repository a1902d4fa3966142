import json

from nuan_firmware import config

GOOD = """
{"format":1,"version":7,"node":"6e75616e00000001","wifi":{"ssid":"nuan"},
 "mqtt":{"host":"10.1.0.1","port":1883,"user":"","keepalive_s":120,"ack_timeout_s":30},
 "journal":{"flush_s":900,"segment_bytes":8192,"max_bytes":880000},
 "buses":[
  {"name":"mbus","protocol":"mbus","uart":1,"tx":17,"rx":16,"de":-1,"baud":2400,"parity":"E",
   "timeout_ms":1100},
  {"name":"rs485","protocol":"modbus","uart":2,"tx":25,"rx":26,"de":27,"baud":9600,"parity":"N",
   "timeout_ms":300}],
 "meters":[{"slot":15,"bus":1,"address":1,"every_s":900,"reads":[[3,8192,18]]},
  {"slot":1,"bus":0,"address":1,"every_s":3600},
  {"slot":16,"bus":1,"address":2,"every_s":300,"reads":[[4,1,2]]}],
 "zones":[{"zone":1,"slot":16,"read":0,"offset":0,"valve_pin":33,"setpoint_dc":220,
  "legal_max_dc":200,"exempt":false,"hysteresis_dc":5,"frost_dc":50,"min_on_s":180,
  "min_off_s":180,"stale_s":1800,"fallback_pct":50}]}
"""


def refusal(*changes):
    """What is said about the good configuration with (path, value) changes; None removes a key."""
    document = json.loads(GOOD)
    for path, value in changes:
        place = document
        for key in path[:-1]:
            place = place[key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    try:
        config.parse(document)
    except config.ConfigError as problem:
        return str(problem)
    raise AssertionError(("accepted", changes))


def test_the_good_one_is_read_and_sorted_by_slot():
    read = config.parse(json.loads(GOOD))
    assert (read.version, read.node) == (7, b"nuan\x00\x00\x00\x01")
    assert (read.host, read.port, read.keepalive_s) == ("10.1.0.1", 1883, 120)
    assert (read.flush_s, read.segment_bytes, read.max_bytes) == (900, 8192, 880000)
    assert [meter.slot for meter in read.meters] == [1, 15, 16]
    assert read.meters[1].way.reads == ((3, 8192, 18),)
    assert (read.buses[0].parity, read.buses[1].de) == ("E", 27)
    assert read.control.zones[0].setpoint_dc == 220


def test_what_may_be_left_out_has_its_default():
    document = json.loads(GOOD)
    for key in ("hysteresis_dc", "frost_dc", "min_on_s", "stale_s", "exempt", "legal_max_dc"):
        del document["zones"][0][key]
    del document["journal"]["flush_s"]
    del document["buses"][0]["de"]
    read = config.parse(document)
    zone = read.control.zones[0]
    assert (zone.tuning.hysteresis_dc, zone.legal_max_dc) == (5, 200)
    assert (read.flush_s, read.buses[0].de) == (900, -1)
    document = json.loads(GOOD)
    del document["zones"]
    assert config.parse(document).control is None


def test_an_unknown_key_is_named_with_its_path():
    assert refusal((("colour",), 1)) == "colour: unknown key"
    assert refusal((("mqtt", "hots"), "x")) == "mqtt.hots: unknown key"
    assert refusal((("buses", 1, "boud"), 1)) == "buses[1].boud: unknown key"
    assert refusal((("meters", 1, "reads"), [[3, 0, 1]])) == "meters[1].reads: unknown key"
    assert refusal((("zones", 0, "setpoint"), 1)) == "zones[0].setpoint: unknown key"


def test_a_missing_key_is_named():
    assert refusal((("node",), None)) == "node: missing"
    assert refusal((("buses", 0, "baud"), None)) == "buses[0].baud: missing"


OUT_OF_BOUNDS = (
    (("format",), 2, "format: 2 is not a whole number within 1..1"),
    (("version",), 0, "version: 0 is not a whole number within 1..65535"),
    (("version",), True, "version: True is not a whole number within 1..65535"),
    (("version",), "7", "version: '7' is not a whole number within 1..65535"),
    (("node",), "6e75616e0000000", "node: '6e75616e0000000' is not a text of 16 to 16 characters"),
    (("node",), "6e75616e0000000g", "node: '6e75616e0000000g' are not 16 hex digits"),
    (("wifi",), 3, "wifi: an object is expected"),
    (("wifi", "ssid"), "", "wifi.ssid: '' is not a text of 1 to 32 characters"),
    (("mqtt", "port"), 70000, "mqtt.port: 70000 is not a whole number within 1..65535"),
    (("journal", "flush_s"), 59, "journal.flush_s: 59 is not a whole number within 60..86400"),
    (("journal", "segment_bytes"), 65536, "journal.max_bytes: at least four segments must fit"),
    (
        ("buses", 0, "protocol"),
        "dlms",
        "buses[0].protocol: 'dlms' is none of " + str(config.PROTOCOLS),
    ),
    (("buses", 0, "parity"), "X", "buses[0].parity: 'X' is none of ('N', 'E', 'O')"),
    (("buses",), [], "buses: a list of 1 to 2 objects is expected"),
    (("meters",), {}, "meters: a list of 1 to 64 objects is expected"),
    (("meters", 0, "bus"), 2, "meters[0].bus: 2 is not a whole number within 0..1"),
    (("meters", 0, "slot"), 1, "meters[1].slot: 1 is taken already"),
    (("meters", 1, "address"), 251, "meters[1].address: 251 is not a whole number within 1..250"),
    (("meters", 0, "every_s"), 9, "meters[0].every_s: 9 is not a whole number within 10..86400"),
    (("meters", 0, "reads"), [], "meters[0].reads: a list of 1 to 16 reads is expected"),
    (
        ("meters", 0, "reads"),
        [[6, 0, 1]],
        "meters[0].reads[0]: [6, 0, 1] is not [function 1..4, start, count]",
    ),
    (
        ("meters", 0, "reads"),
        [[3, 65535, 2]],
        "meters[0].reads[0]: [3, 65535, 2] is not [function 1..4, start, count]",
    ),
    (("zones", 0, "slot"), 1, "zones[0].record: missing"),
    (
        ("zones", 0, "slot"),
        2,
        "zones[0].slot: there is no Modbus or M-Bus meter or probe in slot 2",
    ),
    (("zones", 0, "read"), 1, "zones[0].read: 1 is not a whole number within 0..0"),
    (("zones", 0, "offset"), 2, "zones[0].offset: 2 is not a whole number within 0..1"),
    (("zones", 0, "exempt"), 1, "zones[0].exempt: 1 is neither true nor false"),
)


def test_values_out_of_bounds_are_named_with_the_bounds():
    for path, value, said in OUT_OF_BOUNDS:
        changes = [(path, value)]
        if path == ("journal", "segment_bytes"):
            changes.append((("journal", "max_bytes"), 100000))
        assert refusal(*changes) == said, (path, refusal(*changes))


def complaint(path):
    """What is said about the file at `path`."""
    try:
        config.load(path)
    except config.ConfigError as problem:
        return str(problem)
    raise AssertionError(path)


def test_no_file_and_no_json_are_told_apart():
    assert complaint("/nowhere/config.json").startswith("/nowhere/config.json: no such file")
    assert complaint(config.__file__).startswith(config.__file__ + ": not JSON")


CHINESE = """
{"format":1,"version":7,"node":"6e75616e00000001","wifi":{"ssid":"nuan"},
 "mqtt":{"host":"10.1.0.1","port":1883},"journal":{},
 "buses":[
  {"name":"heat","protocol":"cjt188","uart":1,"tx":17,"rx":16,"baud":2400,"parity":"E",
   "timeout_ms":1100},
  {"name":"power","protocol":"dlt645","uart":2,"tx":25,"rx":26,"de":27,"baud":2400,"parity":"E",
   "timeout_ms":900}],
 "meters":[
  {"slot":1,"bus":0,"address":"11110012345678","every_s":3600,"reads":[[1,144,31]]},
  {"slot":2,"bus":0,"address":"11110012345678","every_s":3600,"reads":[[1,144,31]],
   "type":37,"mask":51,"high_first":true,"baud":9600},
  {"slot":3,"bus":1,"address":"00000000abcd","every_s":3600,"reads":[[17,4294901760,0]]}]}
"""


def changed(path, value, text=CHINESE):
    """What is said about a configuration with one change."""
    document = json.loads(text)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        config.parse(document)
    except config.ConfigError as problem:
        return str(problem)
    return ""


def test_meters_by_chinese_protocols():
    one, two, three = config.parse(json.loads(CHINESE)).meters
    assert one.address == bytes((0x78, 0x56, 0x34, 0x12, 0x00, 0x11, 0x11))
    assert one.way == (((1, 144, 31),), None, (0x20, 0))
    assert two.address == bytes((0x11, 0x11, 0x00, 0x12, 0x34, 0x56, 0x78))
    assert two.way == (((1, 144, 31),), (9600, "E"), (37, 51))
    assert three.address == "00000000ABCD"
    assert three.way.reads == ((17, 0xFFFF0000, 0),)


def test_meters_with_a_secondary_address_and_a_reset():
    document = json.loads(GOOD)
    document["meters"][1].update({"address": "123456782C2D0104", "reset": 16, "parity": "O"})
    meter = config.parse(document).meters[0]
    assert meter.address == bytes((0x78, 0x56, 0x34, 0x12, 0x2D, 0x2C, 0x01, 0x04))
    assert meter.way == ((), (2400, "O"), 16)


def test_what_meters_have_in_common_is_kept_once():
    document = json.loads(GOOD)
    for number in range(20, 40):
        document["meters"].append({"slot": number, "bus": 0, "address": number, "every_s": 900})
    ways = [meter.way for meter in config.parse(document).meters if meter.bus == 0]
    assert len(ways) == 21
    assert all(way is ways[0] for way in ways)


def test_segments_grow_with_the_meters():
    document = json.loads(GOOD)
    del document["journal"]["segment_bytes"]
    assert config.parse(document).segment_bytes == 8192
    document = json.loads(GOOD)
    del document["journal"]["segment_bytes"]
    for number in range(60):
        document["meters"].append(
            {"slot": 100 + number, "bus": 0, "address": number + 2, "every_s": 900}
        )
    assert config.parse(document).segment_bytes == 32768
    document = json.loads(GOOD)
    document["journal"] = {"max_bytes": 32768}
    assert config.parse(document).segment_bytes == 8192


REFUSED = (
    # Nothing that writes, switches a valve or clears ever passes.
    (("meters", 0, "reads"), [[4, 0xA0, 0x17]], "reads[0]: [4, 160, 23] is not [control 1,"),
    (("meters", 0, "reads"), [[0x2A, 0, 0]], "reads[0]: [42, 0, 0] is not [control 1,"),
    (("meters", 2, "reads"), [[0x14, 0, 0]], "reads[0]: [20, 0, 0] is not [control 17"),
    (("meters", 2, "reads"), [[0x1C, 0, 0]], "reads[0]: [28, 0, 0] is not [control 17"),
    (("meters", 2, "reads"), [[17, 0, 1]], "reads[0]: [17, 0, 1] is not [control 17"),
    (("meters", 2, "reads"), [[1, 65536, 0]], "reads[0]: [1, 65536, 0] is not [control 17"),
    (("meters", 0, "reads"), [[1, 256, 0]], "reads[0]: [1, 256, 0] is not [control 1,"),
    (("meters", 0, "address"), "1111001234567", "address: '1111001234567' is not a text of 14"),
    (("meters", 0, "address"), "1111001234567g", "address: '1111001234567g' is not a text of 14"),
    (("meters", 0, "address"), 5, "address: 5 is not a text of 14 hex digits"),
    (("meters", 2, "address"), "12", "address: '12' is not a text of 12 hex digits"),
    (("meters", 0, "mask"), 50, "mask: 50 is none of (0, 51)"),
    (("meters", 0, "type"), 256, "type: 256 is not a whole number within 0..255"),
    (("meters", 0, "high_first"), 1, "high_first: 1 is neither true nor false"),
    (("meters", 0, "baud"), 1234, "baud: 1234 is none of "),
    (("meters", 2, "mask"), 51, "mask: unknown key"),
    (("meters", 0, "reset"), 1, "reset: unknown key"),
)


def test_only_reading_passes_and_every_key_has_its_bounds():
    for path, value, said in REFUSED:
        complaint = changed(path, value)
        assert complaint.startswith("meters[%d].%s" % (path[1], said)), (path, complaint)
    assert changed(("meters", 1, "address"), "12", GOOD).startswith("meters[1].address: '12'")
    assert changed(("meters", 1, "reset"), 256, GOOD).startswith("meters[1].reset: 256 is not")
