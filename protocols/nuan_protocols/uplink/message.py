"""What all uplink messages have in common.

    0  u8 version = 1    2  node[8]     18 nonce[8]             26 fields of the type
    1  u8 type          10  epoch[8]    ...                     end - 32 mac[32]

One MQTT message carries one uplink message, so a message is a whole of known length; one that fails
any check is dropped as a whole and sent again by its sender. The MAC covers every byte before it.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.entry import EPOCH_BYTES, NODE_BYTES
from nuan_protocols.uplink.errors import UplinkMacError, UplinkVersionError
from nuan_protocols.uplink.fields import put_bytes, put_uint
from nuan_protocols.uplink.keys import MAC_BYTES, equal

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, MacKey

VERSION = 1
TYPE_HELLO = 1
TYPE_BATCH = 2
TYPE_RESULT = 3
TYPE_ACK = 0x81
TYPE_COMMAND = 0x82

NONCE_BYTES = 8
HEAD_BYTES = 26
MESSAGE_BYTES_MAX = 16384
MESSAGE_BYTES_DEFAULT = 2048

if TYPE_CHECKING:

    class Head(NamedTuple):
        """Who speaks, before anything is authenticated."""

        type: int
        node: bytes
        epoch: bytes
        nonce: bytes

else:
    from collections import namedtuple

    Head = namedtuple("Head", ("type", "node", "epoch", "nonce"))


def parse_head(message: "Buffer") -> Head:
    """The head of any message, NOT authenticated: it says whose keys to check the message with."""
    if len(message) < HEAD_BYTES + MAC_BYTES:
        raise UplinkError(f"a message has at least 58 bytes, this one has {len(message)}")
    if message[0] != VERSION:
        raise UplinkVersionError("uplink messages", message[0])
    if len(message) > MESSAGE_BYTES_MAX:
        raise UplinkError(f"a message has at most {MESSAGE_BYTES_MAX} bytes", MESSAGE_BYTES_MAX)
    return Head(message[1], bytes(message[2:10]), bytes(message[10:18]), bytes(message[18:26]))


def open_message(message: "Buffer", kind: int, key: "MacKey") -> Head:
    """Check the version, the type and the MAC; return the head, now authentic."""
    head = parse_head(message)
    if head.type != kind:
        raise UplinkError(f"message type {kind:#x} expected, this is {head.type:#x}", 1)
    end = len(message) - MAC_BYTES
    view = memoryview(message)
    if not equal(key.mac(view[:end]), view[end:]):
        raise UplinkMacError("the message is not authentic: its MAC does not match", end)
    return head


def put_message_head(
    buffer: bytearray, kind: int, node: "Buffer", epoch: "Buffer", nonce: "Buffer"
) -> int:
    """Write a message's head at the start of the buffer; return the offset behind it."""
    at = put_uint(buffer, 0, 1, VERSION, "version")
    at = put_uint(buffer, at, 1, kind, "type")
    at = put_bytes(buffer, at, node, "node", NODE_BYTES)
    at = put_bytes(buffer, at, epoch, "epoch", EPOCH_BYTES)
    return put_bytes(buffer, at, nonce, "nonce", NONCE_BYTES)


def put_mac(buffer: bytearray, at: int, key: "MacKey") -> int:
    """Write the MAC over all bytes before `at`; return the message's length."""
    return put_bytes(buffer, at, key.mac(memoryview(buffer)[:at]), "mac", MAC_BYTES)
