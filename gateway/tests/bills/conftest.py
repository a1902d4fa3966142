"""A small billed building: three flats, a building meter and a gas meter, on a real database."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nuan_gateway.bill_run import BillRun, run_bills
from nuan_gateway.billing.tariff import Tariff
from nuan_gateway.evidence.signing import Signer, open_signer
from nuan_gateway.site import Site, load_site
from nuan_gateway.tariff_file import load_tariff
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.uplink import body, entry

NODE = "6e75616e00000001"
KEY = bytes(range(32))
SEASON_START_S = 1_761_926_400  # 2025-11-01 00:00 in Shanghai
DAY_S = 86_400
STEP_S = 6 * 3600
FLATS = {"101": "89.37", "102": "76.20", "201": "103.56"}
BUILDING_SLOT = 8
GAS_SLOT = 9

SITE_HEAD = """\
format = 1
[site]
id = "t1"
name = "样板楼 Test house"
[season]
name = "2025-2026"
start = 2025-11-01
end = 2025-11-{end:02d}
[tariff]
file = "tariff.toml"
[[node]]
id = "6e75616e00000001"
config_version = 7
mqtt = {{ host = "10.1.0.1" }}
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

METER = """
[[meter]]
serial = "{serial}"
model = "{model}"
node = "6e75616e00000001"
bus = "mbus"
slot = {slot}
address = {slot}
every_s = 3600
[[point]]
id = "{point}"
role = "{role}"
meter = "{serial}"
"""

TARIFF = """\
format = 1
id = "sample"
version = "2025-1"
title = "两部制热价 Two-part heat price"
legal_reference = "none"
valid_from = 2025-11-01
valid_to = 2026-11-01
[base]
price = "12.00"
unit = "CNY/m2.season"
[metered]
price = "0.16"
unit = "CNY/kWh"
[prepayment]
price = "24.00"
unit = "CNY/m2.season"
[settlement]
policy = "refund_and_charge"
"""


def site_text(days: int) -> str:
    text = SITE_HEAD.format(end=1 + days)
    for slot, (unit, area) in enumerate(FLATS.items(), 1):
        text += f'\n[[unit]]\nid = "{unit}"\narea_m2 = "{area}"\nname = "{unit}室"\n'
        text += METER.format(
            serial=f"1000000{slot}",
            model="mbus_heat",
            slot=slot,
            point=f"heat-{unit}",
            role="household_heat",
        )
        text += f'unit = "{unit}"\n'
    text += METER.format(
        serial="10000008", model="mbus_heat", slot=8, point="building", role="building_heat"
    )
    text += METER.format(serial="10000009", model="mbus_gas", slot=9, point="gas", role="gas")
    return text


def telegram(slot: int, value: int, serial: str | None = None, vif: int = 0x05) -> bytes:
    """A meter's answer: register as 8 BCD digits; VIF 05h is 100 Wh, 06h 1 kWh, 14h 0.01 m3."""
    digits = serial or f"1000000{slot}"
    medium = 3 if slot == GAS_SLOT else 4
    header = bytes.fromhex(digits)[::-1] + struct.pack("<H", 0x2C2D)
    header += bytes((1, medium, 0, 0, 0, 0))
    register = bytes((0x0C, 0x14 if slot == GAS_SLOT else vif))
    register += bytes.fromhex(f"{value:08d}")[::-1]
    return bytes(long_frame(0x08, slot, 0x72, header + register))


def exchange(slot: int, answer: bytes, config_version: int = 7) -> bytes:
    question = bytes((0x10, 0x7B, slot, (0x7B + slot) & 0xFF, 0x16))
    buffer = bytearray(1024)
    result = body.RESULT_OK if answer else body.RESULT_NO_ANSWER
    end = body.put_exchange(buffer, 0, 0, slot, config_version, result, 1, question, answer)
    return bytes(buffer[:end])


