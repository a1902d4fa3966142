"""A gateway node polls: schedule, dead meters, lost lines, and its journal across restarts."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from line_server import BAUD, room, tcp_line

from nuan_gateway.poll.line import PolledLine
from nuan_gateway.poll.plan import plans_of
from nuan_gateway.poll.poller import Poller
from nuan_gateway.poll.run import poll_site
from nuan_gateway.site import load_site
from nuan_protocols.uplink import entry as entries
from nuan_protocols.uplink.entry import HEAD_BYTES
from nuan_protocols.uplink.entry_reader import parse_exchange
from nuan_protocols.uplink.keys import NodeKeys

NODE = "6e75616e0000000a"
KEY = bytes(range(100, 132))
START_S = 1_761_955_200
EVERY_S = 300


def site_text(buses: list[tuple[str, int, list[int]]]) -> str:
    """A site of one gateway node; each bus as (name, port, addresses of its sensors)."""
    head = f"""
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
id = "{NODE}"
kind = "gateway"
config_version = 3
"""
    meters = ""
    for place, (name, port, addresses) in enumerate(buses):
        head += f"""
[[node.bus]]
name = "{name}"
protocol = "modbus"
connect = "tcp://127.0.0.1:{port}"
baud = {BAUD}
parity = "N"
timeout_ms = 60
"""
        for address in addresses:
            slot = 100 * place + address
            meters += f"""
[[meter]]
serial = "R{slot}"
model = "room_rs485"
node = "{NODE}"
bus = "{name}"
slot = {slot}
address = {address}
every_s = {EVERY_S}
[[point]]
id = "room-{slot}"
role = "room_temperature"
meter = "R{slot}"
"""
    return head + meters


class StepClock:
    """Stands still until the test lets it go on to the instant that is waited for."""

    def __init__(self, start_s: int = START_S) -> None:
        self.ms = start_s * 1000
        self.turns = 0
        self.waiting = asyncio.Event()
        self._go = asyncio.Event()

    def now_ms(self) -> int:
        return self.ms

    async def sleep_until_ms(self, instant_ms: int) -> None:
        self.waiting.set()
        await self._go.wait()
        self._go.clear()
        self.ms = max(self.ms, instant_ms)

    async def turn(self) -> None:
        """One turn of the only poller: from its waiting to its waiting again."""
        await self.waiting.wait()
        self.waiting.clear()
        self._go.set()
        await self.waiting.wait()


@pytest.fixture(autouse=True)
def near(monkeypatch):
    """The network is this machine."""
    monkeypatch.setattr("nuan_gateway.poll.transport.NETWORK_EXTRA_S", 0.02)
    monkeypatch.setattr("nuan_gateway.poll.poller.RETRY_MIN_S", 0.02)


@pytest.fixture
def open_bench(tmp_path: Path, make_bench):
    """open_bench(buses): a writer for a site with these buses."""
    opened = []

    def make(buses):
        (tmp_path / "site.toml").write_text(site_text(buses))
        bench = make_bench.__new__(make_bench)
        bench.folder, bench.site = tmp_path, load_site(tmp_path / "site.toml")
        bench.clock = StepClock()
        bench.start({NODE: KEY})
        opened.append(bench)
        return bench

    yield make
    for bench in opened:
        bench.stop()


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def noting(bench):
    """Commits in the writer's one thread."""
    thread = ThreadPoolExecutor(1)

    async def note(node, drafts) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(thread, bench.writer.journal, node, drafts)

    return note


@asynccontextmanager
async def polling(bench, clock: StepClock) -> AsyncIterator[None]:
    """The site's only line is polled by `clock`."""

    (node,) = bench.site.gateway_nodes
    poller = Poller(node, 0, plans_of(bench.site, node, 0), clock, noting(bench))
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rows_of(bench, kind: int = 1) -> list[tuple[int, int, int, int]]:
    """(seq, time, slot, result) of the exchanges."""
    found = bench.rows(f"SELECT seq, time, slot, raw FROM entry WHERE kind = {kind} ORDER BY seq")
    return [(s, t, slot, parse_exchange(raw[HEAD_BYTES:]).result) for s, t, slot, raw in found]


