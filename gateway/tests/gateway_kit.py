"""A node's journal in the tests' hands, a small site, and a writer on a real database."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, text

from nuan_gateway.evidence.signing import open_signer
from nuan_gateway.ingest.commit import Writer
from nuan_gateway.ingest.credit import Credits
from nuan_gateway.ingest.decode import Decoder
from nuan_gateway.ingest.messages import Gatekeeper
from nuan_gateway.ingest.seal import Sealer
from nuan_gateway.site import Site
from nuan_gateway.store.engine import DATABASE_NAME, begin_write, open_database
from nuan_gateway.store.master import load_slots, sync_site
from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink.ack import Ack, parse_ack
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.hello import Hello, build_hello
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import MESSAGE_BYTES_MAX

NODE = "6e75616e00000001"
KEY = bytes(range(32))
START_S = 1_761_955_200  # 2025-11-01T00:00:00Z

SITE = """\
format = 1

[site]
id = "t1"
name = "Test house"

[season]
name = "2025-2026"
start = 2025-11-01
end = 2026-04-01

[tariff]
file = "tariff.toml"

[[node]]
id = "6e75616e00000001"
config_version = 7
mqtt = { host = "10.1.0.1" }

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

[[meter]]
serial = "H1"
model = "mbus_heat"
node = "6e75616e00000001"
bus = "mbus"
slot = 1
address = 1
every_s = 3600

[[meter]]
serial = "R1"
model = "room_rs485"
node = "6e75616e00000001"
bus = "rs485"
slot = 16
address = 2
every_s = 300

[[zone]]
zone = 1
node = "6e75616e00000001"
slot = 16
valve_pin = 33
setpoint_dc = 220

[[unit]]
id = "101"
area_m2 = "92.10"

[[point]]
id = "heat-101"
role = "household_heat"
meter = "H1"
unit = "101"

[[point]]
id = "room"
role = "room_temperature"
meter = "R1"
"""

SETTINGS = """\
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"

