"""Telegrams per second from the broker into the database: committed before acknowledged, decoded.

Four subjects take the same batches in the same run, each in a process of its own:

    gateway    `nuan gateway run` behind Mosquitto: MAC, digests, chain, entries, readings, feed
    embedded   the same with its own broker
    bare       an aiomqtt loop behind Mosquitto that writes the raw entries, and nothing else
    same rows  the bare loop writing as many rows, of the same columns, as the gateway writes; it
               checks and decodes nothing, its values are constants

Goal: gateway >= half of bare, and >= 10,000 telegrams/s. Usage: ingest.py [telegrams]
"""

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import struct
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiomqtt

from nuan_gateway.store.engine import open_database
from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.uplink import body, entry
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.keys import NodeKeys
from nuan_protocols.uplink.message import MESSAGE_BYTES_MAX

NODES = 8
BATCH_ENTRIES = 50
IN_FLIGHT = 8
METERS = 20
RUNS = 3
GOAL_TELEGRAMS_S = 10_000
EPOCH = b"bench--1"
NONCE = b"nonce--1"
START_S = 1_761_955_200
READINGS = 9
FEED_ITEM = "x" * 170
NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def node_id(node: int) -> str:
    return f"6e75616e{node:08x}"


def node_key(node: int) -> bytes:
    return bytes([node]) * 32


