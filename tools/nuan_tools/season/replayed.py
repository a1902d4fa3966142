"""A recorded meter's series sent through meter, wire, node and gateway, and billed."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from nuan_emulator.line import Line
from nuan_emulator.meters import MBusHeatMeter
from nuan_emulator.replay import RecordedHeat, Series
from nuan_gateway.bill_run import BillRun
from nuan_gateway.workspace import open_workspace
from nuan_tools.season.layout import NODE_ID
from nuan_tools.season.run import SEED, Season
from nuan_tools.season.sample import sample_text

UNIT = "recorded"
SERIAL_DIGITS = 8
_BAUD = 2400
_BITS_8E1 = 11
_UART = 1


class ReplayedMeter:
    """One M-Bus heat meter that shows what was recorded, alone on its line."""

    def __init__(self, series: Series, serial: str) -> None:
        """The register moves in the file's own steps of 1 kWh."""
        meter = MBusHeatMeter(serial, 1, RecordedHeat(series), manufacturer="KAM")
        self.lines: Mapping[int, Line] = {_UART: Line(_BAUD, _BITS_8E1, [meter], seed=SEED)}
        self.pins: Mapping[int, Callable[[int, int], None]] = {}


class ReplayedSeason(Season):
    """The days a series covers, as one season of one flat."""

    def __init__(self, folder: Path, series: Series, timezone: str, area_m2: str) -> None:
        """Lay out `folder` and power the node on; `area_m2` is decimal text."""
        first, last = (_civil_day(row.at_ms, timezone) for row in (series.rows[0], series.rows[-1]))
        end = last + timedelta(days=1)
        serial = series.meter[-SERIAL_DIGITS:].rjust(SERIAL_DIGITS, "0")
        super().__init__(
            folder,
            site=_SITE.format(
                node=NODE_ID, timezone=timezone, start=first, end=end, serial=serial,
                unit=UNIT, area=area_m2, every_s=series.interval_ms // 1000,
            ),
            tariff=_tariff(first, end),
            seed=SEED,
        )  # fmt: skip
        try:
            self.power_on(ReplayedMeter(series, serial))
        except BaseException:
            self.close()
            raise

    def bill(self) -> BillRun:
        """Bill the season that has passed."""
        with open_workspace(self.folder) as gateway:
            return gateway.bill()[0]


def billed_kwh(run: BillRun) -> Fraction | None:
    """The billed heat; None where the bill fell back to the area."""
    heat = run.bills[0].bill.heat
    return heat.in_unit("kWh") if heat is not None else None


def _civil_day(at_ms: int, timezone: str) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(timezone)).date()


def _tariff(start: date, end: date) -> str:
    """The sample tariff, in force over the recorded days."""
    return (
        sample_text("tariff.toml")
        .replace("valid_from = 2025-11-01", f"valid_from = {start}")
        .replace("valid_to = 2026-11-01", f"valid_to = {end}")
    )


_SITE = """\
# A recorded meter read once more.
format = 1

[site]
id = "replay"
name = "replay"
timezone = "{timezone}"

[season]
name = "recorded"
start = {start}
end = {end}

[tariff]
file = "tariff.toml"

[[node]]
id = "{node}"
config_version = 1
mqtt = {{ host = "10.1.0.1", keepalive_s = 3600 }}

[[node.bus]]
name = "mbus"
protocol = "mbus"
uart = 1
tx = 17
rx = 16
baud = 2400
parity = "E"
timeout_ms = 1100

[[unit]]
id = "{unit}"
area_m2 = "{area}"

[[meter]]
serial = "{serial}"
model = "mbus_heat"
node = "{node}"
bus = "mbus"
slot = 1
address = 1
every_s = {every_s}

[[point]]
id = "heat"
role = "household_heat"
unit = "{unit}"
meter = "{serial}"
"""
