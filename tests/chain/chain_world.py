"""The whole chain around a small building: meters, lines, VM, broker, gateway, database."""

import shutil
import socket
import sqlite3
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from chain_site import NODE, small_site

from nuan_emulator import flash
from nuan_emulator.building import Building, Scenario
from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.flash_journal import FlashEntry, read_journal
from nuan_emulator.meters import Device, Dtsu666, MBusGasMeter, MBusHeatMeter, RoomSensor
from nuan_emulator.meters.device import Reaction
from nuan_emulator.node_spec import NodeSpec
from nuan_emulator.world import World
from nuan_gateway.node_config import node_config
from nuan_gateway.site import load_site
from nuan_tools.season.building import MeteredBuilding
from nuan_tools.season.processes import Gateway, Process
from nuan_tools.season.run import span_of
from nuan_tools.season.sample import sample_text

HERE = Path(__file__).parent
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
HOLD_SECONDS = 60
SUBSCRIBE_SECONDS = 30
KIND_EXCHANGE = 1
KIND_TOMBSTONE = 4

_SETTINGS = """\
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
embedded = {embedded}
host = "127.0.0.1"
port = {port}
[clock]
file = "data/clock"
[forward]
url = "{feed_url}"
[log]
level = "info"
"""


@dataclass(frozen=True)
class Shown:
    """What a device answered when (UTC ms), and what its registers really held then."""

    at_ms: int
    request: bytes
    answer: bytes
    truth: object


class Watched:
    """A device whose answers are written down as they leave it."""

    def __init__(self, device: Device, shown: list[Shown]) -> None:
        self.device = device
        self._shown = shown

    @property
    def reaction(self) -> Reaction:
        return self.device.reaction

    def concerns(self, request: bytes) -> bool:
        return self.device.concerns(request)

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        data = self.device.answer(request, now_ms)
        # A reset of the link layer is answered with one byte and journaled by nobody.
        if data is not None and len(data) > 1:
            self._shown.append(Shown(now_ms, request, data, _registers(self.device, now_ms)))
        return data


def _registers(device: Device, now_ms: int) -> object:
    if isinstance(device, MBusHeatMeter | MBusGasMeter):
        return device.values(now_ms)
    assert isinstance(device, RoomSensor | Dtsu666)
    return device.measured(now_ms)


@dataclass(frozen=True)
class Entry:
    """A row of the gateway's `entry`."""

    epoch: str
    seq: int
    kind: int
    time: int
    clock: int
    slot: int | None
    raw: bytes
    received_ms: int

    @property
    def result(self) -> int:
        return self.raw[32]

    @property
    def exchange(self) -> tuple[bytes, bytes]:
        """Question and answer."""
        end = 36 + struct.unpack_from(">H", self.raw, 34)[0]
        return self.raw[36:end], self.raw[end:]


