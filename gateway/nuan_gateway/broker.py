"""The embedded MQTT broker: amqtt inside the gateway's own loop, for one machine without another.

amqtt forgets what it has acknowledged when it stops; that costs nothing here, since a node counts
an entry as delivered only when the gateway's answer says so. The listener is the gateway's own, so
that port 0, a port in use and a clean stop are plain asyncio. The gateway itself is no client of
this broker: a plugin hands it the uplink messages, which saves half of all packets.
"""

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

# amqtt is annotated but carries no py.typed marker.
from amqtt.adapters import (  # type: ignore[import-untyped]
    StreamReaderAdapter,
    StreamWriterAdapter,
)
from amqtt.broker import Broker, BrokerContext  # type: ignore[import-untyped]
from amqtt.contexts import (  # type: ignore[import-untyped]
    Action,
    BrokerConfig,
    ListenerConfig,
    ListenerType,
)
from amqtt.plugins.base import (  # type: ignore[import-untyped]
    BasePlugin,
    BaseTopicPlugin,
)
from amqtt.session import Session  # type: ignore[import-untyped]

from nuan_gateway.errors import GatewayError
from nuan_gateway.ingest.channel import ANSWER_QOS, Message, QueueChannel
from nuan_gateway.settings import MqttSettings
from nuan_gateway.tls import keep_fresh, server_context

_UPLINK_TOPIC = re.compile(r"nuan/v1/[^/]+/up")
_NODE = re.compile(r"[0-9a-f]{16}")
# What the firmware calls itself.
_NODE_CLIENT = re.compile(r"nuan-([0-9a-f]{16})")
_LISTENER = "default"
# A node's processor takes seconds for its part, a modem's line some more.
HANDSHAKE_S = 60
_ANONYMOUS = "amqtt.plugins.authentication.AnonymousAuthPlugin"
_FILE = "amqtt.plugins.authentication.FileAuthPlugin"


@dataclass
class UplinkConfig:
    """What amqtt gives the plugin."""

    channel: QueueChannel


class Uplink(BasePlugin[BrokerContext]):  # type: ignore[misc]
    """amqtt's plugin that puts every uplink message into the gateway's channel."""

    Config: Any = UplinkConfig
    config: Any

    # The broker waits for none of its plugins, but starts their calls in the messages' order.
    async def on_broker_message_broadcast(self, *, message: Any, **_: object) -> None:
        """A client has published what it may."""
        if _UPLINK_TOPIC.fullmatch(message.topic):
            self.config.channel.put(message.topic, bytes(message.data))


class OwnTopics(BaseTopicPlugin):  # type: ignore[misc]
    """amqtt's plugin that keeps a client, by its id, to the two topics of its node.

    A user name of 16 hex digits is that node's alone; any other may be shared by several.
    """

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Whether the session may do this with the topic."""
        client = _NODE_CLIENT.fullmatch((session and session.client_id) or "")
        if client is None or session is None:
            return False
        node = client[1]
        user = session.username or ""
        if _NODE.fullmatch(user) and user != node:
            return False
        way = "up" if action == Action.PUBLISH else "down"
        return bool(topic == f"nuan/v1/{node}/{way}")


class BrokerChannel(QueueChannel):
    """The way between the embedded broker and the gateway."""

    broker: Broker

    async def publish(self, answers: Sequence[Message]) -> None:
        """Hand answers to the broker in their order, at ANSWER_QOS."""
        for topic, payload in answers:
            await self.broker.internal_message_broadcast(topic, payload, ANSWER_QOS)


@asynccontextmanager
async def embedded_broker(
    settings: MqttSettings, queue: int
) -> AsyncGenerator[tuple[int, BrokerChannel]]:
    """Serve MQTT while the body runs; yields the port, and the channel for uplink messages of
    which at most `queue` wait. Raises GatewayError."""
    # amqtt logs every connection at INFO and what clients do wrong at WARNING: not our news.
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    tls = server_context(settings)
    channel = BrokerChannel(queue)
    channel.broker = broker = Broker(_config(settings, channel))
    await broker.start()
    try:
        server = await _listen(broker, settings.host, settings.port, tls)
        fresh = asyncio.create_task(keep_fresh(tls, settings)) if tls else None
        try:
            port: int = server.sockets[0].getsockname()[1]
            yield port, channel
        finally:
            if fresh:
                fresh.cancel()
            server.close()
            await server.wait_closed()
    finally:
        await broker.shutdown()


async def _listen(
    broker: Broker, host: str, port: int, tls: ssl.SSLContext | None
) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        finally:
            writer.close()

    try:
        if tls is None:
            return await asyncio.start_server(connected, host, port)
        return await asyncio.start_server(
            connected, host, port, ssl=tls, ssl_handshake_timeout=HANDSHAKE_S
        )
    except OSError as error:
        raise GatewayError(
            f"can't listen on {host}:{port}: {error.strerror or error}; "
            "choose another [mqtt] host or port, or stop what uses it"
        ) from None


def _config(settings: MqttSettings, channel: BrokerChannel) -> BrokerConfig:
    plugins: dict[str, dict[str, object]]
    if settings.password_file is not None:
        _check_readable(settings.password_file)
        plugins = {_FILE: {"password_file": str(settings.password_file)}}
        plugins[f"{__name__}.{OwnTopics.__name__}"] = {}
    elif _is_loopback(settings.host):
        plugins = {_ANONYMOUS: {"allow_anonymous": True}}
    else:
        raise GatewayError(
            f"[mqtt] host {settings.host} is open to the network: name a password_file"
        )
    plugins[f"{__name__}.{Uplink.__name__}"] = {"channel": channel}
    listener = ListenerConfig(type=ListenerType.EXTERNAL)
    return BrokerConfig(listeners={_LISTENER: listener}, plugins=plugins)


def _check_readable(path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise GatewayError(f"{path}: {error.strerror}; check [mqtt] password_file") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