def register_at(slot: int, time: int) -> int:
    """What a meter shows: every flat at its own pace, the building meter all of them and a loss."""
    steps = (time - SEASON_START_S) // STEP_S
    if slot == BUILDING_SLOT:
        return 50_000 + sum(7 * flat * steps for flat in (1, 2, 3)) + 5 * steps
    return 1_000 * slot + 7 * slot * steps


@dataclass
class World:
    """A gateway's database filled by a node's journal, and everything needed to bill it."""

    folder: Path
    site: Site
    tariff: Tariff
    bench: Any
    journal: Any
    days: int
    sent: int = 0
    config_version: int = 7
    answers: dict[tuple[int, int], bytes] = field(default_factory=dict[tuple[int, int], bytes])

    @property
    def signer(self) -> Signer:
        return open_signer(self.folder)

    @property
    def end_s(self) -> int:
        return SEASON_START_S + self.days * DAY_S

    def telegram(self, slot: int, time: int) -> bytes:
        """What a meter answers unless the test says otherwise."""
        return telegram(slot, register_at(slot, time))

    def read(self, time: int, clock: int = 2) -> None:
        """One poll of all meters at `time`, delivered at once."""
        for slot in (1, 2, 3, BUILDING_SLOT, GAS_SLOT):
            answer = self.answers.get((slot, time), self.telegram(slot, time))
            body_bytes = exchange(slot, answer, self.config_version)
            self.journal.add(entry.KIND_EXCHANGE, body_bytes, time, clock)
        self.bench.clock.ms = max(self.bench.clock.ms, time * 1000 + 5_000)
        last = self.journal.next_seq - 1
        self.bench.send(self.journal, self.journal.batch(self.sent + 1, last))
        self.sent = last

    def fill(self, first_s: int | None = None, last_s: int | None = None) -> None:
        """Poll every six hours from a day before the season to a day after it, and seal."""
        start = SEASON_START_S - DAY_S if first_s is None else first_s
        end = self.end_s + DAY_S if last_s is None else last_s
        for time in range(start, end + 1, STEP_S):
            self.read(time)
        self.bench.clock.ms = (end + 2 * DAY_S) * 1000
        self.bench.writer.seal()

    def run(self, **changes: Any) -> BillRun:
        given = {"tariff": self.tariff, "site": self.site} | changes
        return run_bills(
            self.bench.engine,
            given["site"],
            given["tariff"],
            self.signer,
            self.bench.clock.now_ms(),
        )

    def heat_kwh(self, slot: int) -> Fraction:
        """The true heat of the season: the register steps of 100 Wh between its boundaries."""
        steps = register_at(slot, self.end_s) - register_at(slot, SEASON_START_S)
        return Fraction(steps, 10)


@pytest.fixture
def make_world(
    tmp_path: Path, make_bench: Any, make_journal: Any
) -> Iterator[Callable[..., World]]:
    """Make a world of a season of so many days; nothing is read yet.

    `own_model` is the text of a model file of the user's own, own_heat, for the heat meters.
    """
    benches: list[Any] = []

    def make(days: int = 5, name: str = "world", own_model: str = "") -> World:
        folder = tmp_path / name
        folder.mkdir()
        text = site_text(days)
        if own_model:
            (folder / "models").mkdir()
            (folder / "models" / "own_heat.py").write_text(own_model, "utf-8")
            text = text.replace('"mbus_heat"', '"own_heat"')
            text = text.replace('id = "t1"\n', 'id = "t1"\nmodels = "models"\n', 1)
        (folder / "site.toml").write_text(text, "utf-8")
        (folder / "tariff.toml").write_text(TARIFF, "utf-8")
        (folder / "keys.toml").write_text(f'"{NODE}" = "{KEY.hex()}"\n')
        site = load_site(folder / "site.toml")
        bench = make_bench(folder, site)
        benches.append(bench)
        bench.clock.ms = (SEASON_START_S - 2 * DAY_S) * 1000
        tariff = load_tariff(folder / "tariff.toml")
        return World(folder, site, tariff, bench, make_journal(key=KEY), days)

    yield make
    for bench in benches:
        bench.stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world of five days, read and sealed."""
    made = make_world()
    made.fill()
    return made
