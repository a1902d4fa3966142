"""ACK: the gateway's one answer to each authentic HELLO, BATCH and RESULT, after the commit.

    0  head (message.py), type 0x81, the nonce echoed     31 u8 credit
    26 u32 cumulative                                     32 u32 gateway's UTC, s since 1970
    30 u8 flags: bit 0 = answers a HELLO                  36 u8 gaps | gaps x (u32 first, u32 last)
                                                          mac[32] under k_down

`cumulative` is the highest number up to which every one is committed or named by a tombstone; the
gaps are the missing ranges above it and below the highest committed number, lowest first.
Resynchronising: the next message (message.py).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import put_uint, uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import (
    HEAD_BYTES,
    TYPE_ACK,
    open_message,
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, NodeKeys

GAPS_MAX = 8
ACK_BYTES_MAX = HEAD_BYTES + 11 + 8 * GAPS_MAX + MAC_BYTES

_FLAG_HELLO = 1
_GAPS_AT = HEAD_BYTES + 11

if TYPE_CHECKING:

    class Ack(NamedTuple):
        """What the gateway has, when, and how many batches it will take at once."""

        node: bytes
        epoch: bytes
        nonce: bytes
        cumulative: int
        answers_hello: bool
        credit: int
        time: int
        gaps: tuple[tuple[int, int], ...]

else:
    from collections import namedtuple

    Ack = namedtuple(
        "Ack",
        ("node", "epoch", "nonce", "cumulative", "answers_hello", "credit", "time", "gaps"),
    )


def build_ack(ack: Ack, keys: "NodeKeys") -> bytes:
    """Ack -> message; the lowest 8 gaps are said. Raises UplinkError for a field out of bounds."""
    gaps = ack.gaps[:GAPS_MAX]
    buffer = bytearray(_GAPS_AT + 8 * len(gaps) + MAC_BYTES)
    at = put_message_head(buffer, TYPE_ACK, ack.node, ack.epoch, ack.nonce)
    at = put_uint(buffer, at, 4, ack.cumulative, "cumulative")
    at = put_uint(buffer, at, 1, _FLAG_HELLO if ack.answers_hello else 0, "flags")
    at = put_uint(buffer, at, 1, ack.credit, "credit")
    at = put_uint(buffer, at, 4, ack.time, "time")
    at = put_uint(buffer, at, 1, len(gaps), "number of gaps")
    above = ack.cumulative
    for first, last in gaps:
        _check_gap(first, last, above, at)
        at = put_uint(buffer, at, 4, first, "first of a gap")
        at = put_uint(buffer, at, 4, last, "last of a gap")
        above = last
    put_mac(buffer, at, keys.down)
    return bytes(buffer)


def parse_ack(message: "Buffer", keys: "NodeKeys") -> Ack:
    """Authentic message -> Ack. Whether epoch and nonce are the session's, the caller checks."""
    head = open_message(message, TYPE_ACK, keys.down)
    count = uint(message, 36, 1)
    if count > GAPS_MAX or _GAPS_AT + 8 * count + MAC_BYTES != len(message):
        raise UplinkError(f"{count} gaps don't fit a message of {len(message)} bytes", 36)
    flags = uint(message, 30, 1)
    if flags > _FLAG_HELLO:
        raise UplinkError(f"flags {flags:#x} have bits that version 1 doesn't know", 30)
    cumulative = above = uint(message, 26, 4)
    gaps: list[tuple[int, int]] = []
    for at in range(_GAPS_AT, _GAPS_AT + 8 * count, 8):
        first, last = uint(message, at, 4), uint(message, at + 4, 4)
        _check_gap(first, last, above, at)
        gaps.append((first, last))
        above = last
    return Ack(
        head.node,
        head.epoch,
        head.nonce,
        cumulative,
        flags == _FLAG_HELLO,
        uint(message, 31, 1),
        uint(message, 32, 4),
        tuple(gaps),
    )


def _check_gap(first: int, last: int, above: int, at: int) -> None:
    if not above < first <= last:
        raise UplinkError(f"the gap {first}..{last} is empty or not above {above}", at)
