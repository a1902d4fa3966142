"""The gateway's place at the broker: takes uplink messages, and publishes an answer to each.

While the writer's thread is busy with one transaction, messages gather in the client's queue; the
next transaction takes all of them. So a lone message waits for nobody, and a flood is committed in
large groups. The queue is bounded: what exceeds it is dropped, and sent again by its node.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from aiomqtt import Client, Message, MqttError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from nuan_gateway.clock import Clock
from nuan_gateway.ingest.commit import Answer, Writer
from nuan_gateway.ingest.messages import TOPIC_UP
from nuan_gateway.ingest.seal import day_end_ms
from nuan_gateway.settings import MqttSettings

# A HELLO needs no credit, so the queue is larger than the credit that all nodes share.
QUEUE_PER_CREDIT = 2
# What one transaction takes: its decoded rows need some thirty times as much memory.
GROUP_BYTES_MAX = 512 * 1024
IN_FLIGHT_MAX = 1024
KEEPALIVE_S = 60
RECONNECT_MIN_S = 0.2
RECONNECT_MAX_S = 30.0
RETRY_WRITE_S = 5.0

log = logging.getLogger(__name__)


class _OnceAMinute(logging.Filter):
    """Lets a warning through once a minute: a flood must not fill the log as well."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        if record.created < self._next.get(record.msg, 0):
            return False
        self._next[record.msg] = record.created + 60
        return True


mqtt_log = logging.getLogger(f"{__name__}.mqtt")
mqtt_log.setLevel(logging.WARNING)
mqtt_log.addFilter(_OnceAMinute())


class Ingest:
    """Connects, reconnects, and feeds the writer; stopped by cancelling run()."""

    def __init__(
        self, settings: MqttSettings, port: int, writer: Writer, clock: Clock, credit_total: int
    ) -> None:
        self._settings = settings
        self._port = port
        self._writer = writer
        self._clock = clock
        self._queue_max = QUEUE_PER_CREDIT * credit_total
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")

    async def run(self, subscribed: Callable[[], None]) -> None:
        """Serve until cancelled; `subscribed` is called each time the subscription stands."""
        sealing = asyncio.create_task(self._seal_at_day_ends())
        try:
            await self._stay_connected(subscribed)
        finally:
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)
            # Lets a transaction that has begun come to its end.
            await asyncio.to_thread(self._thread.shutdown)

    async def _stay_connected(self, subscribed: Callable[[], None]) -> None:
        pause_s = RECONNECT_MIN_S
        while True:
            try:
                async with self._client() as client:
                    await client.subscribe(TOPIC_UP, qos=1)
                    pause_s = RECONNECT_MIN_S
                    subscribed()
                    await self._serve(client)
            except MqttError as error:
                log.warning("broker: %s; again in %.1f s", error, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RECONNECT_MAX_S)

    def _client(self) -> Client:
        settings = self._settings
        client = Client(
            settings.host,
            self._port,
            username=settings.user or None,
            password=settings.password or None,
            identifier=settings.client_id,
            # The embedded broker keeps nothing over a restart, and lives no longer than this.
            clean_session=settings.embedded,
            keepalive=KEEPALIVE_S,
            logger=mqtt_log,
            max_queued_incoming_messages=self._queue_max,
            max_inflight_messages=IN_FLIGHT_MAX,
            # Without it an answer waits for a delayed acknowledgement of TCP: 40 ms each.
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        client.pending_calls_threshold = IN_FLIGHT_MAX
        return client

    async def _serve(self, client: Client) -> None:
        while True:
            group = await _take(client)
            answers = await self._commit(group)
            # QoS 0: a node sends again what no answer came for, and a handshake for each answer
            # would make every transaction wait for the broker.
            for topic, payload in answers:
                await client.publish(topic, payload, qos=0)

    async def _commit(self, group: Sequence[Message]) -> list[Answer]:
        messages = [(message.topic.value, message.payload) for message in group]
        try:
            return await self._process(messages)
        except OperationalError:
            # Disk full, database locked. No answer: nodes keep their entries and send them again.
            log.exception("database: %d messages not committed", len(messages))
            await asyncio.sleep(RETRY_WRITE_S)
            return []
        except Exception:  # one node's message must not stop the others'
            log.exception("%d messages not committed together; one by one", len(messages))
        answers: list[Answer] = []
        for message in messages:
            try:
                answers += await self._process([message])
            except Exception:  # as above
                log.exception("%s: not committed: %s", message[0], message[1].hex())
        return answers

    async def _process(self, messages: list[tuple[str, bytes]]) -> list[Answer]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._writer.process, messages)

    async def _seal_at_day_ends(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                days = await loop.run_in_executor(self._thread, self._writer.seal)
                for day in days:
                    log.info("sealed %s", day)
            except SQLAlchemyError:
                log.exception("database: days not sealed")
                await asyncio.sleep(RETRY_WRITE_S)
                continue
            await self._clock.sleep_until_ms(day_end_ms(self._clock.now_ms()))


async def _take(client: Client) -> list[Message]:
    """All messages that wait now, at least one, within GROUP_BYTES_MAX."""
    group = [await anext(client.messages)]
    size = len(group[0].payload)
    # Counted once: more come in while these are taken, and would make the group endless.
    for _ in range(len(client.messages)):
        if size >= GROUP_BYTES_MAX:
            break
        group.append(await anext(client.messages))
        size += len(group[-1].payload)
    return group
