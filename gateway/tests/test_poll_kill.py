"""SIGKILL while the gateway polls: nothing twice, no number used again, none missing."""

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from line_server import BAUD, room, tcp_line

TIMEOUT_S = 30
NODE = "6e75616e0000000a"
START_S = 1_761_955_200
EVERY_S = 300

# A gateway that kills itself at the n-th call of a method of its writer: before or after it.
DOOMED = """
import asyncio, os, signal, sys
from pathlib import Path
from nuan_gateway import app
from nuan_gateway.ingest.commit import Writer
from nuan_gateway.settings import load_settings

folder, name, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
original = getattr(Writer, name)

def doomed(*arguments):
    global left
    result = original(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(Writer, name, doomed)
asyncio.run(app.run(load_settings(Path(folder) / "gateway.toml")))
"""

SITE = """
format = 1
[site]
id = "t1"
name = "x"
[season]
name = "2025-2026"
start = 2025-11-01
end = 2026-04-01
[tariff]
file = "tariff.toml"
[[node]]
id = "{node}"
kind = "gateway"
config_version = 3
[[node.bus]]
name = "a"
protocol = "modbus"
connect = "tcp://127.0.0.1:{port}"
baud = {baud}
parity = "N"
timeout_ms = 500
"""
METER = """
[[meter]]
serial = "R{slot}"
model = "room_rs485"
node = "{node}"
bus = "a"
slot = {slot}
address = {slot}
every_s = 300
"""
SETTINGS = """
format = 1
data_dir = "data"
site = "site.toml"
keys = "keys.toml"
[mqtt]
port = 0
[clock]
file = "clock"
"""


class Folder:
    """A gateway's folder, its clock, and what its database holds."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        meters = "".join(METER.format(node=NODE, slot=slot) for slot in (2, 3))
        (path / "site.toml").write_text(SITE.format(node=NODE, port=port, baud=BAUD) + meters)
        (path / "gateway.toml").write_text(SETTINGS)
        (path / "keys.toml").write_text(f'"{NODE}" = "{bytes(range(32)).hex()}"\n')
        (path / "clock").write_bytes(b"\0" * 8)
        self.now_s = START_S
        self.jump(START_S)

    def jump(self, now_s: int) -> None:
        self.now_s = now_s
        with (self.path / "clock").open("r+b") as file:
            file.write((now_s * 1000).to_bytes(8, "little"))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(self.path / "data" / "nuan.db")) as database:
            return list(database.execute(sql))

    async def until(self, sql: str, expected: object) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while self.rows(sql) != [(expected,)]:  # noqa: ASYNC110 - another process's database
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def gateway(self, doom: str, calls: int) -> AsyncIterator[asyncio.subprocess.Process]:
        """A gateway process that waits for its meters to be due."""
        ready = self.path / "data" / "gateway.json"
        ready.unlink(missing_ok=True)
        before = self.rows("SELECT count(*) FROM entry")[0][0] if ready.parent.exists() else 0
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DOOMED, str(self.path), doom, str(calls)
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not ready.exists():  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.01)
            await self.until("SELECT count(*) FROM entry", before + 2)
            # The pollers begin to wait right after the journal's first entries.
            await asyncio.sleep(0.2)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


@pytest.mark.parametrize(
    ("method", "call", "kept"),
    [
        # In the transaction of the first turn's second meter: nothing of it is there.
        ("_save", 3, 3),
        # It is committed, and the poller doesn't know yet.
        ("journal", 3, 4),
    ],
)
async def test_killed_while_polling(tmp_path: Path, method: str, call: int, kept: int):
    async with tcp_line(room(2), room(3)) as server:
        folder = Folder(tmp_path, server.port)
        async with folder.gateway(method, call) as process:
            folder.jump(START_S + EVERY_S)
            assert await process.wait() == -signal.SIGKILL
        assert folder.rows("SELECT count(*), max(seq) FROM entry") == [(kept, kept)]
        async with folder.gateway("journal", -1):
            folder.jump(START_S + 2 * EVERY_S)
            await folder.until("SELECT count(*) FROM entry", kept + 4)
    assert folder.rows("SELECT count(DISTINCT epoch), min(seq), max(seq) FROM entry") == [
        (1, 1, kept + 4)
    ]
    assert folder.rows("SELECT cumulative FROM journal") == [(kept + 4,)]
    # Each meter once a turn at most, and once in the turn after the kill.
    read = folder.rows("SELECT time, slot FROM entry WHERE kind = 1 ORDER BY seq")
    assert len(set(read)) == len(read)
    assert read[-2:] == [(START_S + 2 * EVERY_S, 2), (START_S + 2 * EVERY_S, 3)]
