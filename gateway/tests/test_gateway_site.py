"""site.toml: what is read, and each thing that can be wrong with it."""

import re
from datetime import date
from decimal import Decimal

import pytest

from nuan_gateway.errors import SiteError
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site

NODE = "6e75616e00000001"


def test_a_good_site(site_folder):
    site = load_site(site_folder / "site.toml")
    assert site.site.id == "t1"
    assert str(site.time_zone) == "Asia/Shanghai"
    assert (site.season.start, site.season.end) == (date(2025, 11, 1), date(2026, 4, 1))
    assert site.tariff.file == site_folder / "tariff.toml"
    assert [bus.name for bus in site.node(NODE).buses] == ["mbus", "rs485"]
    assert [meter.serial for meter in site.meters_of(NODE)] == ["H1", "R1"]
    assert site.units[0].area_m2 == Decimal("92.10")
    assert str(site.units[0].area_m2) == "92.10"
    with pytest.raises(KeyError):
        site.node("0" * 16)


CASES = """
end = 2026-04-01 -> end = 2025-11-01
    season.end: 2025-11-01 is not after the start 2025-11-01
end = 2026-04-01 -> end = 2027-04-01
    season.end: more than 366 days after the start
end = 2026-04-01 -> end = "2026-04-01"
    season.end: '2026-04-01' won't do; write a date without quotes, as 2026-11-01
name = "Test house" -> timezone = "Asia/Yangquan"; name = "x"
    site.timezone: 'Asia/Yangquan' is no time zone; write one such as 'Asia/Shanghai'
uart = 2 -> uart = 1
    node[1].bus[2].uart: 1 is used by bus[1] already; write another
tx = 25 -> tx = 17
    node[1].bus[2].tx: pin 17 is tx of bus 'mbus' already; choose a free one
rx = 26 -> rx = -1
    node[1].bus[2].rx: missing pin; write a GPIO number
parity = "E" -> parity = "e"
    node[1].bus[1].parity: 'e' is unknown; write 'N', 'E' or 'O'
serial = "R1" -> serial = "H1"
    meter[2].serial: 'H1' is used by meter[1] already; write another
slot = 16 -> slot = 1
    meter[2].slot: slot 1 of node 6e75616e00000001 is used by meter[1] already; write another
model = "room_rs485" -> model = "room_485"
    meter[2].model: 'room_485' is no known model; write 'room_rs485'
bus = "rs485" -> bus = "rs-485"
    meter[2].bus: node 6e75616e00000001 has no bus 'rs-485'; it has mbus, rs485
bus = "rs485" -> bus = "mbus"
    meter[2].model: room_rs485 speaks modbus, bus 'mbus' mbus
address = 2 -> address = 0
    meter[2].address: 0 is no modbus address; write 1 to 247
every_s = 300 -> every_s = 10
    meter[2].every_s: 10 is below the minimum of 60; write at least 60
model = "mbus_heat" -> model = "sensonic3"
    meter[1].every_s: 3600 costs a sensonic3 its battery; write at least 4140
slot = 16; valve_pin -> slot = 15; valve_pin
    zone[1].slot: no [[meter]] of node 6e75616e00000001 has slot 15
valve_pin = 33 -> valve_pin = 17
    zone[1].valve_pin: pin 17 is of bus 'mbus'; choose a free one
setpoint_dc = 220 -> setpoint_dc = 50
    zone[1].frost_dc: 50 is not below setpoint_dc 50
area_m2 = "92.10" -> area_m2 = 92.1
    unit[1].area_m2: 92.1 must be in quotes to stay exact; write "92.1"
area_m2 = "92.10" -> area_m2 = "-1"
    unit[1].area_m2: '-1' is no area; write a number above 0
area_m2 = "92.10" -> area_m2 = "92,1"
    unit[1].area_m2: '92,1' is no decimal number; write one as '92.10'
area_m2 = "92.10" -> area_m2 = "NaN"
    unit[1].area_m2: 'NaN' is no area; write a number above 0
unit = "101" -> unit = "102"
    point[1].unit: no [[unit]] has the id '102'
unit = "101" -> # nothing
    point[1].unit: missing; write the id of the flat that pays for this heat
meter = "R1" -> meter = "R2"
    point[2].meter: no [[meter]] has the serial 'R2'
meter = "R1" -> meter = "H1"
    point[2].meter: 'H1' is used by point[1] already; write another
role = "room_temperature" -> role = "room"
    point[2].role: 'room' is unknown; write 'household_heat', 'building_heat', 'gas', 'electricity',
id = "heat-101" -> id = "heat 101"
    point[1].id: 'heat 101' won't do; write 1 to 32 of A-Z a-z 0-9 . _ - (no space)
config_version = 7 -> config_version = 7; journal = { segment_bytes = 65536, max_bytes = 65536 }
    node[1].journal.max_bytes: room for fewer than 4 segments; write at least 262144
"""