[mqtt]
port = 0
"""


def room_exchange(temperature_dc: int, config_version: int = 7, slot: int = 16) -> bytes:
    """The body of an exchange with the room sensor: question, and an answer with this value."""
    question = with_crc(bytes((2, 4, 0, 1, 0, 2)))
    answer = with_crc(bytes((2, 4, 4)) + struct.pack(">hH", temperature_dc, 512))
    return exchange_body(1, slot, config_version, body.RESULT_OK, question, answer)


def heat_exchange(energy_kwh: int) -> bytes:
    """The body of an exchange with the heat meter: variable data, energy in kWh, 8 digits BCD."""
    header = bytes.fromhex("78563412") + struct.pack("<H", 0x2C2D) + bytes((1, 4, 0, 0, 0, 0))
    digits = bytes.fromhex(f"{energy_kwh:08d}")[::-1]
    answer = long_frame(0x08, 1, 0x72, header + b"\x0c\x06" + digits)
    question = bytes.fromhex("107b017c16")
    return exchange_body(0, 1, 7, body.RESULT_OK, question, bytes(answer))


def with_crc(frame: bytes) -> bytes:
    return frame + crc16_modbus(frame).to_bytes(2, "little")


def exchange_body(
    bus: int, slot: int, version: int, result: int, question: bytes, answer: bytes
) -> bytes:
    buffer = bytearray(1024)
    end = body.put_exchange(buffer, 0, bus, slot, version, result, 1, question, answer)
    return bytes(buffer[:end])


def tombstone_body(first: int, last: int, reason: int, chain: bytes) -> bytes:
    buffer = bytearray(64)
    return bytes(buffer[: body.put_tombstone(buffer, 0, first, last, reason, chain)])


@dataclass
class NodeJournal:
    """A journal as a node keeps it: entries by number, the chain value after each number."""

    node: str = NODE
    key: bytes = KEY
    epoch: bytes = b"epoch--1"
    nonce: bytes = b"nonce--1"
    entries: dict[int, bytes] = field(default_factory=dict[int, bytes])
    chain: dict[int, bytes] = field(default_factory=dict[int, bytes])
    next_seq: int = 1

    def __post_init__(self) -> None:
        self.keys = NodeKeys(self.key)
        self.chain[0] = entry.genesis(bytes.fromhex(self.node), self.epoch)

    def add(self, kind: int, content: bytes, time: int | None = None, clock: int = 2) -> int:
        seq = self.next_seq
        buffer = bytearray(entry.ENTRY_BYTES_MAX)
        when = START_S + 60 * seq if time is None else time
        at = entry.put_head(buffer, kind, bytes.fromhex(self.node), self.epoch, seq, when, clock)
        buffer[at : at + len(content)] = content
        raw = bytes(buffer[: at + len(content)])
        self.entries[seq] = raw
        digest = entry.digest(self.keys.salt(self.epoch, seq), raw)
        self.chain[seq] = entry.chain(self.chain[seq - 1], digest)
        self.next_seq += 1
        return seq

    def add_rooms(self, count: int) -> None:
        for _ in range(count):
            self.add(entry.KIND_EXCHANGE, room_exchange(180 + self.next_seq % 40))

    def reserve(self, count: int) -> int:
        """A reboot: `count` numbers reserved and never written, then their tombstone."""
        first, last = self.next_seq, self.next_seq + count - 1
        before = self.chain[first - 1]
        for seq in range(first, last + 1):
            self.chain[seq] = before
        self.next_seq = last + 1
        content = tombstone_body(first, last, body.TOMBSTONE_RESERVED, before)
        return self.add(entry.KIND_TOMBSTONE, content)

    def drop(self, first: int, last: int) -> int:
        """No room: entries are dropped, and a tombstone says so."""
        for seq in range(first, last + 1):
            del self.entries[seq]
        content = tombstone_body(first, last, body.TOMBSTONE_DROPPED, self.chain[last])
        return self.add(entry.KIND_TOMBSTONE, content)

    def batch(self, first: int, last: int) -> bytes:
        buffer = bytearray(MESSAGE_BYTES_MAX)
        builder = BatchBuilder(buffer, self.keys, bytes.fromhex(self.node), self.epoch)
        builder.begin(self.nonce, first, self.chain[first - 1])
        for seq in range(first, last + 1):
            assert builder.add(self.entries[seq])
        return bytes(builder.finish())

    def hello(self, newest: int | None = None) -> bytes:
        last = self.next_seq - 1 if newest is None else newest
        hello = Hello(
            bytes.fromhex(self.node), self.epoch, self.nonce, min(1, last), last, 7, "nuan 0.1.0"
        )
        return build_hello(hello, self.keys)

    def ack(self, payload: bytes) -> Ack:
        return parse_ack(payload, self.keys)

    @property
    def up_topic(self) -> str:
        return f"nuan/v1/{self.node}/up"


class HandClock:
    """A clock that the test sets."""

    def __init__(self, ms: int = START_S * 1000) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        return self.ms

    async def sleep_until_ms(self, instant_ms: int) -> None:
        self.ms = max(self.ms, instant_ms)


class Bench:
    """A writer on a real database in a folder, which can be restarted."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site
        self.clock = HandClock()
        self.engine: Engine
        self.start()

    def start(self, keys: dict[str, bytes] | None = None) -> None:
        self.engine = open_database(self.folder / DATABASE_NAME)
        with begin_write(self.engine) as connection:
            sync_site(connection, self.site, self.clock.now_ms() // 1000)
            slots = load_slots(connection)
        self.gatekeeper = Gatekeeper(keys or {NODE: KEY})
        self.writer = Writer(
            self.engine,
            self.clock,
            self.gatekeeper,
            Decoder(slots),
            Sealer(self.site.site.id, open_signer(self.folder)),
            Credits(64),
            self.site.site.id,
        )

    def stop(self) -> None:
        self.engine.dispose()

    def restart(self) -> None:
        self.stop()
        self.start()

    def send(self, journal: NodeJournal, *payloads: bytes) -> list[Ack]:
        answers = self.writer.process([(journal.up_topic, payload) for payload in payloads])
        assert all(topic == f"nuan/v1/{journal.node}/down" for topic, _ in answers)
        return [journal.ack(payload) for _, payload in answers]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]
