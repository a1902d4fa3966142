"""The whole gateway against real brokers: embedded amqtt, and Mosquitto."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import create_engine, text

from nuan_gateway.app import run
from nuan_gateway.errors import GatewayError
from nuan_gateway.ingest.commit import Writer
from nuan_gateway.settings import load_settings

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
TIMEOUT_S = 20

GATEWAY_NODE = """
[[node]]
id = "6e75616e000000f1"
kind = "gateway"
config_version = 1
[[node.bus]]
name = "a"
protocol = "modbus"
connect = "modbus-tcp://127.0.0.1:1"
timeout_ms = 500
[[meter]]
serial = "E2"
model = "dtsu666"
node = "6e75616e000000f1"
bus = "a"
slot = 1
address = 3
every_s = 900
[[point]]
id = "water"
role = "water"
meter = "E2"
"""

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[int]:
    """A gateway on the folder's settings, stopped at the end; yields the broker's port."""
    ready: asyncio.Queue[int] = asyncio.Queue()
    task = asyncio.create_task(run(load_settings(folder / "gateway.toml"), ready=ready.put_nowait))
    try:
        getter = asyncio.create_task(ready.get())
        await asyncio.wait((task, getter), timeout=TIMEOUT_S, return_when="FIRST_COMPLETED")
        if task.done():
            getter.cancel()
            task.result()
        yield getter.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, GatewayError):
            await task


@asynccontextmanager
async def mosquitto(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Mosquitto that keeps what it has acknowledged."""
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nautosave_interval 1\nset_tcp_nodelay true\n"
        "max_queued_messages 0\nuser root\n"
    )
    assert MOSQUITTO is not None
    process = await asyncio.create_subprocess_exec(
        MOSQUITTO, "-c", str(config), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def use_external_broker(folder: Path, port: int) -> None:
    settings = folder / "gateway.toml"
    settings.write_text(
        settings.read_text().replace("port = 0", f"embedded = false\nport = {port}")
    )


@asynccontextmanager
async def node_client(port: int, journal) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier=f"nuan-{journal.node}", clean_session=True
    ) as client:
        await client.subscribe(f"nuan/v1/{journal.node}/down", qos=1)
        yield client


async def exchange(client: aiomqtt.Client, journal, *messages: bytes, owed: int = 0):
    """Publish the messages, and wait for as many answers and those owed from before."""
    for message in messages:
        await client.publish(journal.up_topic, message, qos=1)
    acks = []
    async with asyncio.timeout(TIMEOUT_S):
        async for message in client.messages:
            assert message.qos == 0  # docs/wire.md, "MQTT"
            acks.append(journal.ack(message.payload))
            if len(acks) == len(messages) + owed:
                break
    return acks


def committed(folder: Path) -> list[int]:
    engine = create_engine(f"sqlite:///{folder / 'data' / 'nuan.db'}")
    with engine.connect() as connection:
        found = list(connection.scalars(text("SELECT seq FROM entry ORDER BY seq")))
    engine.dispose()
    return found


async def test_hello_and_batches_through_the_embedded_broker(site_folder, journal):
    journal.add_rooms(40)
    async with gateway(site_folder) as port, node_client(port, journal) as client:
        said = json.loads((site_folder / "data" / "gateway.json").read_text())
        assert said == {"port": port, "pid": os.getpid()}
        (ack,) = await exchange(client, journal, journal.hello())
        assert ack.answers_hello
        batches = [journal.batch(first, first + 9) for first in range(1, 40, 10)]
        acks = await exchange(client, journal, *batches)
        assert [ack.cumulative for ack in acks] == [10, 20, 30, 40]
    assert committed(site_folder) == list(range(1, 41))
    assert not (site_folder / "data" / "gateway.json").exists()


async def test_unauthentic_messages_get_no_answer_and_harm_nothing(site_folder, journal):
    journal.add_rooms(2)
    async with gateway(site_folder) as port, node_client(port, journal) as client:
        await client.publish(journal.up_topic, b"\x00" * 30_000, qos=1)
        await client.publish(journal.up_topic, b"", qos=1)
        await client.publish("nuan/v1/x/up", journal.batch(1, 2), qos=1)
        (ack,) = await exchange(client, journal, journal.batch(1, 2))
        assert ack.cumulative == 2


async def test_a_gateway_that_comes_back_goes_on_where_it_was(site_folder, journal):
    journal.add_rooms(30)
    for first in (1, 11, 21):
        async with gateway(site_folder) as port, node_client(port, journal) as client:
            acks = await exchange(
                client, journal, journal.hello(), journal.batch(max(1, first - 5), first + 9)
            )
            assert [ack.cumulative for ack in acks] == [first - 1, first + 9]
    assert committed(site_folder) == list(range(1, 31))


