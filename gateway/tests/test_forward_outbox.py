"""The outbox reaches the receiver: in order, signed, at least once, whatever the receiver does."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from nuan_gateway.evidence.signing import Signer, open_signer, signature_holds
from nuan_gateway.forward.http import Courier, Outcome, read_answer, request_body
from nuan_gateway.forward.outbox import BATCH_BYTES_MAX, BATCH_MESSAGES_MAX, Forwarder
from nuan_gateway.settings import ForwardSettings
from nuan_gateway.store import outbox
from nuan_gateway.store.engine import begin_write, open_database

START_MS = 1_761_955_200_000


class HandClock:
    """A clock that the test sets by hand."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    async def sleep_until_ms(self, instant_ms: int) -> None:
        self.ms = max(self.ms, instant_ms)


Behaviour = Callable[[list[dict[str, Any]]], tuple[int, dict[str, Any]]]


def accept_all(messages: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    return 200, {"accepted": [message["key"] for message in messages]}


@dataclass
class Receiver:
    """A receiver on a real socket that answers as `behaviour` says."""

    behaviour: Behaviour = accept_all
    requests: list[list[str]] = field(default_factory=list[list[str]])
    taken: list[str] = field(default_factory=list[str])
    bodies: list[bytes] = field(default_factory=list[bytes])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    answer_headers: str = ""
    answers_late: bool = False
    url: str = ""
    client: httpx.AsyncClient = field(init=False)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head.decode(), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        request, *lines = head.strip().split("\r\n")
        assert request == "POST /v1/messages HTTP/1.1"
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        messages = json.loads(body)["messages"]
        status, answer = self.behaviour(messages)
        self.bodies.append(body)
        self.headers.append(headers)
        self.requests.append([message["key"] for message in messages])
        self.taken += answer.get("accepted", [])
        self.asked.set()
        if self.answers_late:
            await asyncio.sleep(5)
        content = json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\n{self.answer_headers}"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        await writer.drain()


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with httpx.AsyncClient(timeout=5) as receiver.client:
            yield receiver
    finally:
        server.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_database(tmp_path / "nuan.db")
    yield found
    found.dispose()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return open_signer(tmp_path)


def put(engine: Engine, *keys: str, payload: str = '{"v":1}', now_ms: int = START_MS) -> None:
    with begin_write(engine) as connection:
        outbox.put(connection, [(key, "readings", payload) for key in keys], now_ms)


def backlog(engine: Engine) -> outbox.Backlog:
    with engine.connect() as connection:
        return outbox.backlog(connection)


async def drain(forwarder: Forwarder, receiver: Receiver, signer: Signer, steps: int = 50) -> None:
    courier = Courier(receiver.client, receiver.url, signer)
    while steps and await forwarder.step(courier):
        steps -= 1


def make(engine: Engine, signer: Signer, clock: HandClock | None = None) -> Forwarder:
    return Forwarder(engine, clock or HandClock(), ForwardSettings(url="http://x.invalid"), signer)


async def test_the_backlog_is_delivered_in_order(engine: Engine, signer: Signer) -> None:
    keys = [f"k-{number}" for number in range(250)]
    put(engine, *keys)
    async with listening(Receiver()) as receiver:
        await drain(make(engine, signer), receiver, signer)
    assert receiver.taken == keys
    assert [len(request) for request in receiver.requests] == [BATCH_MESSAGES_MAX] * 2 + [50]
    assert backlog(engine) == outbox.Backlog(0, 0, 250)


async def test_every_request_is_signed_over_its_raw_body(engine: Engine, signer: Signer) -> None:
    put(engine, "k", payload='{"名":"暖","n":[1,2]}')
    async with listening(Receiver()) as receiver:
        await drain(make(engine, signer), receiver, signer)
    assert receiver.bodies == [
        '{"messages":[{"key":"k","kind":"readings","payload":{"名":"暖","n":[1,2]}}]}'.encode()
    ]
    headers = receiver.headers[0]
    assert headers["nuan-key-id"] == signer.key_id
    algorithm, _, text = headers["nuan-signature"].partition("=")
    assert algorithm == "ed25519"
    assert signature_holds(signer.public, base64.b64decode(text), receiver.bodies[0])


async def test_only_what_is_named_counts_as_delivered(engine: Engine, signer: Signer) -> None:
    put(engine, "a", "b", "c")
    clock = HandClock()
    forwarder = make(engine, signer, clock)
    async with listening(Receiver(lambda _: (200, {"accepted": ["b", "stranger"]}))) as receiver:
        await drain(forwarder, receiver, signer)
        assert backlog(engine) == outbox.Backlog(2, 0, 1)
        receiver.behaviour = accept_all
        await drain(forwarder, receiver, signer)
        assert len(receiver.requests) == 1  # each waits out its pause first
        clock.ms += 10_000
        await drain(forwarder, receiver, signer)
    assert sorted(receiver.requests[1]) == ["a", "c"]
    assert backlog(engine) == outbox.Backlog(0, 0, 3)


async def test_a_refused_message_is_parked_and_blocks_no_other(
    engine: Engine, signer: Signer
) -> None:
    keys = [f"k-{number}" for number in range(20)]
    put(engine, *keys)

    def refuse_poison(messages: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        poisoned = any(message["key"] in {"k-3", "k-17"} for message in messages)
        return (422, {"error": "bad"}) if poisoned else accept_all(messages)

    async with listening(Receiver(refuse_poison)) as receiver:
        await drain(make(engine, signer), receiver, signer)
        assert receiver.taken == [key for key in keys if key not in {"k-3", "k-17"}]
        assert backlog(engine) == outbox.Backlog(0, 2, 18)
        receiver.behaviour = accept_all
        await drain(make(engine, signer), receiver, signer)
        assert backlog(engine).parked == 2
        with begin_write(engine) as connection:
            assert outbox.release_parked(connection, START_MS) == 2
        await drain(make(engine, signer), receiver, signer)
    assert receiver.taken[-2:] == ["k-3", "k-17"]
    assert backlog(engine) == outbox.Backlog(0, 0, 20)


async def test_a_rejection_by_name_parks(engine: Engine, signer: Signer) -> None:
    put(engine, "a", "b")
    answer = {"accepted": ["a"], "rejected": [{"key": "b", "reason": "unknown unit"}]}
    async with listening(Receiver(lambda _: (200, answer))) as receiver:
        await drain(make(engine, signer), receiver, signer)
    assert backlog(engine) == outbox.Backlog(0, 1, 1)


@pytest.mark.parametrize("status", [500, 503, 401, 404, 429, 302])
async def test_a_failing_receiver_is_left_alone_for_a_growing_while(
    engine: Engine, signer: Signer, status: int
) -> None:
    put(engine, "a", "b")
    clock = HandClock()
    forwarder = make(engine, signer, clock)
    pauses: list[int] = []
    async with listening(Receiver(lambda _: (status, {}))) as receiver:
        for attempt in range(1, 12):
            await drain(forwarder, receiver, signer)
            assert len(receiver.requests) == attempt
            before = clock.ms
            while len(receiver.requests) == attempt:
                clock.ms += 500
                await drain(forwarder, receiver, signer)
            pauses.append(clock.ms - before)
            clock.ms -= 500
        receiver.behaviour = accept_all
        clock.ms += 900_000
        await drain(forwarder, receiver, signer)
    assert pauses[0] <= 5_500
    assert 450_000 <= pauses[-1] <= 900_500
    assert receiver.taken == ["a", "b"]
    assert backlog(engine).parked == 0


async def test_retry_after_is_honoured(engine: Engine, signer: Signer) -> None:
    put(engine, "a")
    clock = HandClock()
    forwarder = make(engine, signer, clock)
    async with listening(Receiver(lambda _: (503, {}))) as receiver:
        receiver.answer_headers = "Retry-After: 120\r\n"
        await drain(forwarder, receiver, signer)
        clock.ms += 119_000
        await drain(forwarder, receiver, signer)
        assert len(receiver.requests) == 1
        clock.ms += 1_000
        await drain(forwarder, receiver, signer)
        assert len(receiver.requests) == 2


async def test_nobody_listening_loses_nothing(engine: Engine, signer: Signer) -> None:
    put(engine, "a")
    clock = HandClock()
    forwarder = make(engine, signer, clock)
    async with listening(Receiver()) as gone:
        gone.url = "http://127.0.0.1:9"
        await drain(forwarder, gone, signer)
    assert backlog(engine) == outbox.Backlog(1, 0, 0)
    clock.ms += 10_000
    async with listening(Receiver()) as receiver:
        await drain(forwarder, receiver, signer)
    assert receiver.taken == ["a"]


async def test_a_month_of_random_failures_ends_with_every_message(
    engine: Engine, signer: Signer
) -> None:
    keys = [f"k-{number}" for number in range(300)]
    put(engine, *keys)
    clock = HandClock()
    forwarder = make(engine, signer, clock)
    calls = 0

    def flaky(messages: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            return 500, {}
        if calls % 3 == 1:
            return 200, {"accepted": [message["key"] for message in messages[::2]]}
        return accept_all(messages)

    async with listening(Receiver(flaky)) as receiver:
        for _ in range(200):
            await drain(forwarder, receiver, signer)
            clock.ms += 60_000
    assert backlog(engine) == outbox.Backlog(0, 0, 300)
    assert set(receiver.taken) == set(keys)


async def test_requests_are_bounded_in_bytes(engine: Engine, signer: Signer) -> None:
    third = json.dumps({"pad": "暖" * (BATCH_BYTES_MAX // 9)}, ensure_ascii=False)
    giant = json.dumps({"pad": "x" * (2 * BATCH_BYTES_MAX)})
    put(engine, "a", "b", "c", payload=third)
    put(engine, "d", payload=giant)
    async with listening(Receiver()) as receiver:
        await drain(make(engine, signer), receiver, signer)
    assert receiver.requests == [["a", "b"], ["c"], ["d"]]


async def test_the_task_runs_until_it_is_cancelled(engine: Engine, signer: Signer) -> None:
    async with listening(Receiver()) as receiver:
        settings = ForwardSettings(url=receiver.url)
        task = asyncio.create_task(Forwarder(engine, HandClock(), settings, signer).run())
        put(engine, "a")
        await receiver.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert receiver.taken == ["a"]


async def test_a_stop_before_the_answer_sends_the_same_key_again(
    engine: Engine, signer: Signer
) -> None:
    put(engine, "a")
    async with listening(Receiver()) as receiver:
        receiver.answers_late = True
        settings = ForwardSettings(url=receiver.url)
        task = asyncio.create_task(Forwarder(engine, HandClock(), settings, signer).run())
        await receiver.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert backlog(engine) == outbox.Backlog(1, 0, 0)
        receiver.answers_late = False
        await drain(make(engine, signer), receiver, signer)
    assert receiver.taken == ["a", "a"]
    assert backlog(engine) == outbox.Backlog(0, 0, 1)


async def test_an_address_that_is_none_is_a_receiver_that_is_down(
    engine: Engine, signer: Signer
) -> None:
    put(engine, "a")
    async with listening(Receiver()) as receiver:
        receiver.url = "http://[bad"
        await drain(make(engine, signer), receiver, signer)
    assert backlog(engine) == outbox.Backlog(1, 0, 0)


async def test_without_a_url_there_is_nothing_to_run(engine: Engine, signer: Signer) -> None:
    await Forwarder(engine, HandClock(), ForwardSettings(), signer).run()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"accepted":"a"}', b'{"accepted":[1]}', b"<html>", b'{"ok":true}', b"\xff"],
)
def test_an_answer_off_the_contract_delivers_nothing(content: bytes) -> None:
    outcome = read_answer(200, httpx.Headers(), content)
    assert not outcome.accepted
    assert "isn't the contract's" in outcome.endpoint_down


def test_a_huge_answer_is_refused() -> None:
    content = json.dumps({"accepted": ["x" * 1_000_001]}).encode()
    assert not read_answer(200, httpx.Headers(), content).accepted


def test_an_answer_may_say_more_than_we_know() -> None:
    content = b'{"accepted":["a"],"rejected":[{"key":"b"}],"server":"x"}'
    assert read_answer(200, httpx.Headers(), content) == Outcome(
        accepted=frozenset({"a"}), rejected={"b": "no reason given"}
    )


def test_an_empty_batch_is_a_valid_body() -> None:
    assert json.loads(request_body([])) == {"messages": []}
