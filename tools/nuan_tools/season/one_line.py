"""A building of nothing but flats with a heat meter each, all on one M-Bus line of one node."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from nuan_emulator.line import Line
from nuan_emulator.meters import HeatState, MBusHeatMeter
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
_FIRST_SERIAL = 10_000_000


class _Wiring:
    """The line, and no pin."""

    def __init__(self, line: Line) -> None:
        self.lines: Mapping[int, Line] = {1: line}
        self.pins: Mapping[int, Callable[[int, int], None]] = {}


class OneLine(Season):
    """`flats` meters read every `every_s` seconds; close() stops what was started."""

    def __init__(self, folder: Path, *, flats: int, every_s: int, days: int) -> None:
        """Lay out `folder`, start the gateway, power the node on."""
        last = FIRST_DAY + timedelta(days=days)
        site = _SITE.format(first=FIRST_DAY, last=last, node=NODE_ID)
        serials = [str(_FIRST_SERIAL + number) for number in range(1, flats + 1)]
        site += "".join(
            _FLAT.format(number=number, serial=serial, node=NODE_ID, every_s=every_s)
            for number, serial in enumerate(serials, 1)
        )
        super().__init__(folder, site=site, tariff=sample_text("tariff.toml"), seed=SEED)
        meters = [
            MBusHeatMeter(serial, number, self._heat) for number, serial in enumerate(serials, 1)
        ]
        try:
            self.power_on(_Wiring(Line(BAUD, BITS_PER_CHARACTER, meters, seed=SEED)))
        except BaseException:
            self.close()
            raise

    def _heat(self, now_ms: int) -> HeatState:
        passed_s = (now_ms - self.span.on_ms) // 1000
        flow_cc, return_cc = 5510 + passed_s % 11, 4030 + passed_s % 5
        return HeatState(5_000 * passed_s, 30 * passed_s, 5_000, 108, flow_cc, return_cc, passed_s)