def telegram(address: int, step: int) -> bytes:
    """What a heat meter says: 12 records in 90 bytes, the registers moving with `step`."""
    header = struct.pack("<IHBBBBH", 0x12345600 + address, 0x2C2D, 0x34, 4, step & 255, 0, 0)
    records = b"".join(
        (
            struct.pack("<BBI", 0x04, 0x06, 100_000 + step),
            struct.pack("<BBI", 0x04, 0x14, 200_000 + 3 * step),
            struct.pack("<BBI", 0x04, 0x22, 9_000 + step // 4),
            struct.pack("<BBH", 0x02, 0x59, 6_500 + step % 400),
            struct.pack("<BBH", 0x02, 0x5D, 4_200 + step % 300),
            struct.pack("<BBH", 0x02, 0x61, 2_300 + step % 100),
            struct.pack("<BBI", 0x04, 0x2D, 54 + step % 20),
            struct.pack("<BBI", 0x04, 0x3B, 230 + step % 50),
            struct.pack("<BBI", 0x44, 0x06, 99_000),
            struct.pack("<BBI", 0x44, 0x14, 198_000),
            struct.pack("<BBH", 0x42, 0x6C, 0x2B7F),
            struct.pack("<BBBI", 0x01, 0xFD, 0x17, 0)[:4],
        )
    )
    return bytes(long_frame(0x08, address, 0x72, header + records))


def batches_of(node: int, entries: int) -> list[bytes]:
    """The node's journal as batches, ready to be published."""
    identity = bytes.fromhex(node_id(node))
    keys = NodeKeys(node_key(node))
    buffer = bytearray(MESSAGE_BYTES_MAX)
    builder = BatchBuilder(buffer, keys, identity, EPOCH)
    chain = entry.genesis(identity, EPOCH)
    raw = bytearray(entry.ENTRY_BYTES_MAX)
    made: list[bytes] = []
    for seq in range(1, entries + 1):
        if (seq - 1) % BATCH_ENTRIES == 0:
            builder.begin(NONCE, seq, chain)
        meter = seq % METERS + 1
        when = START_S + 900 * (seq // METERS)
        at = entry.put_head(raw, entry.KIND_EXCHANGE, identity, EPOCH, seq, when, 2)
        question = bytes((0x10, 0x5B, meter, (0x5B + meter) & 255, 0x16))
        at = body.put_exchange(raw, at, 0, meter, 1, 0, 1, question, telegram(meter, seq))
        written = bytes(raw[:at])
        assert builder.add(written)
        chain = entry.chain(chain, entry.digest(keys.salt(EPOCH, seq), written))
        if seq % BATCH_ENTRIES == 0 or seq == entries:
            made.append(bytes(builder.finish()))
    return made


def write_site(folder: Path, port: int) -> None:
    """Settings, keys and a site of NODES nodes with METERS heat meters each."""
    embedded = "true" if port == 0 else "false"
    (folder / "gateway.toml").write_text(
        'format = 1\ndata_dir = "data"\nsite = "site.toml"\nkeys = "keys.toml"\n'
        f"[mqtt]\nembedded = {embedded}\nport = {port}\n"
        f'[ingest]\ncredit_total = {NODES * IN_FLIGHT}\n[log]\nlevel = "warning"\n'
    )
    keys = [f'"{node_id(node)}" = "{node_key(node).hex()}"' for node in range(NODES)]
    (folder / "keys.toml").write_text("\n".join(keys))
    parts = [
        """format = 1
[site]
id = "bench"
name = "Bench"
[tariff]
file = "tariff.toml"
[season]
name = "s"
start = 2025-11-01
end = 2026-04-01
"""
    ]
    for node in range(NODES):
        name = node_id(node)
        parts.append(
            f'[[node]]\nid = "{name}"\nconfig_version = 1\nmqtt = {{ host = "10.1.0.1" }}\n'
            '[[node.bus]]\nname = "mbus"\nprotocol = "mbus"\nuart = 1\ntx = 17\nrx = 16\n'
            'baud = 2400\nparity = "E"\ntimeout_ms = 1100\n'
        )
        for meter in range(1, METERS + 1):
            serial = f"{node}-{meter}"
            parts.append(
                f'[[meter]]\nserial = "{serial}"\nmodel = "mbus_heat"\nnode = "{name}"\n'
                f'bus = "mbus"\nslot = {meter}\naddress = {meter}\nevery_s = 900\n'
                f'[[unit]]\nid = "u{serial}"\narea_m2 = "80"\n'
                f'[[point]]\nid = "p{serial}"\nrole = "household_heat"\nmeter = "{serial}"\n'
                f'unit = "u{serial}"\n'
            )
    (folder / "site.toml").write_text("".join(parts))


class BareTable:
    """Raw entries into one table."""

    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.make()

    def make(self) -> None:
        self.database.execute(
            "CREATE TABLE entry (node TEXT, seq INT, raw BLOB, PRIMARY KEY (node, seq))"
        )

    def write(self, batches: list[list[tuple[str, int, bytes]]]) -> None:
        rows = [row for batch in batches for row in batch]
        self.database.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?, ?)", rows)


class SameRows(BareTable):
    """As many rows as the gateway writes, in its own tables."""

    def make(self) -> None:
        path = self.database.execute("PRAGMA database_list").fetchone()[2]
        open_database(Path(path)).dispose()
        self.row_id = 0

    def write(self, batches: list[list[tuple[str, int, bytes]]]) -> None:
        entries: list[tuple[object, ...]] = []
        readings: list[tuple[object, ...]] = []
        messages: list[tuple[object, ...]] = []
        for batch in batches:
            for node, seq, raw in batch:
                self.row_id += 1
                entries.append((self.row_id, node, "e", seq, 1, seq, 2, 1, raw, raw[:32], START_S))
                point = f"p{node}-{seq % METERS}"
                readings += [
                    (self.row_id, idx, point, "meter", "energy", "Wh", seq, 3, 0, 0, 0,
                     "instantaneous", "ok", None, START_S + 900 * (seq // METERS), 2, 1)
                    for idx in range(READINGS)
                ]  # fmt: skip
            payload = FEED_ITEM * (READINGS * len(batch))
            messages.append((f"{batch[0][0]}-{batch[0][1]}", "readings", payload, 0, 0))
        write = self.database.executemany
        write(f"INSERT INTO entry VALUES ({','.join('?' * 11)})", entries)
        write(f"INSERT INTO reading VALUES ({','.join('?' * 17)})", readings)
        write(
            "INSERT INTO outbox (key, kind, payload, created_at, next_at) VALUES (?, ?, ?, ?, ?)",
            messages,
        )


async def bare_loop(port: int, table: BareTable) -> None:
    """The yardstick: messages into rows, one commit for all that waits, then an answer to each."""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY) as client:
        client.pending_calls_threshold = 1000
        await client.subscribe("nuan/v1/+/up", qos=1)
        print("ready", flush=True)
        while True:
            group = [await anext(client.messages)]
            group += [await anext(client.messages) for _ in range(len(client.messages))]
            table.database.execute("BEGIN IMMEDIATE")
            table.write([rows_of(m.topic.value[8:24], m.payload) for m in group])
            table.database.execute("COMMIT")
            await asyncio.gather(
                *(client.publish(m.topic.value[:-2] + "down", b"ok", qos=1) for m in group)
            )


def rows_of(node: str, message: bytes) -> list[tuple[str, int, bytes]]:
    """The entries of a batch, cut by their lengths and not looked at."""
    first, count = struct.unpack_from(">IH", message, 26)
    at = 64
    rows: list[tuple[str, int, bytes]] = []
    for seq in range(first, first + count):
        end = at + 2 + int.from_bytes(message[at : at + 2], "big")
        rows.append((node, seq, message[at:end]))
        at = end
    return rows


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
        await running.wait()


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[int]:
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if path is None:
        sys.exit("ingest.py: Mosquitto is missing: apt-get install mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "max_queued_messages 0\nmax_inflight_messages 1000\nlog_type none\n"
    )
    async with process(path, "-c", str(folder / "mosquitto.conf")):
        await wait_for_port(port)
        yield port


async def wait_for_port(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            return
    sys.exit(f"ingest.py: nothing listens on port {port}")


async def gateway_port(folder: Path) -> int:
    path = folder / "data" / "gateway.json"
    for _ in range(500):
        if path.exists():
            port: int = json.loads(path.read_text())["port"]
            return port
        await asyncio.sleep(0.02)
    sys.exit("ingest.py: the gateway didn't start")


async def drive(port: int, journals: Sequence[Sequence[bytes]]) -> float:
    """Publish every node's batches, IN_FLIGHT at once; seconds until the last is answered."""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY) as client:
        client.pending_calls_threshold = 10_000
        await client.subscribe("nuan/v1/+/down", qos=1)
        waiting = [iter(batches) for batches in journals]
        publishing: set[asyncio.Task[None]] = set()

        def send(node: int) -> None:
            batch = next(waiting[node], None)
            if batch is not None:
                topic = f"nuan/v1/{node_id(node)}/up"
                task = asyncio.create_task(client.publish(topic, batch, qos=1))
                publishing.add(task)
                task.add_done_callback(publishing.discard)

        started = time.perf_counter()
        for node in range(len(journals)):
            for _ in range(IN_FLIGHT):
                send(node)
        for _ in range(sum(len(batches) for batches in journals)):
            message = await asyncio.wait_for(anext(client.messages), 60)
            send(int(message.topic.value[16:24], 16))
        return time.perf_counter() - started


async def measure(subject: str, journals: Sequence[Sequence[bytes]]) -> float:
    """Seconds that a fresh subject on a fresh database takes for all batches."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        nuan = str(Path(sys.executable).with_name("nuan"))
        if subject == "embedded":
            write_site(folder, 0)
            async with process(nuan, "gateway", "run", str(folder / "gateway.toml")):
                return await drive(await gateway_port(folder), journals)
        async with mosquitto(folder) as port:
            if subject in YARDSTICKS:
                yardstick = (__file__, subject, str(port), str(folder / "bare.db"))
                async with process(sys.executable, *yardstick) as bare:
                    assert bare.stdout is not None
                    await bare.stdout.readline()
                    return await drive(port, journals)
            write_site(folder, port)
            async with process(nuan, "gateway", "run", str(folder / "gateway.toml")):
                await gateway_port(folder)
                seconds = await drive(port, journals)
            check(folder, sum(len(batches) for batches in journals))
            return seconds


def check(folder: Path, batches: int) -> None:
    """The database holds every entry and the readings in it: nothing was skipped for speed."""
    with sqlite3.connect(folder / "data" / "nuan.db") as database:
        entries = database.execute("SELECT count(*) FROM entry").fetchone()[0]
        readings = database.execute("SELECT count(*) FROM reading WHERE status = 'ok'").fetchone()[
            0
        ]
    database.close()
    assert entries == batches * BATCH_ENTRIES, entries
    assert readings >= 8 * entries, (entries, readings)


async def main(telegrams: int) -> None:
    each = max(1, telegrams // (NODES * BATCH_ENTRIES)) * BATCH_ENTRIES
    journals = [batches_of(node, each) for node in range(NODES)]
    total = each * NODES
    size = sum(map(len, journals[0])) // len(journals[0])
    print(f"{total} telegrams of {len(telegram(1, 1))} bytes, {NODES} nodes, ", end="")
    print(f"batches of {BATCH_ENTRIES} ({size} bytes), {RUNS} runs, {os.cpu_count()} cores")
    rates: dict[str, list[float]] = {"gateway": [], "embedded": [], "bare": [], "same rows": []}
    for _ in range(RUNS):
        for subject, found in rates.items():
            found.append(total / await measure(subject, journals))
    for subject, found in rates.items():
        shown = ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"{subject:9} {median(found):>9,.0f} telegrams/s   ({shown})")
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    gateway = median(rates["gateway"])
    print(f"largest process {peak_mb:.0f} MB")
    verdict(f"at least {GOAL_TELEGRAMS_S:,} telegrams/s", gateway >= GOAL_TELEGRAMS_S)
    for yardstick in YARDSTICKS:
        ratio = gateway / median(rates[yardstick])
        verdict(f"half of {yardstick}: {ratio:.2f}", ratio >= 0.5)


def verdict(goal: str, met: bool) -> None:
    print(f"{'met   ' if met else 'missed'} {goal}")


YARDSTICKS = {"bare": BareTable, "same rows": SameRows}


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in YARDSTICKS:
        asyncio.run(bare_loop(int(sys.argv[2]), YARDSTICKS[sys.argv[1]](sys.argv[3])))
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