async def test_a_flood_beyond_the_queue_costs_no_entry_and_no_memory(
    site_folder, journal, caplog, monkeypatch
):
    """A node that ignores its credit: what the queue can't hold is dropped, and sent again."""
    settings = site_folder / "gateway.toml"
    settings.write_text(settings.read_text() + "[ingest]\ncredit_total = 2\n")
    process = Writer.process
    taken: list[int] = []

    def slow(writer: Writer, messages):
        taken.append(len(messages))
        time.sleep(0.05)
        return process(writer, messages)

    monkeypatch.setattr(Writer, "process", slow)
    journal.add_rooms(100)
    wanted = {seq: journal.batch(seq, seq) for seq in range(1, 101)}
    async with gateway(site_folder) as port, node_client(port, journal) as client:
        for batch in wanted.values():
            await client.publish(journal.up_topic, batch, qos=0)
        cumulative = 0
        async with asyncio.timeout(TIMEOUT_S):
            while cumulative < 100:
                (ack,) = await exchange(client, journal, journal.batch(cumulative + 1, 100))
                cumulative = max(cumulative, ack.cumulative)
    assert committed(site_folder) == list(range(1, 101))
    # The queue holds twice the credit of 2, whatever was sent.
    assert max(taken) <= 1 + 2 * 2
    assert "queue is full" in caplog.text


async def test_one_message_that_breaks_the_writer_does_not_stop_the_others(
    site_folder, journal, make_journal, monkeypatch
):
    other = make_journal(epoch=b"epoch--2")
    journal.add_rooms(6)
    other.add_rooms(6)
    take = Writer._take

    def picky(writer: Writer, work, key, batch):
        if key[1] == other.epoch.hex() and batch.entries[0].seq == 3:
            raise AssertionError("a bug that this batch meets")
        take(writer, work, key, batch)

    monkeypatch.setattr(Writer, "_take", picky)
    async with gateway(site_folder) as port, node_client(port, journal) as client:
        for first in (1, 3, 5):
            await client.publish(other.up_topic, other.batch(first, first + 1), qos=0)
        acks = await exchange(
            client, journal, *(journal.batch(first, first + 1) for first in (1, 3, 5)), owed=2
        )
        assert sorted(ack.cumulative for ack in acks) == [2, 2, 2, 4, 6]
    assert committed(site_folder) == [1, 1, 2, 2, 3, 4, 5, 5, 6, 6]


async def test_a_password_file_keeps_strangers_out(site_folder, journal):
    hashed = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64),)).hash("secret")
    (site_folder / "passwords").write_text(f"node:{hashed}\n")
    settings = site_folder / "gateway.toml"
    settings.write_text(settings.read_text() + 'password_file = "passwords"\n')
    journal.add_rooms(1)
    async with gateway(site_folder) as port:
        for name, password in ((None, None), ("node", "wrong")):
            client = aiomqtt.Client("127.0.0.1", port, username=name, password=password)
            with pytest.raises(aiomqtt.MqttError):
                await client.__aenter__()
        async with aiomqtt.Client(
            "127.0.0.1", port, username="node", password="secret", identifier=f"nuan-{journal.node}"
        ) as client:
            await client.subscribe(f"nuan/v1/{journal.node}/down", qos=1)
            (ack,) = await exchange(client, journal, journal.batch(1, 1))
            assert ack.cumulative == 1


@pytest.mark.parametrize(
    ("user", "client", "own"),
    [
        ("6e75616e00000001", "nuan-6e75616e00000001", True),
        ("6e75616e00000001", "nuan-6e75616e00000002", False),
        ("shared", "nuan-6e75616e00000001", True),
        ("shared", "nuan-6e75616e00000002", False),
        ("shared", "somebody", False),
    ],
)
async def test_with_passwords_a_client_has_the_topics_of_its_node_alone(
    site_folder, journal, user, client, own
):
    hashed = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64),)).hash("secret")
    (site_folder / "passwords").write_text(f"{user}:{hashed}\n")
    settings = site_folder / "gateway.toml"
    settings.write_text(settings.read_text() + 'password_file = "passwords"\n')
    journal.add_rooms(1)
    async with (
        gateway(site_folder) as port,
        aiomqtt.Client(
            "127.0.0.1", port, username=user, password="secret", identifier=client, timeout=5
        ) as connected,
    ):
        for topic in ("#", "nuan/v1/+/down", "nuan/v1/+/up", journal.up_topic):
            (answer,) = await connected.subscribe(topic, qos=1)
            assert answer.is_failure
        (answer,) = await connected.subscribe(f"nuan/v1/{journal.node}/down", qos=1)
        assert answer.is_failure != own
        await connected.publish(journal.up_topic, journal.batch(1, 1), qos=1)
        if own:
            async with asyncio.timeout(TIMEOUT_S):
                assert journal.ack((await anext(connected.messages)).payload).cumulative == 1
    assert committed(site_folder) == ([1] if own else [])


