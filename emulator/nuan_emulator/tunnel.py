"""A node's way to its MQTT broker: the world owns the real connection and holds virtual time.

Every packet the node sends may owe an answer: CONNECT a CONNACK, SUBSCRIBE a SUBACK, PINGREQ a
PINGRESP, PUBLISH at QoS 1 a PUBACK, and an uplink message the gateway's acknowledgement as well.
After forwarding, the tunnel waits until nothing is owed, while virtual time stands still; then it
delivers the answers in the order of what they answer, each at the time of its question plus a
seeded delay. However long the real socket took, the node sees the same. A command that comes while
an acknowledgement is owed is delivered right before it; of one that comes to a node at rest, a test
says when it waits for it.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from nuan_emulator import mqtt_packets as mqtt
from nuan_emulator.errors import HoldTimeoutError
from nuan_emulator.mqtt_packets import Packet, PacketSplitter, parse_publish
from nuan_emulator.uplink_stats import UplinkStats
from nuan_protocols.uplink.message import TYPE_ACK, TYPE_COMMAND

HOLD_SECONDS = 20.0
CONNECT_SECONDS = 5.0
DELAY_MS = (8, 60)
ECONNREFUSED = 111
EHOSTUNREACH = 113
# What a TCP stack waits for an answer to its last SYN.
UNREACHABLE_MS = 18_000
_TICK_SECONDS = 0.05
_RECEIVE_BYTES = 65536
_ACKNOWLEDGEMENT = "the gateway's acknowledgement"
_ANSWER_OF = {
    mqtt.CONNECT: mqtt.CONNACK,
    mqtt.SUBSCRIBE: mqtt.SUBACK,
    mqtt.UNSUBSCRIBE: mqtt.UNSUBACK,
    mqtt.PINGREQ: mqtt.PINGRESP,
}
_NUMBERED = {mqtt.SUBACK, mqtt.UNSUBACK, mqtt.PUBACK}


class Receiver(Protocol):
    """Where the tunnel puts what the node shall see, at UTC milliseconds."""

    def socket_opened(self, ident: int, at_ms: int) -> None: ...  # noqa: D102
    def socket_data(self, ident: int, at_ms: int, data: bytes) -> None: ...  # noqa: D102
    def socket_ended(self, ident: int, at_ms: int) -> None: ...  # noqa: D102
    def socket_failed(self, ident: int, at_ms: int, errno: int) -> None: ...  # noqa: D102


class _Owed:
    """One answer the tunnel waits for."""

    __slots__ = ("before", "identifier", "packet", "sent_ms", "type")

    def __init__(self, kind: int, identifier: int, sent_ms: int) -> None:
        self.type = kind
        self.identifier = identifier
        self.sent_ms = sent_ms
        self.packet: Packet | None = None
        self.before: list[Packet] = []

    def name(self) -> str:
        if self.type == mqtt.PUBLISH:
            return _ACKNOWLEDGEMENT
        return f"{mqtt.PACKET_NAMES[self.type]} {self.identifier}"


class _Connection:
    """One TCP connection of the node."""

    def __init__(self, ident: int, real: socket.socket) -> None:
        self.ident = ident
        self.real = real
        self.outgoing = PacketSplitter()
        self.incoming = PacketSplitter()
        self.owed: list[_Owed] = []
        self.unasked: list[Packet] = []
        self.delivered_ms = 0

    def has_command(self) -> bool:
        """Whether one came unasked."""
        return any(_is_uplink(packet, TYPE_COMMAND) for packet in self.unasked)


class TunnelHooks(NamedTuple):
    """What a test may do to messages: called before an up message is forwarded, and with each
    acknowledgement and each command, which is lost on its way to the node when the answer is False.
    """

    before_forward: Callable[[bytes], None] | None = None
    keep_acknowledgement: Callable[[bytes], bool] | None = None
    keep_command: Callable[[bytes], bool] | None = None


class Tunnel:
    """The connections of one node to the broker at `broker`; hosts in `nowhere` don't exist."""

    def __init__(
        self,
        broker: tuple[str, int],
        receiver: Receiver,
        random: Random,
        set_clock: Callable[[int], None],
    ) -> None:
        self.broker = broker
        self.stats = UplinkStats()
        self.hooks = TunnelHooks()
        self.hold_seconds = HOLD_SECONDS
        self.nowhere: set[str] = set()
        self._receiver = receiver
        self._random = random
        self._set_clock = set_clock
        self._connections: dict[int, _Connection] = {}
        self._gateway_answers = True

    def forgive(self) -> None:
        """The gateway is down: stop waiting for its acknowledgements. Any thread may call this."""
        self._gateway_answers = False

    def expect(self) -> None:
        """The gateway is up again: its acknowledgements are owed from now on."""
        self._gateway_answers = True

    def open(self, ident: int, now_ms: int, address: str = "") -> None:
        """The node opens a connection to "host:port"; wherever that is, the broker is there, unless
        nobody is."""
        if address.rpartition(":")[0] in self.nowhere:
            self._receiver.socket_failed(ident, now_ms + UNREACHABLE_MS, EHOSTUNREACH)
            return
        try:
            real = socket.create_connection(self.broker, CONNECT_SECONDS)
        except OSError:
            self._receiver.socket_failed(ident, now_ms + self._delay(), ECONNREFUSED)
            return
        real.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._connections[ident] = _Connection(ident, real)
        connection.delivered_ms = now_ms + self._delay()
        self._receiver.socket_opened(ident, connection.delivered_ms)

    def send(self, ident: int, now_ms: int, data: bytes) -> None:
        """Bytes from the node; whole packets go to the broker."""
        connection = self._connections.get(ident)
        if connection is None:
            return
        for packet in connection.outgoing.feed(data):
            self._owe(connection, packet, now_ms)
            # A peer that reads the clock when the bytes come in must see this very instant.
            self._set_clock(now_ms)
            try:
                connection.real.sendall(packet.data)
            except OSError:
                self._lost(connection, now_ms)
                return

    def close(self, ident: int) -> None:
        """The node closes a connection."""
        connection = self._connections.pop(ident, None)
        if connection is not None:
            connection.real.close()

    def cut(self) -> None:
        """The link or the node is gone: every connection with what it would still deliver."""
        for ident in list(self._connections):
            self.close(ident)

    def open_idents(self) -> list[int]:
        """The node's open connections."""
        return list(self._connections)

    def hold(self, now_ms: int) -> None:
        """Wait, in real time, until nothing is owed; then deliver. Raises HoldTimeoutError."""
        end = time.monotonic() + self.hold_seconds
        for connection in list(self._connections.values()):
            while connection.ident in self._connections and self._waits(connection):
                if time.monotonic() > end:
                    raise HoldTimeoutError(self._complaint(connection))
                self._read(connection, now_ms, _TICK_SECONDS)
        self.poll(now_ms)

    def poll(self, now_ms: int) -> None:
        """Deliver what has come unasked; notice a broker that is gone. Waits for nothing."""
        for connection in list(self._connections.values()):
            while self._read(connection, now_ms, 0):
                pass
            self._deliver(connection, now_ms)

    def expect_command(self, now_ms: int) -> None:
        """Wait, in real time, for a command the gateway pushes to the node at rest; then deliver.

        Raises HoldTimeoutError.
        """
        end = time.monotonic() + self.hold_seconds
        while not any(c.has_command() for c in self._connections.values()):
            if time.monotonic() > end:
                raise HoldTimeoutError(f"no command has come within {self.hold_seconds:g} s")
            for connection in list(self._connections.values()):
                self._read(connection, now_ms, _TICK_SECONDS)
        self.poll(now_ms)

    def inject(self, now_ms: int, topic: str, payload: bytes) -> None:
        """Let the node receive a message that nobody sent."""
        data = mqtt.publish(topic, payload)
        for connection in self._connections.values():
            at_ms = max(connection.delivered_ms, now_ms + self._delay())
            connection.delivered_ms = at_ms
            self._receiver.socket_data(connection.ident, at_ms, data)

    def _owe(self, connection: _Connection, packet: Packet, now_ms: int) -> None:
        answer = _ANSWER_OF.get(packet.type)
        if answer is not None:
            identifier = packet.identifier() if answer in _NUMBERED else 0
            connection.owed.append(_Owed(answer, identifier, now_ms))
        elif packet.type == mqtt.PUBLISH:
            publish = parse_publish(packet)
            if publish.qos:
                connection.owed.append(_Owed(mqtt.PUBACK, publish.identifier, now_ms))
            if publish.topic.endswith("/up"):
                self.stats.up(publish.payload)
                connection.owed.append(_Owed(mqtt.PUBLISH, 0, now_ms))
                if self.hooks.before_forward:
                    self.hooks.before_forward(publish.payload)

    def _waits(self, connection: _Connection) -> bool:
        if not self._gateway_answers:
            connection.owed = [o for o in connection.owed if o.type != mqtt.PUBLISH or o.packet]
        return any(owed.packet is None for owed in connection.owed)

    def _read(self, connection: _Connection, now_ms: int, wait_s: float) -> bool:
        """Take what the broker sent; True when there may be more."""
        if connection.ident not in self._connections:
            return False
        ready, _, _ = select.select([connection.real], [], [], wait_s)
        if not ready:
            return False
        try:
            data = connection.real.recv(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            self._lost(connection, now_ms)
            return False
        for packet in connection.incoming.feed(data):
            self._match(connection, packet)
        return True

    def _match(self, connection: _Connection, packet: Packet) -> None:
        kind = packet.type
        identifier = packet.identifier() if kind in _NUMBERED else 0
        if kind != mqtt.PUBLISH or _is_uplink(packet, TYPE_ACK):
            for owed in connection.owed:
                if owed.packet is None and owed.type == kind and owed.identifier == identifier:
                    owed.packet = packet
                    if kind == mqtt.PUBLISH:
                        owed.before, connection.unasked = connection.unasked, []
                    return
        connection.unasked.append(packet)

    def _deliver(self, connection: _Connection, now_ms: int) -> None:
        answered = [o for o in connection.owed if o.packet is not None]
        answered.sort(key=lambda owed: (owed.sent_ms, owed.type != mqtt.PUBACK, owed.type))
        connection.owed = [o for o in connection.owed if o.packet is None]
        packets: list[tuple[int, Packet]] = []
        for owed in answered:
            packets += [(owed.sent_ms, packet) for packet in owed.before]
            packets += [(owed.sent_ms, owed.packet)] if owed.packet is not None else []
        packets += [(now_ms, packet) for packet in connection.unasked]
        connection.unasked = []
        for asked_ms, packet in packets:
            if not self._keeps(packet):
                continue
            at_ms = max(connection.delivered_ms, asked_ms + self._delay())
            connection.delivered_ms = at_ms
            self._receiver.socket_data(connection.ident, at_ms, packet.data)

    def _keeps(self, packet: Packet) -> bool:
        if packet.type != mqtt.PUBLISH:
            return True
        payload = parse_publish(packet).payload
        for kind, keep in (
            (TYPE_ACK, self.hooks.keep_acknowledgement),
            (TYPE_COMMAND, self.hooks.keep_command),
        ):
            if keep and _is_uplink(packet, kind) and not keep(payload):
                return False
        self.stats.down(payload)
        return True

    def _lost(self, connection: _Connection, now_ms: int) -> None:
        """The broker ended the connection; what it had answered before still arrives."""
        self._deliver(connection, now_ms)
        self.close(connection.ident)
        at_ms = max(connection.delivered_ms, now_ms + self._delay())
        self._receiver.socket_ended(connection.ident, at_ms)

    def _complaint(self, connection: _Connection) -> str:
        names = ", ".join(owed.name() for owed in connection.owed if owed.packet is None)
        host, port = self.broker
        return (
            f"{host}:{port} did not give what it owes within {self.hold_seconds:g} s: {names}; "
            "is the gateway running, and does it know the node's key?"
        )

    def _delay(self) -> int:
        return self._random.randint(*DELAY_MS)


def _is_uplink(packet: Packet, kind: int) -> bool:
    """Whether it carries an uplink message of this type to a node."""
    if packet.type != mqtt.PUBLISH:
        return False
    publish = parse_publish(packet)
    return publish.topic.endswith("/down") and publish.payload[1:2] == bytes([kind])