class Mosquitto:
    """A real Mosquitto on a port of its own, killed and started at will."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "log_dest stderr\nlog_type all\n"
        )
        self._log = folder / "mosquitto.log"
        self._process: Process | None = None
        self.starts = 0

    def start(self) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
        assert program, "Mosquitto is missing: apt-get install mosquitto"
        self.starts += 1
        self._process = Process("mosquitto", [program, "-c", str(self._settings)], self._log)
        end = time.monotonic() + SUBSCRIBE_SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(self._process.last_words())

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def subscriptions(self) -> int:
        """How often a gateway has subscribed so far."""
        return self._log.read_text(errors="replace").count("Sending SUBACK to nuan-gateway")

    def await_subscription(self, count: int) -> None:
        end = time.monotonic() + SUBSCRIBE_SECONDS
        while self.subscriptions() < count:
            assert time.monotonic() < end, "the gateway hasn't come back to its broker"
            time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Chain:
    """A laid-out folder with everything running; close() ends it all.

    `faults`: what is wrong with which bus, by its name. `outages` count from the start, in ms.
    `gateway` makes the gateway's process. `parts` are the node's besides (see NodeSpec).
    """

    def __init__(
        self,
        folder: Path,
        vm: Path,
        seed: int,
        *,
        site: str = "",
        mosquitto: bool = False,
        feed_url: str = "",
        faults: Mapping[str, FaultRates] | None = None,
        outages: tuple[tuple[int, int], ...] = (),
        gateway: Callable[[Path], Process] = Gateway,
        parts: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.vm, self.seed = folder, vm, seed
        self.shown: list[Shown] = []
        self.mosquitto = Mosquitto(folder) if mosquitto else None
        self.port = self.mosquitto.port if self.mosquitto else free_port()
        self.key = Random(f"{seed}/key").randbytes(32)
        self._write_files(site or small_site(), feed_url)
        self.site = load_site(folder / "site.toml")
        self.span = span_of(self.site)
        self.start_ms = self.span.on_ms
        self.world = World(
            seed=seed, start_ms=self.start_ms, clock_file=folder / "data" / "clock", vm=vm
        )
        self.gateway: Process | None = None
        try:
            if self.mosquitto:
                self.mosquitto.start()
            self.gateway = gateway(folder)
            self.metered = MeteredBuilding(Building(Scenario(self.start_ms), seed), self.site, seed)
            self._watch(faults or {})
            self.node = self.world.add_node(replace(self._spec(outages), **(parts or {})))
            self.node.tunnel.hold_seconds = HOLD_SECONDS
        except BaseException:
            self.close()
            raise

    def _write_files(self, site: str, feed_url: str) -> None:
        folder = self.folder
        for name in ("data", "node"):
            (folder / name).mkdir()
        (folder / "site.toml").write_text(site, "utf-8")
        (folder / "tariff.toml").write_text(sample_text("tariff.toml"), "utf-8")
        (folder / "keys.toml").write_text(f'"{NODE}" = "{self.key.hex()}"\n')
        embedded = "false" if self.mosquitto else "true"
        (folder / "gateway.toml").write_text(
            _SETTINGS.format(embedded=embedded, port=self.port, feed_url=feed_url)
        )

    def _spec(self, outages: tuple[tuple[int, int], ...]) -> NodeSpec:
        return NodeSpec(
            node_id=NODE,
            key=self.key,
            config=node_config(self.site, NODE),
            image=self.folder / "node" / "flash.img",
            broker=("127.0.0.1", self.port),
            lines=self.metered.lines,
            pins=self.metered.pins,
            outages=[(self.start_ms + begin, self.start_ms + end) for begin, end in outages],
        )

    def _watch(self, faults: Mapping[str, FaultRates]) -> None:
        for bus in self.site.nodes[0].buses:
            line = self.metered.lines[bus.uart]
            line.devices[:] = [Watched(device, self.shown) for device in line.devices]
            if bus.name in faults:
                line.faults = LineFaults(faults[bus.name], self.seed, bus.name)

    # The gateway's life.

    def start_gateway(self, gateway: Callable[[Path], Process] = Gateway) -> None:
        self.gateway = gateway(self.folder)
        self.node.tunnel.expect()

    def kill_gateway(self) -> None:
        assert self.gateway
        self.gateway.kill()
        self.node.tunnel.forgive()

    def close(self) -> None:
        self.world.close()
        if self.gateway:
            self.gateway.stop()
        if self.mosquitto:
            self.mosquitto.kill()

    # What came of it.

    def query(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the gateway's database, which may be in use."""
        path = self.folder / "data" / "nuan.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(text, values).fetchall()

    def entries(self) -> list[Entry]:
        """Everything the gateway has stored, by journal and number."""
        rows = self.query(
            "SELECT epoch, seq, kind, time, clock, slot, raw, received_at FROM entry"
            " ORDER BY epoch, seq"
        )
        return [Entry(*row) for row in rows]  # type: ignore[arg-type]

    def exchanges(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind == KIND_EXCHANGE]

    def flushed(self) -> list[FlashEntry]:
        """Every entry on the node's flash; the node must be off, and its image is left alone."""
        copy = self.node.spec.image.with_suffix(".copy")
        shutil.copyfile(self.node.spec.image, copy)
        return read_journal(flash.read_files(self.vm, self.node.stage, copy))

    def gateway_log(self) -> str:
        return (self.folder / "gateway.log").read_text(errors="replace")


MakeChain = Callable[..., Chain]
"""The fixture make_chain."""


def check_nothing_lost(chain: Chain, seen_on_flash: list[FlashEntry]) -> None:
    """Every flushed entry is stored, byte for byte, once, and every number is accounted for."""
    stored = chain.entries()
    by_number = {(entry.epoch, entry.seq): entry.raw for entry in stored}
    assert len(by_number) == len(stored)
    missing = [e.seq for e in seen_on_flash if (e.epoch, e.seq) not in by_number]
    assert not missing, f"flushed and never stored: {missing[:20]}"
    changed = [e.seq for e in seen_on_flash if by_number[e.epoch, e.seq] != e.canonical]
    assert not changed, f"stored with other bytes: {changed[:20]}"
    check_numbers(chain, stored)
    # Before a clock is set, two boots may ask at the same second of theirs.
    contents = [e.raw[22:] for e in stored if e.kind == KIND_EXCHANGE and e.clock]
    assert len(set(contents)) == len(contents), "one exchange stands under two numbers"
    assert chain.query("SELECT count(*) FROM conflict") == [(0,)]


def check_numbers(chain: Chain, stored: list[Entry]) -> None:
    """Each journal's numbers 1..highest are stored or named by a tombstone, and never both."""
    for epoch in {entry.epoch for entry in stored}:
        numbers = {entry.seq for entry in stored if entry.epoch == epoch}
        named: set[int] = set()
        for first, last in chain.query(
            "SELECT first, last FROM tombstone WHERE epoch = ? AND reason = 2", epoch
        ):
            named.update(range(int(str(first)), int(str(last)) + 1))
        highest = max(numbers)
        assert numbers | named == set(range(1, highest + 1))
        assert not numbers & named
        progress = chain.query("SELECT cumulative, highest FROM journal WHERE epoch = ?", epoch)
        assert progress == [(highest, highest)]


def check_devices(chain: Chain, before_ms: int, *, every: bool) -> None:
    """What devices said is what is stored: nothing invented, nothing twice.

    With `every`, all that was said before `before_ms` is there.
    """
    said = Counter((shown.request, shown.answer) for shown in chain.shown)
    stored = Counter(entry.exchange for entry in chain.exchanges() if entry.result == 0)
    assert stored
    assert not stored - said, "stored answers that no device gave, or gave less often"
    if every:
        early = Counter((s.request, s.answer) for s in chain.shown if s.at_ms < before_ms)
        lost = early - stored
        assert not lost, f"{lost.total()} answers are nowhere in the database"


def python(script: str, *arguments: str) -> list[str]:
    """The command line of a script beside the tests."""
    return [sys.executable, str(HERE / script), *arguments]
