"""A pulled file comes to the same as the messages over MQTT, whether the gateway runs or rests."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nuan_gateway import app
from nuan_gateway.errors import GatewayError
from nuan_gateway.ingest.pull_file import header, record
from nuan_gateway.pulled import ingest_file, is_running
from nuan_gateway.settings import Settings, load_settings
from nuan_gateway.store.engine import DATABASE_NAME
from nuan_protocols.uplink import body, entry

EVIDENCE = (
    "select node, epoch, seq, kind, time, clock, slot, raw, digest from entry order by 2, 3",
    "select node, epoch, cumulative, highest, chain from journal order by 1, 2",
    "select node, epoch, first, last, reason from tombstone order by 1, 2, 3",
    "select point, meter, quantity, value, exponent, status, time from reading order by 7, 3",
)
EXCHANGE = (
    'exchange {"slot":1,"old":"12345678","last":"1234.5 GJ","new":"87654321","first":"0",'
    '"seals":"A1/B2","who":"王丽","read":3,"of":"new"}'
)


def event_body(code: int, text: str) -> bytes:
    buffer = bytearray(256)
    return bytes(buffer[: body.put_event(buffer, 0, code, text)])


def two_epochs(make_journal: Any) -> list[tuple[Any, list[bytes]]]:
    """A journal with reserved and dropped numbers, and the one that a new flash began."""
    first, second = make_journal(), make_journal(epoch=b"epoch--2", nonce=b"nonce--2")
    first.add_rooms(30)
    first.reserve(200)
    first.add_rooms(10)
    first.drop(5, 12)
    first.add(entry.KIND_EVENT, event_body(body.EVENT_CONSOLE, EXCHANGE))
    messages = [first.hello(), first.batch(1, 4), first.batch(13, 30), first.batch(231, 243)]
    second.add_rooms(12)
    return [(first, messages), (second, [second.hello(), second.batch(1, 12)])]


def write_file(path: Path, journals: list[tuple[Any, list[bytes]]]) -> list[bytes]:
    messages = [message for _, sent in journals for message in sent]
    node = bytes.fromhex(journals[0][0].node)
    path.write_bytes(header(node) + b"".join(record(message) for message in messages))
    return messages


def rows(folder: Path, sql: str) -> list[Any]:
    with sqlite3.connect(folder / DATABASE_NAME) as database:
        return database.execute(sql).fetchall()


@pytest.fixture
def settings(site_folder: Path) -> Settings:
    return load_settings(site_folder / "gateway.toml")


@pytest.fixture
def running(settings: Settings) -> Iterator[Settings]:
    """The settings of a gateway that runs in another thread."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    task: list[asyncio.Task[None]] = []

    def serve() -> None:
        asyncio.set_event_loop(loop)
        task.append(loop.create_task(app.run(settings, ready=lambda _port: ready.set())))
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task[0])
        loop.close()

    # Signal handlers belong to the main thread; this gateway is cancelled instead.
    loop.add_signal_handler = lambda *_: None  # type: ignore[method-assign]
    loop.remove_signal_handler = lambda *_: True  # type: ignore[method-assign]
    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(20)
    yield settings
    loop.call_soon_threadsafe(task[0].cancel)
    thread.join()


def test_a_file_comes_to_the_same_as_mqtt(
    settings: Settings, bench: Any, make_journal: Any, tmp_path: Path
) -> None:
    journals = two_epochs(make_journal)
    for journal, messages in journals:
        bench.send(journal, *messages)
    write_file(tmp_path / "node.pull", journals)
    taken = ingest_file(settings, tmp_path / "node.pull")
    assert (taken.batches, taken.known, taken.problems) == (4, 0, [])
    assert taken.new == 4 + 18 + 13 + 12
    for sql in EVIDENCE:
        assert rows(settings.data_dir, sql) == rows(bench.folder, sql), sql