async def test_a_broker_open_to_the_network_needs_passwords(site_folder):
    settings = site_folder / "gateway.toml"
    settings.write_text(settings.read_text() + 'host = "0.0.0.0"\n')
    with pytest.raises(GatewayError, match=r"0\.0\.0\.0 is open to the network: name a password"):
        await run(load_settings(settings))
    settings.write_text(settings.read_text() + 'password_file = "nowhere"\n')
    with pytest.raises(GatewayError, match=r"nowhere: No such file"):
        await run(load_settings(settings))


async def test_a_board_without_a_key_stops_nobody_and_may_come_later(site_folder, journal, caplog):
    keys = site_folder / "keys.toml"
    line = keys.read_text()
    keys.write_text("")
    journal.add_rooms(1)
    async with gateway(site_folder) as port, node_client(port, journal) as client:
        (warning,) = [each.getMessage() for each in caplog.records if "no key" in each.getMessage()]
        assert warning.startswith(f"{keys}: node {journal.node} of the site has no key yet")
        keys.write_text(line)
        (ack,) = await exchange(client, journal, journal.batch(1, 1))
        assert ack.cumulative == 1


async def test_lines_of_the_gateway_without_a_key_are_told_before_anything_is_made(site_folder):
    site = site_folder / "site.toml"
    (site_folder / "keys.toml").write_text("")
    site.write_text(site.read_text() + GATEWAY_NODE)
    with pytest.raises(GatewayError, match="node 6e75616e000000f1 of the site has no key") as told:
        await run(load_settings(site_folder / "gateway.toml"))
    assert 'add its line, "6e75616e000000f1" = "the 64 hex digits' in str(told.value)
    assert "6e75616e00000001" not in str(told.value)
    assert not (site_folder / "data").exists()


@needs_mosquitto
async def test_through_mosquitto_with_a_gateway_away_for_a_while(site_folder, journal):
    port = free_port()
    use_external_broker(site_folder, port)
    journal.add_rooms(30)
    async with mosquitto(site_folder, port):
        async with gateway(site_folder), node_client(port, journal) as client:
            (ack,) = await exchange(client, journal, journal.batch(1, 10))
            assert ack.cumulative == 10
        async with node_client(port, journal) as client:
            # Nobody answers; the broker keeps the message for the gateway's session.
            await client.publish(journal.up_topic, journal.batch(11, 20), qos=1)
            async with gateway(site_folder):
                acks = await exchange(client, journal, journal.batch(21, 30), owed=1)
                assert [ack.cumulative for ack in acks] == [20, 30]
    assert committed(site_folder) == list(range(1, 31))


@needs_mosquitto
async def test_the_gateway_waits_for_a_broker_that_is_away(site_folder, journal):
    port = free_port()
    use_external_broker(site_folder, port)
    journal.add_rooms(20)
    async with mosquitto(site_folder, port) as first, gateway(site_folder):
        async with node_client(port, journal) as client:
            await exchange(client, journal, journal.batch(1, 10))
        first.kill()
        await first.wait()
        await asyncio.sleep(0.3)
        async with mosquitto(site_folder, port), node_client(port, journal) as client:
            # A batch that comes before the gateway is back is sent again, as a node would.
            ack = None
            while ack is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        (ack,) = await exchange(client, journal, journal.batch(11, 20))
            assert ack.cumulative == 20
    assert committed(site_folder) == list(range(1, 21))


async def test_a_broker_that_refuses_the_subscription_is_told(site_folder, caplog):
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Just enough of MQTT 3.1.1: CONNACK, then SUBACK with the failure code."""
        await reader.readexactly(1)
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x20\x02\x00\x00")
        assert (await reader.readexactly(1)) == b"\x82"
        body = await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x90\x03" + body[:2] + b"\x80")
        await reader.read()
        writer.close()

    said = "refuses nuan/v1/+/up; give 'anonymous' the right to read it"
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        use_external_broker(site_folder, server.sockets[0].getsockname()[1])
        task = asyncio.create_task(run(load_settings(site_folder / "gateway.toml")))
        async with asyncio.timeout(TIMEOUT_S):
            while said not in caplog.text:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_port_in_use_is_one_clear_line(site_folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = site_folder / "gateway.toml"
        settings.write_text(settings.read_text().replace("port = 0", f"port = {port}"))
        with pytest.raises(GatewayError, match=rf"127\.0\.0\.1:{port}: .*in use") as caught:
            async with gateway(site_folder):
                pass
        assert "\n" not in str(caught.value)


async def test_a_second_gateway_on_the_folder_is_refused(site_folder):
    async with gateway(site_folder):
        with pytest.raises(GatewayError, match="another gateway runs on this folder"):
            await run(load_settings(site_folder / "gateway.toml"))


async def test_a_folder_that_cannot_be_made_is_one_clear_line(site_folder):
    (site_folder / "data").write_text("a file is in the way")
    with pytest.raises(GatewayError, match=r"data: .*folder the gateway may write to"):
        await run(load_settings(site_folder / "gateway.toml"))
