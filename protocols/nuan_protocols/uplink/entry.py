"""Journal entries: the canonical bytes that are digested, chained and kept as evidence.

    0  u8  version = 1      2  node[8]      18 u32 seq, from 1      26 u8 clock
    1  u8  kind            10  epoch[8]     22 u32 time             27 body (body.py)

    salt    = SHA256(k_salt || epoch || seq)[:16]
    digest  = SHA256("E" || salt || entry)
    chain_0 = SHA256("G" || node || epoch)
    chain_n = SHA256("C" || chain_(n-1) || digest_n)

All integers are big-endian. `time` is UTC seconds since 1970, or seconds since boot while the clock
was never set. An entry is a whole of known length: there is nothing to resynchronise to.
The board writes with this file and body.py; entry_reader.py reads what they write.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import put_bytes, put_uint

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

VERSION = 1

KIND_EXCHANGE = 1
KIND_EVENT = 2
KIND_CONTROL = 3
KIND_TOMBSTONE = 4

# Only 0 makes `time` something else than UTC. 3 to 11: the gateway told the time 2**(n - 3) to
# 2**(n - 2) days ago, 11: or longer.
CLOCK_NEVER_SET = 0
CLOCK_COASTING = 1
CLOCK_SYNCHRONISED = 2
CLOCK_MAX = 11

NODE_BYTES = 8
EPOCH_BYTES = 8
DIGEST_BYTES = 32
HEAD_BYTES = 27
BODY_BYTES_MAX = 1024
ENTRY_BYTES_MAX = HEAD_BYTES + BODY_BYTES_MAX
SEQ_MAX = 0xFFFFFFFF


def put_head(
    buffer: bytearray,
    kind: int,
    node: "Buffer",
    epoch: "Buffer",
    seq: int,
    time: int,
    clock: int,
) -> int:
    """Write an entry's head at the start of the buffer; return where its body begins."""
    check_seq(seq, 18)
    check_clock(clock, 26)
    at = put_uint(buffer, 0, 1, VERSION, "version")
    at = put_uint(buffer, at, 1, kind, "kind")
    at = put_bytes(buffer, at, node, "node", NODE_BYTES)
    at = put_bytes(buffer, at, epoch, "epoch", EPOCH_BYTES)
    at = put_uint(buffer, at, 4, seq, "seq")
    at = put_uint(buffer, at, 4, time, "time")
    return put_uint(buffer, at, 1, clock, "clock")


def digest(salt: "Buffer", entry: "Buffer") -> bytes:
    """Salted digest (32 bytes) of an entry's canonical bytes."""
    hashed = sha256(b"E")
    hashed.update(salt)
    hashed.update(entry)
    return hashed.digest()


def genesis(node: "Buffer", epoch: "Buffer") -> bytes:
    """Chain value (32 bytes) before the first entry of a journal."""
    hashed = sha256(b"G")
    hashed.update(node)
    hashed.update(epoch)
    return hashed.digest()


def chain(previous: "Buffer", entry_digest: "Buffer") -> bytes:
    """Chain value (32 bytes) after an entry, from the one before it and the entry's digest."""
    hashed = sha256(b"C")
    hashed.update(previous)
    hashed.update(entry_digest)
    return hashed.digest()


def check_seq(seq: int, offset: int) -> None:
    """Refuse a sequence number outside 1..2**32-1."""
    if not 1 <= seq <= SEQ_MAX:
        raise UplinkError(f"sequence number {seq} is not within 1..2**32-1", offset)


def check_clock(clock: int, offset: int) -> None:
    """Refuse a clock quality outside 0..11."""
    if not CLOCK_NEVER_SET <= clock <= CLOCK_MAX:
        raise UplinkError(f"clock quality {clock} is not within 0..{CLOCK_MAX}", offset)