def test_the_same_file_again_changes_nothing(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    write_file(tmp_path / "node.pull", two_epochs(make_journal))
    first = ingest_file(settings, tmp_path / "node.pull")
    before = [rows(settings.data_dir, sql) for sql in EVIDENCE]
    again = ingest_file(settings, tmp_path / "node.pull")
    assert (again.new, again.known) == (0, first.new)
    assert [rows(settings.data_dir, sql) for sql in EVIDENCE] == before
    assert rows(settings.data_dir, "select count(*) from meter_exchange") == [(1,)]


def test_a_damaged_file_says_where_and_gives_the_rest(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "node.pull"
    journals = two_epochs(make_journal)
    messages = write_file(path, journals)
    data = bytearray(path.read_bytes())
    at = data.index(messages[2])
    data[at + 100] ^= 0x10
    # A message that is whole but not the node's: its MAC is wrong.
    forged = record(messages[3][:-1] + bytes([messages[3][-1] ^ 1]))
    path.write_bytes(bytes(data) + forged)
    taken = ingest_file(settings, path)
    assert taken.new == 4 + 13 + 12
    assert [(each.number, each.offset) for each in taken.problems] == [(3, at - 4), (7, len(data))]
    assert "CRC" in taken.problems[0].reason
    assert "MAC" in taken.problems[1].reason


def test_a_journal_that_contradicts_is_refused_and_kept_as_evidence(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    honest, other = make_journal(), make_journal()
    honest.add_rooms(5)
    other.add_rooms(4)
    other.add(entry.KIND_EVENT, event_body(body.EVENT_BOOT, "another past"))
    write_file(tmp_path / "a.pull", [(honest, [honest.batch(1, 5)])])
    write_file(tmp_path / "b.pull", [(other, [other.batch(1, 5)])])
    ingest_file(settings, tmp_path / "a.pull")
    taken = ingest_file(settings, tmp_path / "b.pull")
    assert taken.new == 0
    assert "contradicts" in taken.problems[0].reason
    assert rows(settings.data_dir, "select count(*) from conflict") != [(0,)]


def test_a_strangers_file_is_refused_before_anything(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    stranger = make_journal(node="6e75616e00000099")
    stranger.add_rooms(2)
    write_file(tmp_path / "node.pull", [(stranger, [stranger.batch(1, 2)])])
    with pytest.raises(GatewayError, match="6e75616e00000099 has no key"):
        ingest_file(settings, tmp_path / "node.pull")
    with pytest.raises(GatewayError, match=r"absent\.pull"):
        ingest_file(settings, tmp_path / "absent.pull")
    assert not (settings.data_dir / DATABASE_NAME).exists()


def test_a_running_gateway_takes_the_file_itself(
    running: Settings, make_journal: Any, tmp_path: Path
) -> None:
    assert is_running(running.data_dir)
    write_file(tmp_path / "node.pull", two_epochs(make_journal))
    taken = ingest_file(running, tmp_path / "node.pull")
    assert (taken.new, taken.problems) == (4 + 18 + 13 + 12, [])
    assert ingest_file(running, tmp_path / "node.pull").new == 0
    assert list((running.data_dir / "inbox").iterdir()) == []


def test_rubbish_in_the_inbox_is_put_aside_and_the_gateway_goes_on(
    running: Settings, make_journal: Any, tmp_path: Path
) -> None:
    inbox = running.data_dir / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / "a.pull").write_bytes(b"no journal at all")
    end = time.monotonic() + 10
    while not (inbox / "a.refused").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    journal = make_journal()
    journal.add_rooms(3)
    write_file(tmp_path / "node.pull", [(journal, [journal.batch(1, 3)])])
    assert ingest_file(running, tmp_path / "node.pull").new == 3


def test_an_exchange_becomes_a_row_and_a_message_of_the_feed(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    write_file(tmp_path / "node.pull", two_epochs(make_journal))
    ingest_file(settings, tmp_path / "node.pull")
    row = rows(
        settings.data_dir,
        "select e.seq, x.seq, x.slot, old_serial, old_register, new_serial, new_register, seals,"
        " who, note, read_seq, read_of from meter_exchange x join entry e on e.id = x.entry_id",
    )
    assert row == [
        (243, 243, 1, "12345678", "1234.5 GJ", "87654321", "0", "A1/B2", "王丽", "", 3, "new")
    ]
    [(key, payload)] = rows(
        settings.data_dir, "select key, payload from outbox where kind = 'exchange'"
    )
    said = json.loads(payload)
    assert key == "x-6e75616e00000001-65706f63682d2d31-243"
    assert said["type"] == "exchange"
    assert (said["slot"], said["who"], said["seq"]) == (1, "王丽", 243)


def test_an_exchange_that_cannot_be_read_stays_an_entry(
    settings: Settings, make_journal: Any, tmp_path: Path
) -> None:
    journal = make_journal()
    for text in ("exchange {", "exchange []", 'exchange {"slot":"x"}', "key: wifi_key set"):
        journal.add(entry.KIND_EVENT, event_body(body.EVENT_CONSOLE, text))
    journal.add(entry.KIND_EVENT, b"\x0a\xff\xfe")
    write_file(tmp_path / "node.pull", [(journal, [journal.batch(1, 5)])])
    assert ingest_file(settings, tmp_path / "node.pull").new == 5
    assert rows(settings.data_dir, "select count(*) from meter_exchange") == [(0,)]
