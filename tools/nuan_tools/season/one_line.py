"""A building of nothing but flats with a heat meter each, all on one M-Bus line of one node."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter, RoomSensor, RoomState
from nuan_tools.season.layout import NODE_ID
from nuan_tools.season.run import SEED, Season
from nuan_tools.season.sample import FIRST_DAY, sample_text

BAUD = 2400
BITS_PER_CHARACTER = 11

_SITE = """\
format = 1
[site]
id = "one-line"
name = "one line"
timezone = "Asia/Shanghai"
[season]
name = "2025-2026"
start = {first}
end = {last}
[tariff]
file = "tariff.toml"
[[node]]
id = "{node}"
config_version = 1
mqtt = {{ host = "10.1.0.1", port = 1883, keepalive_s = 1800 }}
wifi = {{ ssid = "nuan" }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100
"""
_FLAT = """
[[unit]]
id = "{number}"
name = "{number}"
area_m2 = "80"
[[meter]]
serial = "{serial}"
model = "mbus_heat"
node = "{node}"
bus = "mbus"
slot = {number}
address = {number}
every_s = {every_s}
[[point]]
id = "p{number}"
role = "household_heat"
meter = "{serial}"
unit = "{number}"
"""
_ROOM = """
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
[[meter]]
serial = "room"
model = "room_rs485"
node = "{node}"
bus = "rs485"
slot = {slot}
address = 1
every_s = 300
[[point]]
id = "lobby"
role = "room_temperature"
meter = "room"
[[zone]]
zone = 1
node = "{node}"
slot = {slot}
valve_pin = 33
setpoint_dc = 220
legal_max_dc = 200
"""
_FIRST_SERIAL = 10_000_000
_ROOM_BAUD = 9600
_ROOM_BITS = 10


class _Wiring:
    """The lines, and no pin."""

    def __init__(self, *lines: Line) -> None:
        self.lines: Mapping[int, Line] = dict(enumerate(lines, 1))
        self.pins: Mapping[int, Callable[[int, int], None]] = {}


class OneLine(Season):
    """`flats` meters read every `every_s` seconds; close() stops what was started.

    With a `room` there is a second line with a room sensor, and a zone that it rules.
    """

    def __init__(
        self, folder: Path, *, flats: int, every_s: int, days: int, room: bool = False
    ) -> None:
        """Lay out `folder`, start the gateway, power the node on."""
        last = FIRST_DAY + timedelta(days=days)
        site = _SITE.format(first=FIRST_DAY, last=last, node=NODE_ID)
        serials = [str(_FIRST_SERIAL + number) for number in range(1, flats + 1)]
        site += "".join(
            _FLAT.format(number=number, serial=serial, node=NODE_ID, every_s=every_s)
            for number, serial in enumerate(serials, 1)
        )
        if room:
            site += _ROOM.format(node=NODE_ID, slot=flats + 1)
        super().__init__(folder, site=site, tariff=sample_text("tariff.toml"), seed=SEED)
        meters = [
            MBusHeatMeter(serial, number, self._heat) for number, serial in enumerate(serials, 1)
        ]
        lines = [Line(BAUD, BITS_PER_CHARACTER, meters, seed=SEED)]
        if room:
            sensor = RoomSensor("room", 1, self._room)
            lines.append(Line(_ROOM_BAUD, _ROOM_BITS, [sensor], seed=SEED))
        try:
            self.power_on(_Wiring(*lines))
        except BaseException:
            self.close()
            raise

    def _heat(self, now_ms: int) -> HeatState:
        passed_s = (now_ms - self.span.on_ms) // 1000
        flow_cc, return_cc = 5510 + passed_s % 11, 4030 + passed_s % 5
        return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, flow_cc, return_cc, passed_s)

    def _room(self, now_ms: int) -> RoomState:
        # Up and down by four degrees an hour or so: the valve has something to do.
        swing = now_ms // 60_000 % 120
        return RoomState(180 + min(swing, 120 - swing) * 2 // 3, 400)
