"""RESULT: what became of a command, node -> gateway; answered by an ACK like every message.

    0  head (message.py), type 3     30 u8 status     35 u8 n | text, UTF-8[n]
    26 u32 counter                   31 u32 offset    mac[32] under k_up

`counter` is the command's; after a replayed or an older command the last one's, with its result
once more. `offset` is the next byte a transfer wants, 0 elsewhere. Resynchronising: the next
message (message.py).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import put_bytes, put_uint, uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import (
    HEAD_BYTES,
    TYPE_RESULT,
    open_message,
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, NodeKeys

DONE = 0
REFUSED = 1
FAILED = 2
GO_ON = 3

RESULT_TEXT_BYTES_MAX = 160
_TEXT_AT = HEAD_BYTES + 10
RESULT_BYTES_MAX = _TEXT_AT + RESULT_TEXT_BYTES_MAX + MAC_BYTES

if TYPE_CHECKING:

    class Result(NamedTuple):
        """What became of the command with this counter, and why, for people."""

        node: bytes
        epoch: bytes
        nonce: bytes
        counter: int
        status: int
        offset: int
        text: str

else:
    from collections import namedtuple

    Result = namedtuple("Result", ("node", "epoch", "nonce", "counter", "status", "offset", "text"))


def build_result(result: Result, keys: "NodeKeys") -> bytes:
    """Result -> message; a text too long is cut. Raises UplinkError for another bad field."""
    text = cut(result.text.encode(), RESULT_TEXT_BYTES_MAX)
    if result.status > GO_ON:
        raise UplinkError(f"there is no status {result.status}", HEAD_BYTES + 4)
    buffer = bytearray(_TEXT_AT + len(text) + MAC_BYTES)
    at = put_message_head(buffer, TYPE_RESULT, result.node, result.epoch, result.nonce)
    at = put_uint(buffer, at, 4, result.counter, "counter")
    at = put_uint(buffer, at, 1, result.status, "status")
    at = put_uint(buffer, at, 4, result.offset, "offset")
    at = put_uint(buffer, at, 1, len(text), "length of the text")
    at = put_bytes(buffer, at, text, "text")
    put_mac(buffer, at, keys.up)
    return bytes(buffer)


def parse_result(message: "Buffer", keys: "NodeKeys") -> Result:
    """Authentic message -> Result. Raises UplinkError with the offset of what is wrong."""
    head = open_message(message, TYPE_RESULT, keys.up)
    end = len(message) - MAC_BYTES
    size = uint(message, _TEXT_AT - 1, 1)
    if size > RESULT_TEXT_BYTES_MAX or _TEXT_AT + size != end:
        raise UplinkError(f"a text of {size} bytes cannot end at {end}", _TEXT_AT - 1)
    status = uint(message, HEAD_BYTES + 4, 1)
    if status > GO_ON:
        raise UplinkError(f"there is no status {status}", HEAD_BYTES + 4)
    try:
        text = bytes(message[_TEXT_AT:end]).decode()
    except UnicodeError:
        raise UplinkError("the text is not UTF-8", _TEXT_AT) from None
    counter, offset = uint(message, HEAD_BYTES, 4), uint(message, HEAD_BYTES + 5, 4)
    return Result(head.node, head.epoch, head.nonce, counter, status, offset, text)


def cut(encoded: bytes, most: int) -> bytes:
    """At most so many bytes of a UTF-8 text, no character in pieces."""
    if len(encoded) <= most:
        return encoded
    while encoded[most] & 0xC0 == 0x80:
        most -= 1
    return encoded[:most]
