"""A small building as a site file: two flats, the building's meter, one room on Modbus."""

NODE = "6e75616e00000001"
FLATS = {1: "1-101", 2: "1-203"}
BUILDING_SLOT = 3
ROOM_SLOT = 16

_HEAD = """\
format = 1
[site]
id = "small"
name = "小楼 Small building"
timezone = "Asia/Shanghai"
[season]
name = "2025-2026"
start = 2025-11-01
end = {end}
[tariff]
file = "tariff.toml"
[[node]]
id = "{node}"
config_version = 1
mqtt = {{ host = "10.1.0.1", port = 1883, keepalive_s = {keepalive_s} }}
journal = {{ flush_s = {flush_s}, segment_bytes = {segment_bytes} }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100
[[node.bus]]
name = "rs485"
protocol = "modbus"
uart = 2
tx = 25
rx = 26
de = 27
baud = 9600
parity = "N"
timeout_ms = 300
[[zone]]
zone = 1
node = "{node}"
slot = 16
valve_pin = 33
setpoint_dc = 220
legal_max_dc = 200
"""

_METER = """\
[[meter]]
serial = "{serial}"
model = "{model}"
node = "{node}"
bus = "{bus}"
slot = {slot}
address = {address}
every_s = {every_s}
[[point]]
id = "{point}"
role = "{role}"
meter = "{serial}"
"""


def small_site(
    *,
    days: int = 2,
    heat_s: int = 900,
    room_s: int = 300,
    flush_s: int = 900,
    segment_bytes: int = 8192,
    keepalive_s: int = 120,
) -> str:
    """The site file with these periods; the season begins on 1 November 2025."""
    end = f"2025-11-{1 + days:02d}" if days < 30 else "2025-12-31"
    text = _HEAD.format(
        node=NODE,
        end=end,
        flush_s=flush_s,
        segment_bytes=segment_bytes,
        keepalive_s=keepalive_s,
    )
    for slot, unit in FLATS.items():
        text += f'[[unit]]\nid = "{unit}"\narea_m2 = "{70 + 10 * slot}.25"\n'
        text += _meter(slot, "mbus_heat", heat_s, f"heat-{unit}", "household_heat")
        text += f'unit = "{unit}"\n'
    text += _meter(BUILDING_SLOT, "mbus_heat", heat_s, "heat-building", "building_heat")
    text += _meter(ROOM_SLOT, "room_rs485", room_s, "lobby", "room_temperature")
    return text


def _meter(slot: int, model: str, every_s: int, point: str, role: str) -> str:
    return _METER.format(
        node=NODE,
        serial=f"{10_000_000 + slot}",
        model=model,
        bus="rs485" if slot == ROOM_SLOT else "mbus",
        slot=slot,
        address=2 if slot == ROOM_SLOT else slot,
        every_s=every_s,
        point=point,
        role=role,
    )