def assert_chained(bench) -> None:
    """Numbers 1..n without a gap, digests and chain as the node's key and epoch make them."""
    ((epoch, cumulative, chain),) = bench.rows("SELECT epoch, cumulative, chain FROM journal")
    keys = NodeKeys(KEY)
    expected = entries.genesis(bytes.fromhex(NODE), bytes.fromhex(epoch))
    stored = bench.rows("SELECT seq, raw, digest, epoch, node FROM entry ORDER BY seq")
    assert [row[0] for row in stored] == list(range(1, cumulative + 1))
    for seq, raw, digest, at, node in stored:
        assert (at, node) == (epoch, NODE)
        assert digest == entries.digest(keys.salt(bytes.fromhex(epoch), seq), raw)
        expected = entries.chain(expected, digest)
    assert expected == chain


async def test_meters_are_read_when_due_in_the_order_of_their_slots(open_bench):
    async with tcp_line(room(2, 201), room(3, 202)) as server:
        bench = open_bench([("a", server.port, [3, 2])])
        async with polling(bench, bench.clock):
            for _ in range(2):
                await bench.clock.turn()
    assert rows_of(bench) == [
        (1, START_S + 300, 2, 0),
        (2, START_S + 300, 3, 0),
        (3, START_S + 600, 2, 0),
        (4, START_S + 600, 3, 0),
    ]
    assert_chained(bench)
    assert bench.rows(
        "SELECT point, meter, value, exponent, time FROM reading WHERE quantity = "
        "'room_temperature' ORDER BY entry_id LIMIT 2"
    ) == [("room-2", "R2", 201, -1, START_S + 300), ("room-3", "R3", 202, -1, START_S + 300)]
    assert bench.rows("SELECT count(*) FROM outbox WHERE kind = 'readings'") == [(4,)]


async def test_dead_meters_are_asked_once_and_then_skip_turns(open_bench):
    async with tcp_line(room(2), room(3, None)) as server:
        bench = open_bench([("a", server.port, [2, 3])])
        async with polling(bench, bench.clock):
            for _ in range(12):
                await bench.clock.turn()
        found = bench.rows("SELECT time, raw FROM entry WHERE slot = 3 ORDER BY seq")
    asked = [
        ((time - START_S) // 300, parse_exchange(raw[HEAD_BYTES:]).tries) for time, raw in found
    ]
    # Silent three times, then skipping 0, 1, 3, 7 turns.
    assert asked == [(1, 3), (2, 3), (3, 3), (4, 1), (6, 1), (10, 1)]
    assert len(bench.rows("SELECT 1 FROM entry WHERE slot = 2")) == 12


async def test_one_dead_line_delays_no_other(open_bench, unused_port):
    """One server is gone, one has only dead meters: the third is read as if they weren't there."""
    async with tcp_line(room(2)) as living, tcp_line() as deaf:
        bench = open_bench(
            [
                ("gone", unused_port, [2, 3, 4]),
                ("deaf", deaf.port, list(range(2, 12))),
                ("good", living.port, [2]),
            ]
        )
        read = asyncio.Event()
        slots: list[int] = []

        note_it = noting(bench)

        async def note(node, drafts) -> None:
            await note_it(node, drafts)
            slots.extend(draft.body[1] << 8 | draft.body[2] for draft in drafts if draft.kind == 1)
            if 202 in slots:
                read.set()

        class Due(StepClock):
            """One turn, which all three lines begin together."""

            async def sleep_until_ms(self, instant_ms: int) -> None:
                if instant_ms > (START_S + 300) * 1000:
                    await asyncio.Event().wait()
                self.turns += 1
                if self.turns == 3:
                    self.waiting.set()
                await self.waiting.wait()
                self.ms = instant_ms

        task = asyncio.create_task(poll_site(bench.site, Due(), note))
        async with asyncio.timeout(1):
            await read.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    # The deaf line has not come further than its second meter: 3 tries of some 100 ms each.
    assert [slot for slot in slots if 100 < slot < 200] in ([], [102])
    events = [raw[28:].decode() for (raw,) in bench.rows("SELECT raw FROM entry WHERE kind = 2")]
    assert events[0].startswith("gateway nuan ")
    assert events[1] == "version 3"
    assert events[2].startswith(f"gone: tcp://127.0.0.1:{unused_port}: connection refused")
    assert_chained(bench)


async def test_a_line_that_comes_back_is_read_late_but_read(open_bench, unused_port):
    bench = open_bench([("a", unused_port, [2])])
    server = tcp_line(room(2))
    server.port = unused_port
    async with polling(bench, bench.clock):
        turn = asyncio.create_task(bench.clock.turn())
        while not bench.rows("SELECT 1 FROM entry WHERE kind = 2"):  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.01)
        await server.start()
        async with asyncio.timeout(5):
            await turn
    await server.close()
    assert rows_of(bench) == [(2, START_S + 300, 2, 0)]
    # One complaint, however often it was tried.
    assert bench.rows("SELECT count(*) FROM entry WHERE kind = 2") == [(1,)]


