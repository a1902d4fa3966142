"""Between broker and writer: takes uplink messages, and publishes an answer to each.

While the writer's thread is busy with one transaction, messages gather in the channel's queue; the
next transaction takes all of them. So a lone message waits for nobody, and a flood is committed in
large groups.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from aiomqtt import Client, MqttError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from nuan_gateway.clock import Clock
from nuan_gateway.drafts import Draft
from nuan_gateway.ingest.channel import Channel, Message, MqttChannel, flood_log
from nuan_gateway.ingest.commit import Answer, Writer
from nuan_gateway.ingest.messages import TOPIC_UP
from nuan_gateway.ingest.seal import day_end_ms
from nuan_gateway.settings import MqttSettings
from nuan_gateway.tls import client_context

IN_FLIGHT_MAX = 1024
KEEPALIVE_S = 60
SUBSCRIPTION_REFUSED = 0x80
RECONNECT_MIN_S = 0.2
RECONNECT_MAX_S = 30.0
RETRY_WRITE_S = 5.0
PUSH_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Ingest:
    """Feeds the writer from a channel; stopped by cancelling run()."""

    def __init__(self, settings: MqttSettings, writer: Writer, clock: Clock, queue: int) -> None:
        self._settings = settings
        self._tls = None if settings.embedded else client_context(settings)
        self._writer = writer
        self._clock = clock
        self._queue = queue
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")

    async def run(self, standing: Callable[[], None], channel: Channel | None) -> None:
        """Serve until cancelled, from the channel of a broker in this process or, with None, from
        the broker that the settings name. `standing` is called when messages can come."""
        sealing = asyncio.create_task(self._seal_at_day_ends())
        try:
            if channel is None:
                await self._stay_connected(standing)
            else:
                standing()
                await self._serve(channel)
        finally:
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)
            # Lets a transaction that has begun come to its end.
            await asyncio.to_thread(self._thread.shutdown)

    async def journal(self, node: str, drafts: Sequence[Draft]) -> None:
        """Commit entries of a journal that the gateway keeps itself; returns when the database has
        them. A database that can't take them now is asked again until it can."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._thread, self._writer.journal, node, drafts)
                return
            except OperationalError:
                log.exception("database: %d entries of node %s wait", len(drafts), node)
                await asyncio.sleep(RETRY_WRITE_S)

    async def keep(self, messages: list[Message]) -> None:
        """Commit messages from a file, which nobody is to be answered; returns when the database
        has what is sound in them. One that can't take them now is asked again until it can."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self._thread, self._writer.keep, messages)
                return
            except OperationalError:
                log.exception("database: %d messages of a file wait", len(messages))
                await asyncio.sleep(RETRY_WRITE_S)

    async def _stay_connected(self, standing: Callable[[], None]) -> None:
        pause_s = RECONNECT_MIN_S
        while True:
            try:
                async with self._client() as client:
                    await self._subscribe(client)
                    pause_s = RECONNECT_MIN_S
                    standing()
                    await self._serve(MqttChannel(client))
            except MqttError as error:
                log.warning("broker: %s; again in %.1f s", error, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RECONNECT_MAX_S)

    async def _subscribe(self, client: Client) -> None:
        for code in await client.subscribe(TOPIC_UP, qos=1):
            if (code if isinstance(code, int) else code.value) >= SUBSCRIPTION_REFUSED:
                user = self._settings.user or "anonymous"
                raise MqttError(f"refuses {TOPIC_UP}; give {user!r} the right to read it")

    def _client(self) -> Client:
        settings = self._settings
        client = Client(
            settings.host,
            settings.port,
            username=settings.user or None,
            password=settings.password or None,
            identifier=settings.client_id,
            # The broker keeps what comes while the gateway is away.
            clean_session=False,
            keepalive=KEEPALIVE_S,
            tls_context=self._tls,
            logger=flood_log,
            max_queued_incoming_messages=self._queue,
            max_inflight_messages=IN_FLIGHT_MAX,
            # Without it an answer waits for a delayed acknowledgement of TCP: 40 ms each.
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        client.pending_calls_threshold = IN_FLIGHT_MAX
        return client

    async def _serve(self, channel: Channel) -> None:
        pushing = asyncio.create_task(self._push(channel))
        try:
            while True:
                await channel.publish(await self._commit(await channel.take()))
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    async def _push(self, channel: Channel) -> None:
        """Look for commands that wait for nodes that say nothing."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PUSH_EVERY_S)
            try:
                await channel.publish(await loop.run_in_executor(self._thread, self._writer.push))
            except MqttError:
                # The connection is being made anew, and this task with it.
                continue
            except Exception:  # a command must not stop the others'
                log.exception("commands not sent")
                await asyncio.sleep(RETRY_WRITE_S)

    async def _commit(self, messages: list[Message]) -> list[Answer]:
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

    async def _process(self, messages: list[Message]) -> list[Answer]:
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
