"""SIGKILL at chosen instants of the gateway's work: nothing is lost, nothing is stored twice."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

TIMEOUT_S = 30

# A gateway that kills itself at the n-th call of one of its own functions: before or after it.
DOOMED = """
import asyncio, os, signal, sys
from pathlib import Path
from nuan_gateway import app
from nuan_gateway.ingest import commit, seal
from nuan_gateway.settings import load_settings

folder, owner, name, when, calls = sys.argv[1:]
owners = {"writer": commit.Writer, "outbox": commit.outbox, "sealer": seal.Sealer}
original = getattr(owners[owner], name)
left = int(calls)

def doomed(*arguments):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owners[owner], name, doomed)
asyncio.run(app.run(load_settings(Path(folder) / "gateway.toml")))
"""


@asynccontextmanager
async def gateway(folder: Path, *doom: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A gateway process, doomed or ordinary, ready when the body starts."""
    (folder / "data" / "gateway.json").unlink(missing_ok=True)
    ordinary = ("writer", "process", "before", "0")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DOOMED, str(folder), *(doom or ordinary)
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            ready = folder / "data" / "gateway.json"
            while not ready.exists() and process.returncode is None:  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.01)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def send_until_answered(folder: Path, journal, batch: bytes) -> int:
    """What a node does: send, wait a while, send again; the cumulative number of the answer."""
    port = json.loads((folder / "data" / "gateway.json").read_text())["port"]
    async with aiomqtt.Client("127.0.0.1", port, identifier=f"nuan-{journal.node}") as client:
        await client.subscribe(f"nuan/v1/{journal.node}/down", qos=1)
        await client.publish(journal.up_topic, batch, qos=1)
        async with asyncio.timeout(TIMEOUT_S):
            message = await anext(client.messages)
        return journal.ack(message.payload).cumulative


@pytest.mark.parametrize(
    ("doom", "died_with"),
    [
        # In the transaction: rows inserted, journal not yet saved.
        (("outbox", "put", "after", "3"), 20),
        # In the transaction: everything written, nothing committed.
        (("writer", "_save", "after", "3"), 20),
        # Committed, and the answer not yet on its way.
        (("writer", "process", "after", "3"), 30),
        # Between two nodes' worth of work: nothing begun.
        (("writer", "process", "before", "3"), 20),
    ],
)
async def test_killed_in_the_middle(site_folder, journal, doom, died_with):
    journal.add_rooms(40)
    batches = [journal.batch(first, first + 9) for first in range(1, 40, 10)]
    async with gateway(site_folder, *doom) as process:
        assert await send_until_answered(site_folder, journal, batches[0]) == 10
        assert await send_until_answered(site_folder, journal, batches[1]) == 20
        with contextlib.suppress(aiomqtt.MqttError):
            await send_until_answered(site_folder, journal, batches[2])
        assert await process.wait() == -signal.SIGKILL
    assert rows(site_folder, "SELECT count(*) FROM entry") == [(died_with,)]
    async with gateway(site_folder):
        assert await send_until_answered(site_folder, journal, batches[2]) == 30
        assert await send_until_answered(site_folder, journal, batches[3]) == 40
    assert rows(site_folder, "SELECT seq, raw FROM entry ORDER BY seq") == sorted(
        journal.entries.items()
    )
    assert rows(site_folder, "SELECT count(*), count(DISTINCT entry_id) FROM reading") == [(80, 40)]
    told = rows(site_folder, "SELECT payload FROM outbox ORDER BY id")
    seqs = [item["seq"] for (text,) in told for item in json.loads(text)["readings"]]
    assert sorted(seqs) == sorted([*range(1, 41)] * 2)


async def test_killed_while_sealing(site_folder, journal):
    """The root and the message about it appear together or not at all, and only once."""
    clock = site_folder / "clock"
    settings = site_folder / "gateway.toml"
    settings.write_text(settings.read_text() + '[clock]\nfile = "clock"\n')
    clock.write_bytes((1_761_955_200_000).to_bytes(8, "little"))
    journal.add_rooms(10)
    async with gateway(site_folder):
        await send_until_answered(site_folder, journal, journal.batch(1, 10))
    clock.write_bytes((1_761_955_200_000 + 86_400_000).to_bytes(8, "little"))
    async with gateway(site_folder, "sealer", "_seal", "after", "1") as process:
        assert await process.wait() == -signal.SIGKILL
    assert rows(site_folder, "SELECT count(*) FROM root") == [(0,)]
    async with gateway(site_folder):
        assert await send_until_answered(site_folder, journal, journal.batch(1, 10)) == 10
    assert rows(site_folder, "SELECT day, leaf_count FROM root") == [("2025-11-01", 10)]
    assert rows(site_folder, "SELECT count(*) FROM outbox WHERE kind = 'root'") == [(1,)]


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "data" / "nuan.db")) as database:
        return list(database.execute(sql))
