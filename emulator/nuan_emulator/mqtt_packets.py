"""MQTT 3.1.1 control packets, as far as a tunnel must understand them.

    0  u4 type, u4 flags | remaining length, 1 to 4 bytes of 7 bits, lowest first | variable header

TCP loses nothing, so there is nothing to resynchronise: a malformed length ends the connection.
"""

from __future__ import annotations

from typing import NamedTuple

from nuan_emulator.errors import EmulatorError

CONNECT = 1
CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
SUBACK = 9
UNSUBSCRIBE = 10
UNSUBACK = 11
PINGREQ = 12
PINGRESP = 13
DISCONNECT = 14
LENGTH_BYTES_MAX = 4
PACKET_NAMES = {
    CONNACK: "CONNACK",
    PUBACK: "PUBACK",
    SUBACK: "SUBACK",
    UNSUBACK: "UNSUBACK",
    PINGRESP: "PINGRESP",
}


class Packet(NamedTuple):
    """One whole control packet; `body` is the offset of its variable header."""

    type: int
    flags: int
    body: int
    data: bytes

    def identifier(self) -> int:
        """The packet identifier of a packet that begins with it."""
        return int.from_bytes(self.data[self.body : self.body + 2], "big")


class Publish(NamedTuple):
    """The parts of a PUBLISH."""

    topic: str
    qos: int
    identifier: int
    payload: bytes


def parse_publish(packet: Packet) -> Publish:
    """Topic, quality of service, identifier (0 at QoS 0) and payload."""
    data, at = packet.data, packet.body
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    qos = packet.flags >> 1 & 3
    topic = data[at + 2 : end].decode()
    if not qos:
        return Publish(topic, 0, 0, data[end:])
    return Publish(topic, qos, int.from_bytes(data[end : end + 2], "big"), data[end + 2 :])


def publish(topic: str, payload: bytes) -> bytes:
    """A PUBLISH at QoS 0, as a broker sends it."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    length = bytearray()
    rest = len(body)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    return bytes([PUBLISH << 4]) + bytes(length) + body


class PacketSplitter:
    """Cuts a byte stream into control packets, however it was split."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """Add bytes; returns the packets that are whole now, in order."""
        self._buffer += data
        packets: list[Packet] = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        return packets

    def _next(self) -> Packet | None:
        buffer = self._buffer
        length = 0
        for i in range(1, LENGTH_BYTES_MAX + 1):
            if i >= len(buffer):
                return None
            length |= (buffer[i] & 0x7F) << 7 * (i - 1)
            if buffer[i] < 0x80:
                break
        else:
            raise EmulatorError("an MQTT packet's length has more than 4 bytes")
        end = i + 1 + length
        if len(buffer) < end:
            return None
        data = bytes(buffer[:end])
        del buffer[:end]
        return Packet(data[0] >> 4, data[0] & 15, i + 1, data)