@pytest.mark.parametrize("case", re.split(r"\n(?! )", CASES.strip()))
def test_a_problem_names_line_and_key_and_the_way_out(site_folder, case):
    change, problem = case.split("\n    ")
    old, new = change.replace("; ", "\n").split(" -> ")
    path = site_folder / "site.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SiteError) as caught:
        load_site(path)
    # A reference to what was renamed may be told besides.
    said = caught.value.problems[0]
    line, told = said.removeprefix(f"{path}:").split(": ", 1)
    assert told.startswith(problem)
    key = problem.split(": ")[0].split(".")
    found = path.read_text().splitlines()[int(line) - 1]
    # A key that isn't there is told at its table.
    assert key[-1] in found or found == f"[[{key[0].split('[')[0]}]]"


def test_an_unknown_node_is_told_once_for_each_reference(site_folder):
    path = site_folder / "site.toml"
    path.write_text(path.read_text().replace(f'node = "{NODE}"', 'node = "6e75616e00000002"'))
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == [
        "meter[1].node",
        "meter[2].node",
        "zone[1].node",
    ]


def test_the_nodes_configuration(site_folder):
    config = node_config(load_site(site_folder / "site.toml"), NODE)
    assert config == {
        "format": 1,
        "version": 7,
        "node": NODE,
        "wifi": {"ssid": "nuan"},
        "mqtt": {
            "host": "10.1.0.1", "port": 1883, "user": "", "keepalive_s": 120, "ack_timeout_s": 30,
        },
        "journal": {"flush_s": 900, "max_bytes": 880_000},
        "buses": [
            {"name": "mbus", "protocol": "mbus", "uart": 1, "tx": 17, "rx": 16, "de": -1,
             "baud": 2400, "parity": "E", "timeout_ms": 1100},
            {"name": "rs485", "protocol": "modbus", "uart": 2, "tx": 25, "rx": 26, "de": 27,
             "baud": 9600, "parity": "N", "timeout_ms": 300},
        ],
        "meters": [
            {"slot": 1, "bus": 0, "address": 1, "every_s": 3600},
            {"slot": 16, "bus": 1, "address": 2, "every_s": 300, "reads": [[4, 1, 2]]},
        ],
        "zones": [
            {"zone": 1, "slot": 16, "read": 0, "offset": 0, "valve_pin": 33, "setpoint_dc": 220,
             "legal_max_dc": 200, "exempt": False, "hysteresis_dc": 5, "overrun_dc": 0,
             "frost_dc": 50, "min_on_s": 180, "min_off_s": 180, "stale_s": 1800,
             "fallback_pct": 50},
        ],
    }  # fmt: skip
    with pytest.raises(KeyError):
        node_config(load_site(site_folder / "site.toml"), "0" * 16)


GATEWAY_NODE = """
[[node]]
id = "6e75616e00000002"
kind = "gateway"
config_version = 1

[[node.bus]]
name = "dtu"
protocol = "mbus"
connect = "tcp://10.1.0.7:4001"
baud = 2400
parity = "E"
timeout_ms = 1100

[[node.bus]]
name = "tcp"
protocol = "modbus"
connect = "modbus-tcp://10.1.0.8"
timeout_ms = 300

[[meter]]
serial = "H2"
model = "mbus_heat"
node = "6e75616e00000002"
bus = "dtu"
slot = 1
address = "123456782c2d0104"
every_s = 3600

[[meter]]
serial = "E2"
model = "dtsu666"
node = "6e75616e00000002"
bus = "tcp"
slot = 2
address = 3
every_s = 900

[[point]]
id = "water"
role = "water"
meter = "E2"
"""