async def test_a_line_lost_under_the_question_is_asked_again(open_bench):
    async with tcp_line(room(2), room(3)) as server:
        server.hang_up_after = 1
        bench = open_bench([("a", server.port, [2, 3])])
        async with polling(bench, bench.clock):
            await bench.clock.turn()
        assert [row[2:] for row in rows_of(bench)] == [(2, 0), (3, 0)]
        assert server.connections == 2


async def test_a_restart_continues_the_journal(open_bench):
    async with tcp_line(room(2), room(3)) as server:
        bench = open_bench([("a", server.port, [2, 3])])
        for turn in range(3):
            clock = StepClock(START_S + turn * EVERY_S)
            bench.clock.ms = clock.ms
            async with polling(bench, clock):
                await clock.turn()
            bench.stop()
            bench.start({NODE: KEY})
    assert [row[:2] for row in rows_of(bench)] == [
        (1, START_S + 300),
        (2, START_S + 300),
        (3, START_S + 600),
        (4, START_S + 600),
        (5, START_S + 900),
        (6, START_S + 900),
    ]
    assert_chained(bench)


async def test_numbers_of_a_transaction_that_fails_are_free_again(open_bench, monkeypatch):
    async with tcp_line(room(2)) as server:
        bench = open_bench([("a", server.port, [2])])
        save = bench.writer._save
        failing = [True]

        def fail_once(work) -> None:
            save(work)
            if failing.pop() if failing else False:
                raise RuntimeError("power cut")

        monkeypatch.setattr(bench.writer, "_save", fail_once)
        async with polling(bench, bench.clock):
            await bench.clock.waiting.wait()
            bench.clock.waiting.clear()
            bench.clock._go.set()
            await asyncio.sleep(0.3)
        assert bench.rows("SELECT count(*) FROM entry") == [(0,)]
        assert bench.rows("SELECT count(*) FROM own_journal") == [(0,)]
        clock = StepClock(START_S + EVERY_S)
        async with polling(bench, clock):
            await clock.turn()
    assert [row[:2] for row in rows_of(bench)] == [(1, START_S + 600)]
    assert_chained(bench)


async def test_a_fault_of_ours_in_one_meter_costs_no_other_its_turn(open_bench, monkeypatch):
    read = PolledLine.read

    async def fail_at_2(self, plan, tries, keep) -> bool:
        if plan.slot == 2:
            raise IndexError("of ours")
        return await read(self, plan, tries, keep)

    monkeypatch.setattr(PolledLine, "read", fail_at_2)
    async with tcp_line(room(2), room(3)) as server:
        bench = open_bench([("a", server.port, [2, 3])])
        async with polling(bench, bench.clock):
            await bench.clock.turn()
            await bench.clock.turn()
    assert [row[2:] for row in rows_of(bench)] == [(3, 0), (3, 0)]
    faults = [raw for (raw,) in bench.rows("SELECT raw FROM entry WHERE kind <> 1 ORDER BY seq")]
    assert len(faults) == 2
    assert b"a: meter R2: IndexError: of ours" in faults[0]
    assert_chained(bench)
