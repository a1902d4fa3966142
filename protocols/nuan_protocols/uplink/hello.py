"""HELLO: a node's first message on every connection, and its question for credit later.

    0  head (message.py), type 1; its nonce is fresh per connection
    26 u32 oldest number held                34 u16 config_version
    30 u32 newest number flushed, 0 = none   36 u8 n | firmware version, UTF-8[n] | mac[32]

The oldest is 0, or one above the newest, when the flash holds no entry.

Resynchronising: the next message (message.py).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import put_bytes, put_uint, uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import (
    HEAD_BYTES,
    TYPE_HELLO,
    open_message,
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, NodeKeys

FIRMWARE_BYTES_MAX = 64
HELLO_BYTES_MAX = HEAD_BYTES + 11 + FIRMWARE_BYTES_MAX + MAC_BYTES

if TYPE_CHECKING:

    class Hello(NamedTuple):
        """What a node holds and runs."""

        node: bytes
        epoch: bytes
        nonce: bytes
        oldest: int
        newest: int
        config_version: int
        firmware: str

else:
    from collections import namedtuple

    Hello = namedtuple(
        "Hello", ("node", "epoch", "nonce", "oldest", "newest", "config_version", "firmware")
    )


def build_hello(hello: Hello, keys: "NodeKeys") -> bytes:
    """Hello -> message. Raises UplinkError for a field out of its bounds."""
    firmware = hello.firmware.encode()
    if len(firmware) > FIRMWARE_BYTES_MAX:
        raise UplinkError(f"a firmware version has at most {FIRMWARE_BYTES_MAX} bytes", 36)
    _check_range(hello.oldest, hello.newest)
    buffer = bytearray(HELLO_BYTES_MAX - FIRMWARE_BYTES_MAX + len(firmware))
    at = put_message_head(buffer, TYPE_HELLO, hello.node, hello.epoch, hello.nonce)
    at = put_uint(buffer, at, 4, hello.oldest, "oldest")
    at = put_uint(buffer, at, 4, hello.newest, "newest")
    at = put_uint(buffer, at, 2, hello.config_version, "config_version")
    at = put_uint(buffer, at, 1, len(firmware), "length of the firmware version")
    at = put_bytes(buffer, at, firmware, "firmware version")
    put_mac(buffer, at, keys.up)
    return bytes(buffer)


def parse_hello(message: "Buffer", keys: "NodeKeys") -> Hello:
    """Authentic message -> Hello. Raises UplinkError with the offset of what is wrong."""
    head = open_message(message, TYPE_HELLO, keys.up)
    end = len(message) - MAC_BYTES
    size = uint(message, 36, 1)
    if size > FIRMWARE_BYTES_MAX or 37 + size != end:
        raise UplinkError(f"a firmware version of {size} bytes cannot end at {end}", 36)
    oldest = uint(message, 26, 4)
    newest = uint(message, 30, 4)
    _check_range(oldest, newest)
    try:
        firmware = bytes(message[37:end]).decode()
    except UnicodeError:
        raise UplinkError("the firmware version is not UTF-8", 37) from None
    version = uint(message, 34, 2)
    return Hello(head.node, head.epoch, head.nonce, oldest, newest, version, firmware)


def _check_range(oldest: int, newest: int) -> None:
    if oldest > newest + 1:
        raise UplinkError(f"the oldest number {oldest} is beyond the newest {newest}", 26)
