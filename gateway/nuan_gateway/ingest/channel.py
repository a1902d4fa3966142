"""Where uplink messages come from and their answers go: a broker, near or far.

Both channels hold what waits in a bounded queue. What exceeds it is dropped, and sent again by its
node: a broker's acknowledgement is none of ours.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from aiomqtt import Client

Message = tuple[str, bytes]
"""Topic and payload."""

# What one transaction takes: its decoded rows need some thirty times as much memory.
GROUP_BYTES_MAX = 512 * 1024


ANSWER_QOS = 0
"""A node sends again what no answer came for; a handshake would hold up every transaction."""


class Channel(Protocol):
    """A standing connection to a broker."""

    async def take(self) -> list[Message]:
        """All messages that wait now, at least one, within GROUP_BYTES_MAX and one more."""
        ...

    async def publish(self, answers: Sequence[Message]) -> None:
        """Hand answers to the broker in their order, at ANSWER_QOS."""
        ...


class MqttChannel:
    """Through an MQTT client; its errors are MqttError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def take(self) -> list[Message]:
        """As Channel says."""
        group = [await self._next()]
        size = len(group[0][1])
        # Counted once: more come in while these are taken, and would make the group endless.
        for _ in range(len(self._client.messages)):
            if size >= GROUP_BYTES_MAX:
                break
            group.append(await self._next())
            size += len(group[-1][1])
        return group

    async def publish(self, answers: Sequence[Message]) -> None:
        """As Channel says."""
        for topic, payload in answers:
            await self._client.publish(topic, payload, qos=ANSWER_QOS)

    async def _next(self) -> Message:
        message = await anext(self._client.messages)
        return message.topic.value, message.payload


class QueueChannel:
    """What a broker in this process puts here; a broker's own `publish` completes it."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(size)

    def put(self, topic: str, payload: bytes) -> None:
        """Let a message wait; drops it when the queue is full."""
        try:
            self._queue.put_nowait((topic, payload))
        except asyncio.QueueFull:
            flood_log.warning("Message queue is full. Discarding message.")

    async def take(self) -> list[Message]:
        """As Channel says."""
        group = [await self._queue.get()]
        size = len(group[0][1])
        while not self._queue.empty() and size < GROUP_BYTES_MAX:
            group.append(self._queue.get_nowait())
            size += len(group[-1][1])
        return group


class _OnceAMinute(logging.Filter):
    """Lets a warning about one thing through once a minute: a flood must not fill the log too."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown; its text and first argument say what it is about."""
        first = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        about = f"{record.msg} {first}"
        if record.created < self._next.get(about, 0):
            return False
        if len(self._next) >= _THINGS_MAX:
            self._next.clear()
        self._next[about] = record.created + 60
        return True


_THINGS_MAX = 1000

flood_log = logging.getLogger(f"{__name__}.flood")
flood_log.setLevel(logging.WARNING)
flood_log.addFilter(_OnceAMinute())
