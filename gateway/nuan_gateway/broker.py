"""The embedded MQTT broker: amqtt inside the gateway's own loop, for one machine without another.

amqtt forgets what it has acknowledged when it stops; that costs nothing here, since a node counts
an entry as delivered only when the gateway's answer says so. The listener is the gateway's own, so
that port 0, a port in use and a clean stop are plain asyncio.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

# amqtt is annotated but carries no py.typed marker.
from amqtt.adapters import (  # type: ignore[import-untyped]
    StreamReaderAdapter,
    StreamWriterAdapter,
)
from amqtt.broker import Broker  # type: ignore[import-untyped]
from amqtt.contexts import (  # type: ignore[import-untyped]
    BrokerConfig,
    ListenerConfig,
    ListenerType,
)

from nuan_gateway.errors import GatewayError
from nuan_gateway.settings import MqttSettings

_LISTENER = "default"
_ANONYMOUS = "amqtt.plugins.authentication.AnonymousAuthPlugin"
_FILE = "amqtt.plugins.authentication.FileAuthPlugin"


@asynccontextmanager
async def embedded_broker(settings: MqttSettings) -> AsyncGenerator[int]:
    """Serve MQTT while the body runs; yields the port. Raises GatewayError."""
    # amqtt logs every connection at INFO and what clients do wrong at WARNING: not our news.
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    broker = Broker(_config(settings))
    await broker.start()
    try:
        server = await _listen(broker, settings.host, settings.port)
        try:
            port: int = server.sockets[0].getsockname()[1]
            yield port
        finally:
            server.close()
            await server.wait_closed()
    finally:
        await broker.shutdown()


async def _listen(broker: Broker, host: str, port: int) -> asyncio.Server:
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
        return await asyncio.start_server(connected, host, port)
    except OSError as error:
        raise GatewayError(
            f"can't listen on {host}:{port}: {error.strerror or error}; "
            "choose another [mqtt] host or port, or stop what uses it"
        ) from None


def _config(settings: MqttSettings) -> BrokerConfig:
    plugins: dict[str, dict[str, object]]
    if settings.password_file is not None:
        _check_readable(settings.password_file)
        plugins = {_FILE: {"password_file": str(settings.password_file)}}
    elif _is_loopback(settings.host):
        plugins = {_ANONYMOUS: {"allow_anonymous": True}}
    else:
        raise GatewayError(
            f"[mqtt] host {settings.host} is open to the network: name a password_file"
        )
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
