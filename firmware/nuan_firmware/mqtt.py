"""MQTT 3.1.1 for one connection: the packets of a node that publishes and subscribes at QoS 1.

    packet   u8 type << 4 | flags | remaining length, 7 bits a byte, lowest first | rest
    CONNECT  "MQTT" 4 | flags | u16 keep-alive | client | [user | password]      -> CONNACK code
    PUBLISH  topic | u16 packet id (QoS 1) | payload                             -> PUBACK id
    texts    u16 length | UTF-8

A stream has no frame marks: a packet that cannot be is the end of the connection. A packet longer
than the buffer is skipped whole, so that nobody can make the node ask for memory.
"""

from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

CONNACK = const(2)
PUBLISH = const(3)
PUBACK = const(4)
SUBACK = const(9)
PINGRESP = const(13)

PING = b"\xc0\x00"
_USER = const(0x80)
_PASSWORD = const(0x40)
_CLEAN_SESSION = const(0x02)
_LENGTH_BYTES_MAX = const(4)
_SUBSCRIPTION_REFUSED = const(0x80)


class MqttError(Exception):
    """The broker refused, or sent what no broker sends."""


def connect(client: str, user: str, password: str, keepalive_s: int) -> bytes:
    """CONNECT with a clean session."""
    flags = _CLEAN_SESSION
    tail = text(client)
    if user:
        flags |= _USER | _PASSWORD
        tail += text(user) + text(password)
    head = b"\x00\x04MQTT\x04" + bytes((flags, keepalive_s >> 8, keepalive_s & 0xFF))
    return b"\x10" + _length(len(head) + len(tail)) + head + tail


def subscribe(packet_id: int, topic: str) -> bytes:
    """SUBSCRIBE to one topic at QoS 1."""
    rest = packet_id.to_bytes(2, "big") + text(topic) + b"\x01"
    return b"\x82" + _length(len(rest)) + rest


def publish_head(topic: bytes, packet_id: int, payload_bytes: int) -> bytes:
    """What precedes the payload of a PUBLISH at QoS 1; `topic` as text() gives it."""
    size = len(topic) + 2 + payload_bytes
    return b"\x32" + _length(size) + topic + packet_id.to_bytes(2, "big")


def puback(packet_id: int) -> bytes:
    """PUBACK of what the broker published."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def text(value: str) -> bytes:
    """A text as it stands in packets."""
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


class Packets:
    """Cuts the broker's stream into packets, in one buffer: space(), filled(), next()."""

    def __init__(self, buffer_bytes: int) -> None:
        self._view = memoryview(bytearray(buffer_bytes))
        self._used = 0
        self._taken = 0
        self._skip = 0

    def reset(self) -> None:
        """A new connection begins."""
        self._used = self._taken = self._skip = 0

    def space(self) -> memoryview:
        """Where to put the next received bytes; what next() gave before is gone now."""
        if self._taken:
            rest = self._used - self._taken
            self._view[:rest] = bytes(self._view[self._taken : self._used])
            self._used = rest
            self._taken = 0
        return self._view[self._used :]

    def filled(self, count: int) -> None:
        """`count` bytes were put into space()."""
        skipped = min(self._skip, count)
        if skipped:
            self._skip -= skipped
            rest = count - skipped
            start = self._used + skipped
            self._view[self._used : self._used + rest] = bytes(self._view[start : start + rest])
            count = rest
        self._used += count

    def next(self) -> "tuple[int, int, memoryview] | None":
        """(type, flags, rest) of the next whole packet, or None. Raises MqttError."""
        size, at = self._rest_length()
        if not at:
            return None
        end = at + size
        if end - self._taken > len(self._view):
            self._skip = end - self._used
            self._taken = self._used
            return None
        if end > self._used:
            return None
        first = self._view[self._taken]
        self._taken = end
        return first >> 4, first & 15, self._view[at:end]

    def _rest_length(self) -> "tuple[int, int]":
        """(remaining length, where the rest begins), (0, 0) while it can't be told."""
        size = shift = 0
        at = self._taken + 1
        while at < self._used:
            size |= (self._view[at] & 0x7F) << shift
            at += 1
            if not self._view[at - 1] & 0x80:
                return size, at
            shift += 7
            if at - self._taken > _LENGTH_BYTES_MAX:
                raise MqttError("a packet's length has more than four bytes")
        return 0, 0


def connack_code(rest: "Buffer") -> int:
    """The broker's answer to CONNECT: 0 accepted, else why not. Raises MqttError."""
    if len(rest) != 2:
        raise MqttError("a CONNACK that cannot be")
    return rest[1]


def check_suback(rest: "Buffer") -> None:
    """Raise MqttError unless the broker has granted the subscription."""
    if len(rest) != 3 or rest[2] & _SUBSCRIPTION_REFUSED:
        raise MqttError("the broker refused the subscription")


def publication(flags: int, rest: memoryview) -> "tuple[int, memoryview]":
    """(packet id, payload) of a received PUBLISH; the id is 0 at QoS 0. Raises MqttError."""
    qos = flags >> 1 & 3
    at = 2 + (rest[0] << 8 | rest[1]) if len(rest) > 1 else 2
    end = at + 2 if qos else at
    if end > len(rest) or qos > 1:
        raise MqttError("a publication that cannot be")
    return (rest[at] << 8 | rest[at + 1] if qos else 0), rest[end:]


def _length(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