def test_a_gateway_node(site_folder):
    path = site_folder / "site.toml"
    path.write_text(path.read_text() + GATEWAY_NODE)
    site = load_site(path)
    assert [node.id for node in site.boards] == [NODE]
    (node,) = site.gateway_nodes
    assert [bus.connect for bus in node.buses] == [
        "tcp://10.1.0.7:4001",
        "modbus-tcp://10.1.0.8:502",
    ]
    assert [meter.address for meter in site.meters_of(node.id)] == ["123456782C2D0104", 3]
    with pytest.raises(KeyError):
        node_config(site, node.id)


GATEWAY_CASES = """
kind = "gateway" -> kind = "gate"
    node[2].kind: 'gate' is unknown; write 'board' or 'gateway'
kind = "gateway" -> kind = "gateway"; mqtt = { host = "10.1.0.1" }
    node[2].mqtt: a gateway node has none; remove it
kind = "gateway" -> kind = "board"
    node[2].mqtt: missing; write mqtt = { host = "..." }, the broker's address
tcp://10.1.0.7:4001 -> tcp://10.1.0.7
    node[2].bus[1].connect: 'tcp://10.1.0.7' lacks host or port; write tcp://host:port
tcp://10.1.0.7:4001 -> tcp://10.1.0.7:99999
    node[2].bus[1].connect: 'tcp://10.1.0.7:99999': Port out of range 0-65535; write "serial:
tcp://10.1.0.7:4001 -> 10.1.0.7:4001
    node[2].bus[1].connect: '10.1.0.7:4001' leads nowhere; write "serial:/dev/ttyUSB0", "tcp://
tcp://10.1.0.7:4001 -> modbus-tcp://10.1.0.7
    node[2].bus[1].connect: Modbus TCP carries no mbus; write tcp:// for a serial server
modbus-tcp://10.1.0.8 -> tcp://10.1.0.7:4001
    node[2].bus[2].baud: missing; write this key
modbus-tcp://10.1.0.8 -> modbus-tcp://10.1.0.8/x
    node[2].bus[2].connect: 'modbus-tcp://10.1.0.8/x' says too much; write modbus-tcp://host:port
connect = "tcp://10.1.0.7:4001" -> # none
    node[2].bus[1].connect: missing; write "serial:/dev/ttyUSB0", "tcp://host:port" or
connect = "tcp://10.1.0.7:4001" -> connect = "tcp://10.1.0.7:4001"; uart = 1
    node[2].bus[1].uart: a gateway node has none; write connect instead
"123456782c2d0104" -> "123456782c2d010"
    meter[3].address: '123456782C2D010' is no mbus address; write 1 to 250, or in quotes 16 hex
"123456782c2d0104" -> true
    meter[3].address: True is no address; write a number, or digits in quotes
slot = 2 -> slot = 2; baud = 9600
    meter[4].baud: can't be switched through modbus-tcp://10.1.0.8:502; give the meter a line of
"""


@pytest.mark.parametrize("case", re.split(r"\n(?! )", GATEWAY_CASES.strip()))
def test_what_can_be_wrong_with_a_gateway_node(site_folder, case):
    change, problem = case.split("\n    ")
    old, new = change.replace("; ", "\n").split(" -> ")
    assert old in GATEWAY_NODE
    path = site_folder / "site.toml"
    path.write_text(path.read_text() + GATEWAY_NODE.replace(old, new, 1))
    with pytest.raises(SiteError) as caught:
        load_site(path)
    told = [said.split(": ", 1)[1] for said in caught.value.problems]
    assert any(said.startswith(problem) for said in told), told


def test_two_lines_cannot_share_a_port(site_folder):
    path = site_folder / "site.toml"
    text = GATEWAY_NODE.replace("modbus-tcp://10.1.0.8", "tcp://10.1.0.7:4001")
    path.write_text(path.read_text() + text)
    with pytest.raises(SiteError) as caught:
        load_site(path)
    assert any(
        "tcp://10.1.0.7:4001 is used by node[2].bus[1] already; one line has one master" in said
        for said in caught.value.problems
    )
