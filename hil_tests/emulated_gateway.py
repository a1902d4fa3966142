"""A board of the emulator whose uplink leads to the real gateway, a process of its own."""

from __future__ import annotations

from pathlib import Path

from emulated_board import CONFIG, NODE_ID, START_MS, EmulatedBoard, Workshop

from nuan_emulator.clock_file import ClockFile
from nuan_tools.season.layout import lay_out
from nuan_tools.season.processes import Gateway
from nuan_tools.season.sample import sample_text

_NOWHERE = "http://127.0.0.1:9"
# Of the board's meters one is enough: its version says that it has its configuration already.
_SITE = f"""\
format = 1
[site]
id = "bench"
name = "bench"
[season]
name = "2026"
start = 2026-11-01
end = 2027-04-01
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE_ID}"
config_version = {CONFIG["version"]}
mqtt = {{ host = "10.1.0.1" }}
wifi = {{ ssid = "bench" }}
[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100
[[meter]]
serial = "10000001"
model = "mbus_heat"
node = "{NODE_ID}"
bus = "mbus"
slot = 1
address = 1
every_s = 300
[[point]]
id = "heat"
role = "household_heat"
meter = "10000001"
unit = "101"
[[unit]]
id = "101"
area_m2 = "80"
"""


class EmulatedGateway:
    """The gateway and the board, in one world."""

    def __init__(self, workshop: Workshop, flash: Path, folder: Path) -> None:
        tariff = sample_text("tariff.toml")
        lay_out(folder, site=_SITE, tariff=tariff, key=workshop.key, feed_url=_NOWHERE)
        clock = folder / "data" / "clock"
        ClockFile(clock, START_MS).close()
        self._gateway = Gateway(folder)
        self.board: EmulatedBoard = workshop.board(
            folder,
            broker=("127.0.0.1", self._gateway.port),
            clock_file=clock,
            flash=flash,
        )

    def close(self) -> None:
        """Stop both."""
        self.board.close()
        self._gateway.stop()
