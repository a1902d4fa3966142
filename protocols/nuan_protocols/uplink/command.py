"""COMMAND: what the gateway wants done, gateway -> node; and the payloads of its codes.

    0  head (message.py), type 0x82, the session's nonce    30 u8 code | payload
    26 u32 counter, from 1, rising within a session         mac[32] under k_down

    1 transfer begin  u8 kind | u32 size | sha256[32]     5 read now    u8 n | n x u16 slot
    2 transfer data   u32 offset | 1..512 bytes           6 set-point   u8 zone | i16 setpoint_dc
    3 transfer end    nothing                               | u32 until | u8 n | who | u8 n | why
    4 time            u32 UTC, s since 1970               7 send again  u32 from seq

The nonce and the counter bind a command to one connection and one moment. Resynchronising: the
next message (message.py).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import int16, put_bytes, put_int16, put_uint, uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import (
    HEAD_BYTES,
    TYPE_COMMAND,
    open_message,
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, NodeKeys

BEGIN = 1
DATA = 2
END = 3
TIME = 4
READ = 5
SETPOINT = 6
AGAIN = 7
CODE_MAX = 255

KIND_CONFIG = 1
KIND_BUNDLE = 2
KIND_IMAGE = 3
# Signed documents: another update key (key_change.py), another authority (ca_change.py).
KIND_KEY = 4
KIND_AUTHORITY = 5

PIECE_BYTES_MAX = 512
SLOTS_MAX = 16
WHO_BYTES_MAX = 32
WHY_BYTES_MAX = 120
DIGEST_BYTES = 32
COUNTER_MAX = 0xFFFFFFFF
PAYLOAD_BYTES_MAX = 4 + PIECE_BYTES_MAX
PAYLOAD_AT = HEAD_BYTES + 5
COMMAND_BYTES_MAX = PAYLOAD_AT + PAYLOAD_BYTES_MAX + MAC_BYTES

if TYPE_CHECKING:

    class Command(NamedTuple):
        """One command; how its payload is read, `code` says."""

        node: bytes
        epoch: bytes
        nonce: bytes
        counter: int
        code: int
        payload: bytes

else:
    from collections import namedtuple

    Command = namedtuple("Command", ("node", "epoch", "nonce", "counter", "code", "payload"))


def build_command(command: Command, keys: "NodeKeys") -> bytes:
    """Command -> message. Raises UplinkError for a field out of its bounds."""
    payload = command.payload
    _check_counter(command.counter)
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise UplinkError(f"a payload has at most {PAYLOAD_BYTES_MAX} bytes", PAYLOAD_AT)
    buffer = bytearray(PAYLOAD_AT + len(payload) + MAC_BYTES)
    at = put_message_head(buffer, TYPE_COMMAND, command.node, command.epoch, command.nonce)
    at = put_uint(buffer, at, 4, command.counter, "counter")
    at = put_uint(buffer, at, 1, command.code, "code")
    at = put_bytes(buffer, at, payload, "payload")
    put_mac(buffer, at, keys.down)
    return bytes(buffer)


def parse_command(message: "Buffer", keys: "NodeKeys") -> Command:
    """Authentic message -> Command. Whether nonce, epoch and counter are due, the caller checks."""
    head = open_message(message, TYPE_COMMAND, keys.down)
    end = len(message) - MAC_BYTES
    if not PAYLOAD_AT <= end <= PAYLOAD_AT + PAYLOAD_BYTES_MAX:
        raise UplinkError(f"a command of {len(message)} bytes cannot be", HEAD_BYTES)
    counter = uint(message, HEAD_BYTES, 4)
    _check_counter(counter)
    payload = bytes(message[PAYLOAD_AT:end])
    return Command(head.node, head.epoch, head.nonce, counter, message[HEAD_BYTES + 4], payload)


def begin_payload(kind: int, size: int, digest: "Buffer") -> bytes:
    """A transfer of `size` bytes with this SHA-256."""
    buffer = bytearray(5 + DIGEST_BYTES)
    at = put_uint(buffer, 0, 1, kind, "kind")
    at = put_uint(buffer, at, 4, size, "size")
    put_bytes(buffer, at, digest, "sha256", DIGEST_BYTES)
    return bytes(buffer)


def parse_begin(payload: bytes) -> "tuple[int, int, bytes]":
    """(kind, size, sha256)."""
    _check_size(payload, 5 + DIGEST_BYTES)
    return payload[0], uint(payload, 1, 4), payload[5:]


def data_payload(offset: int, piece: "Buffer") -> bytes:
    """A piece of a transfer, 1 to 512 bytes."""
    if not 0 < len(piece) <= PIECE_BYTES_MAX:
        raise UplinkError(f"a piece has 1 to {PIECE_BYTES_MAX} bytes, this one has {len(piece)}", 4)
    buffer = bytearray(4 + len(piece))
    put_bytes(buffer, put_uint(buffer, 0, 4, offset, "offset"), piece, "piece")
    return bytes(buffer)


def parse_data(payload: bytes) -> "tuple[int, memoryview]":
    """(offset, piece)."""
    if not 4 < len(payload) <= PAYLOAD_BYTES_MAX:
        raise UplinkError(f"a piece cannot have {len(payload) - 4} bytes", 4)
    return uint(payload, 0, 4), memoryview(payload)[4:]


def number_payload(value: int) -> bytes:
    """The payload of TIME (UTC, s) and of AGAIN (seq)."""
    buffer = bytearray(4)
    put_uint(buffer, 0, 4, value, "number")
    return bytes(buffer)


def parse_number(payload: bytes) -> int:
    """The one number of TIME and AGAIN."""
    _check_size(payload, 4)
    return uint(payload, 0, 4)


def read_payload(slots: "list[int]") -> bytes:
    """The meters to read, 1 to 16 slots."""
    _check_slots(len(slots))
    buffer = bytearray(1 + 2 * len(slots))
    at = put_uint(buffer, 0, 1, len(slots), "number of slots")
    for slot in slots:
        at = put_uint(buffer, at, 2, slot, "slot")
    return bytes(buffer)


def parse_read(payload: bytes) -> "list[int]":
    """The slots."""
    count = uint(payload, 0, 1)
    _check_slots(count)
    _check_size(payload, 1 + 2 * count)
    return [uint(payload, at, 2) for at in range(1, len(payload), 2)]


def setpoint_payload(zone: int, setpoint_dc: int, until_s: int, who: str, why: str) -> bytes:
    """A set-point in tenths of a degree until an instant (UTC, s), by whom and why."""
    texts = (_text("who", who, WHO_BYTES_MAX), _text("why", why, WHY_BYTES_MAX))
    buffer = bytearray(9 + len(texts[0]) + len(texts[1]))
    at = put_uint(buffer, 0, 1, zone, "zone")
    at = put_int16(buffer, at, setpoint_dc, "setpoint_dc")
    at = put_uint(buffer, at, 4, until_s, "until")
    for encoded in texts:
        at = put_uint(buffer, at, 1, len(encoded), "length of a text")
        at = put_bytes(buffer, at, encoded, "text")
    return bytes(buffer)


def parse_setpoint(payload: bytes) -> "tuple[int, int, int, str, str]":
    """(zone, setpoint_dc, until_s, who, why)."""
    zone, setpoint_dc, until_s = uint(payload, 0, 1), int16(payload, 1), uint(payload, 3, 4)
    who, at = _parse_text(payload, 7, WHO_BYTES_MAX)
    why, at = _parse_text(payload, at, WHY_BYTES_MAX)
    _check_size(payload, at)
    return zone, setpoint_dc, until_s, who, why


def _text(name: str, value: str, most: int) -> bytes:
    encoded = value.encode()
    if not 0 < len(encoded) <= most:
        raise UplinkError(f"{name} has 1 to {most} bytes, this one has {len(encoded)}")
    return encoded


def _parse_text(payload: bytes, at: int, most: int) -> "tuple[str, int]":
    size = uint(payload, at, 1)
    end = at + 1 + size
    if not 0 < size <= most or end > len(payload):
        raise UplinkError(f"a text of {size} bytes cannot be here", at)
    try:
        return payload[at + 1 : end].decode(), end
    except UnicodeError:
        raise UplinkError("a text is not UTF-8", at + 1) from None


def _check_counter(counter: int) -> None:
    if counter < 1:
        raise UplinkError("counters begin at 1", HEAD_BYTES)


def _check_slots(count: int) -> None:
    if not 0 < count <= SLOTS_MAX:
        raise UplinkError(f"{count} slots; at most {SLOTS_MAX} are read at once", 0)


def _check_size(payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise UplinkError(f"a payload of {size} bytes is expected, not of {len(payload)}", 0)
