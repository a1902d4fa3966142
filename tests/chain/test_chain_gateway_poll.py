"""A gateway that polls all four protocols itself: killed, restarted, billed, and proved."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import AsyncExitStack, closing
from pathlib import Path

from nuan_emulator.line import Line
from nuan_emulator.meters import Dtsu666, MBusHeatMeter
from nuan_emulator.meters.cjt188_meters import Cjt188HeatMeter
from nuan_emulator.meters.cjt188_slave import Station
from nuan_emulator.meters.device import ElectricityState, HeatState
from nuan_emulator.meters.dlt645_meters import Dlt645Meter, Station645
from nuan_emulator.serve import TcpLine
from nuan_emulator.serve_modbus import ModbusTcpServer
from nuan_tools.season.processes import Gateway
from nuan_tools.season.sample import sample_text

NODE = "6e75616e0000000a"
BAUD = 38_400
BITS = 11
SPEED = 10
EVERY_S = 4 * 3600
# 2025-11-01 00:00 in Shanghai, and two days of season.
START_S = 1_761_926_400
END_S = START_S + 2 * 86_400
TURN_SECONDS = 20
POWER_W = 5000
FLAT_CJT = "1-102"
CJT_ADDRESS = "11110011304201"
DLT_ADDRESS = "012345678901"

_SITE = f"""\
format = 1
[site]
id = "polled"
name = "Polled house"
[season]
name = "2025-2026"
start = 2025-11-01
end = 2025-11-03
[tariff]
file = "tariff.toml"
[[node]]
id = "{NODE}"
kind = "gateway"
config_version = 5
[[unit]]
id = "1-101"
area_m2 = "80.25"
[[unit]]
id = "{FLAT_CJT}"
area_m2 = "60.50"
"""
_BUS = """\
[[node.bus]]
name = "{name}"
protocol = "{protocol}"
connect = "{connect}"
baud = 38400
parity = "E"
timeout_ms = 500
"""
_METER = """\
[[meter]]
serial = "{serial}"
model = "{model}"
node = "6e75616e0000000a"
bus = "{bus}"
slot = {slot}
address = {address}
every_s = 14400
[[point]]
id = "{serial}-point"
role = "{role}"
meter = "{serial}"
{unit}
"""
_SETTINGS = """\
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
port = 0
[clock]
file = "data/clock"
"""


def heat(now_ms: int) -> HeatState:
    """5 kW since 1970, at 15.5 K; so physics bears every answer out."""
    flow_l_per_h = POWER_W * 10_000 // (155 * 1163)
    seconds = now_ms // 1000 - START_S + 10**6
    return HeatState(
        POWER_W * seconds, flow_l_per_h * seconds // 36 * 10, POWER_W, flow_l_per_h, 4870, 3320,
        seconds,
    )  # fmt: skip


def electricity(now_ms: int) -> ElectricityState:
    """1.5 kW since 1970."""
    return ElectricityState(
        1500 * (now_ms // 1000 - START_S + 10**6), 0, (2300, 2310, 2290), (2000, 2100, 2200),
        (5000, 5000, 5000), (0, 0, 0), 5000,
    )  # fmt: skip


class House:
    """Meters behind serial servers and Modbus TCP, and the folder of the gateway that polls them.

    The world's clock is the gateway's, but for the milliseconds that pass during a turn.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._jumped_at = 0.0
        self._now_s = 0
        (folder / "data").mkdir(parents=True)
        self.jump(START_S - 60)

    def jump(self, now_s: int) -> None:
        self._now_s, self._jumped_at = now_s, time.monotonic()
        (self.folder / "data" / "clock").open("ab").close()
        with (self.folder / "data" / "clock").open("r+b") as file:
            file.write((now_s * 1000).to_bytes(8, "little"))

    def now_ms(self) -> int:
        return self._now_s * 1000 + int((time.monotonic() - self._jumped_at) * 1000 * SPEED)

    async def open(self, stack: AsyncExitStack) -> None:
        """Start the lines, and write the site that knows their ports."""
        mbus = [MBusHeatMeter(f"1000000{n}", n, heat, start_register=100) for n in (1, 2)]
        cjt188 = Cjt188HeatMeter(Station(CJT_ADDRESS), heat)
        dlt645 = Dlt645Meter(Station645(DLT_ADDRESS), electricity)
        pace = {"speed": SPEED, "clock": self.now_ms}
        lines = [TcpLine(self._line(*meters), **pace) for meters in (mbus, [cjt188], [dlt645])]
        for line in lines:
            await stack.enter_async_context(line)
        server = ModbusTcpServer([Dtsu666("E9", 9, electricity)], **pace)
        await stack.enter_async_context(server)
        ports = [line.port for line in lines]
        buses = [
            ("a", "mbus", f"tcp://127.0.0.1:{ports[0]}"),
            ("b", "cjt188", f"tcp://127.0.0.1:{ports[1]}"),
            ("c", "dlt645", f"tcp://127.0.0.1:{ports[2]}"),
            ("d", "modbus", f"modbus-tcp://127.0.0.1:{server.port}"),
        ]
        meters = [
            ("10000001", "mbus_heat", "a", 1, "household_heat", "1-101"),
            ("10000002", "mbus_heat", "a", 2, "building_heat", ""),
            (CJT_ADDRESS, "cjt188_heat", "b", f'"{CJT_ADDRESS}"', "household_heat", FLAT_CJT),
            (DLT_ADDRESS, "dlt645_2007", "c", f'"{DLT_ADDRESS}"', "electricity", ""),
            ("E2", "dtsu666", "d", 9, "electricity", ""),
        ]
        site = _SITE.partition("[[unit]]")
        text = site[0] + "".join(
            _BUS.format(name=name, protocol=protocol, connect=connect)
            for name, protocol, connect in buses
        )
        text += "[[unit]]" + site[2]
        for slot, (serial, model, bus, address, role, unit) in enumerate(meters, 1):
            text += _METER.format(
                serial=serial, model=model, bus=bus, slot=slot, address=address, role=role,
                unit=f'unit = "{unit}"' if unit else "",
            )  # fmt: skip
        for name, content in (
            ("site.toml", text),
            ("gateway.toml", _SETTINGS),
            ("tariff.toml", sample_text("tariff.toml")),
            ("keys.toml", f'"{NODE}" = "{bytes(range(32)).hex()}"\n'),
        ):
            (self.folder / name).write_text(content, "utf-8")

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "data" / "nuan.db")) as database:
            return database.execute(sql).fetchall()

    async def turn(self, due_s: int) -> None:
        """Let the meters be due, and wait until all five are read."""
        self.jump(due_s)
        await self.until(
            f"SELECT count(DISTINCT slot) FROM entry WHERE kind = 1 AND time >= {due_s}", 5
        )

    async def until(self, query: str, count: int) -> None:
        """Wait until the database says so."""
        async with asyncio.timeout(TURN_SECONDS):
            while self.rows(query) != [(count,)]:  # noqa: ASYNC110 - another process's database
                await asyncio.sleep(0.02)

    async def start(self, boots: int) -> Gateway:
        """A gateway that waits for the next turn, its `boots`-th process."""
        gateway = await asyncio.to_thread(Gateway, self.folder)
        await self.until("SELECT count(*) FROM entry WHERE kind = 2", 2 * boots)
        # The pollers begin to wait when their journal's first entries are committed.
        await asyncio.sleep(0.2)
        return gateway

    @staticmethod
    def _line(*meters: object) -> Line:
        return Line(BAUD, BITS, meters)  # type: ignore[arg-type]

    def nuan(self, *arguments: str) -> str:
        """A command's output; it must succeed."""
        command = [sys.executable, "-m", "nuan_tools", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


async def test_a_polled_house_is_billed_and_proved(tmp_path: Path) -> None:
    house = House(tmp_path / "gateway")
    async with AsyncExitStack() as stack:
        await house.open(stack)
        gateway = await house.start(boots=1)
        stack.callback(gateway.stop)
        for due_s in range(START_S, END_S + 1, EVERY_S):
            if due_s == START_S + 2 * EVERY_S:
                # In the middle of a turn: what is committed stays, nothing else has a number.
                house.jump(due_s)
                await asyncio.sleep(0.15)
                gateway.kill()
                gateway = await house.start(boots=2)
                stack.callback(gateway.stop)
            else:
                await house.turn(due_s)
        house.jump(END_S + 86_400)
        await house.until("SELECT count(*) FROM root", 3)
        await asyncio.to_thread(gateway.stop)
    ((epochs, lowest, highest, count),) = house.rows(
        "SELECT count(DISTINCT epoch), min(seq), max(seq), count(*) FROM entry"
    )
    assert (epochs, lowest, highest) == (1, 1, count)
    assert house.rows("SELECT cumulative FROM journal") == [(count,)]
    # Each meter once a turn: M-Bus and CJ/T 188 with one exchange, the others with their parts.
    assert house.rows(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM entry WHERE kind = 1 AND slot <= 3 "
        "GROUP BY slot, time / 14400)"
    ) == [(1,)]
    assert house.rows("SELECT state FROM dialect_state") == [("confirmed",)]
    assert house.rows("SELECT DISTINCT status FROM reading WHERE quantity = 'energy'") == [("ok",)]
    settings = str(house.folder / "gateway.toml")
    bills = json.loads(house.nuan("bill", "run", settings, "--json"))
    assert bills
    for unit in ("1-101", FLAT_CJT):
        bundle = tmp_path / f"{unit}.json"
        house.nuan("export", str(house.folder), unit, "-o", str(bundle))
        assert house.nuan("verify", str(bundle))
        statement = json.loads(bundle.read_text("utf-8"))["statement"]
        # 5 kW for two days.
        assert statement["heat_kwh"] == "240"
        assert statement["problems"] == []
