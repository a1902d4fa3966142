"""BATCH: a contiguous run of journal entries, node -> gateway.

    0  head (message.py), type 2        32 chain_before[32]
    26 u32 first_seq                    64 count entries, consecutive numbers from first_seq:
    30 u16 count                           u16 length | u8 kind | u32 time | u8 clock | body
                                           (length counts what follows it)      then mac[32]

Version, node, epoch and number of each entry are implied, so the canonical entry is rebuilt from
the batch. A batch is stateless: chain_before is the chain value before first_seq, whatever was sent
earlier. Resynchronising: the next message (message.py).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink import entry as entries
from nuan_protocols.uplink.fields import put_bytes, put_uint, uint
from nuan_protocols.uplink.keys import MAC_BYTES
from nuan_protocols.uplink.message import (
    HEAD_BYTES,
    MESSAGE_BYTES_MAX,
    TYPE_BATCH,
    open_message,
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.uplink.keys import Buffer, NodeKeys

BATCH_HEAD_BYTES = HEAD_BYTES + 38
ENTRY_OVERHEAD_BYTES = 8
COUNT_MAX = 0xFFFF

_COUNT_AT = HEAD_BYTES + 4
_CHAIN_AT = HEAD_BYTES + 6
# Kind to body: what an entry in a batch holds at least.
_PART_BYTES_MIN = 6

if TYPE_CHECKING:

    class BatchEntry(NamedTuple):
        """One entry: its canonical bytes, digest, and the chain value after it."""

        seq: int
        kind: int
        time: int
        clock: int
        canonical: bytes
        digest: bytes
        chain: bytes

    class Batch(NamedTuple):
        """An authentic batch."""

        node: bytes
        epoch: bytes
        nonce: bytes
        chain_before: bytes
        entries: list[BatchEntry]

else:
    from collections import namedtuple

    BatchEntry = namedtuple(
        "BatchEntry", ("seq", "kind", "time", "clock", "canonical", "digest", "chain")
    )
    Batch = namedtuple("Batch", ("node", "epoch", "nonce", "chain_before", "entries"))


class BatchBuilder:
    """Builds batches in the caller's buffer, whose size limits the message: begin, add, finish."""

    def __init__(self, buffer: bytearray, keys: "NodeKeys", node: bytes, epoch: bytes) -> None:
        if not BATCH_HEAD_BYTES + MAC_BYTES < len(buffer) <= MESSAGE_BYTES_MAX:
            raise UplinkError(f"a batch buffer has 97..{MESSAGE_BYTES_MAX} bytes")
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._keys = keys
        self._node = node
        self._epoch = epoch
        self._at = 0
        self._first = 0
        self.count = 0

    def begin(self, nonce: "Buffer", first_seq: int, chain_before: "Buffer") -> None:
        """Start a batch at `first_seq`, with the chain value before that entry."""
        entries.check_seq(first_seq, HEAD_BYTES)
        at = put_message_head(self._buffer, TYPE_BATCH, self._node, self._epoch, nonce)
        at = put_uint(self._buffer, at, 4, first_seq, "first_seq")
        at = put_uint(self._buffer, at, 2, 0, "count")
        self._at = put_bytes(self._buffer, at, chain_before, "chain_before", 32)
        self._first = first_seq
        self.count = 0

    def add(self, entry: "Buffer") -> bool:
        """Append the canonical bytes of the next entry; False when it doesn't fit any more.

        Raises UplinkError when it isn't this journal's entry with the next number.
        """
        length = len(entry) - entries.HEAD_BYTES + _PART_BYTES_MIN
        at = self._at
        end = at + 2 + length
        if end + MAC_BYTES > len(self._buffer) or self.count == COUNT_MAX:
            return False
        seq = uint(entry, 18, 4)
        if seq != self._first + self.count:
            raise UplinkError(f"entry {seq} follows entry {self._first + self.count - 1}", 18)
        view = memoryview(entry)
        if view[2:10] != self._node or view[10:18] != self._epoch:
            raise UplinkError("the entry is of another node or journal", 2)
        put_uint(self._buffer, at, 2, length, "length")
        self._buffer[at + 2] = entry[1]
        self._view[at + 3 : end] = view[22:]
        self._at = end
        self.count += 1
        return True

    def finish(self) -> memoryview:
        """Close the batch; the message is a view of the buffer, valid until the next begin()."""
        put_uint(self._buffer, _COUNT_AT, 2, self.count, "count")
        return self._view[: put_mac(self._buffer, self._at, self._keys.up)]


def parse_batch(message: bytes, keys: "NodeKeys") -> Batch:
    """Check the MAC and rebuild every entry with its digest and chain value.

    Bodies are not judged: an authentic entry is kept even if its body can't be read (body.py).
    """
    head = open_message(message, TYPE_BATCH, keys.up)
    node_epoch = head.node + head.epoch
    seq = uint(message, HEAD_BYTES, 4)
    count = uint(message, _COUNT_AT, 2)
    chain = chain_before = bytes(message[_CHAIN_AT:BATCH_HEAD_BYTES])
    end = len(message) - MAC_BYTES
    entries.check_seq(seq, HEAD_BYTES)
    if seq + count - 1 > entries.SEQ_MAX:
        raise UplinkError("the entries' numbers pass 2**32-1", _COUNT_AT)
    rebuilt: list[BatchEntry] = []
    at = BATCH_HEAD_BYTES
    for _ in range(count):
        behind = _part_end(message, at, end)
        canonical = b"".join(
            (
                b"\x01",
                message[at + 2 : at + 3],
                node_epoch,
                seq.to_bytes(4, "big"),
                message[at + 3 : behind],
            )
        )
        digest = entries.digest(keys.salt(head.epoch, seq), canonical)
        chain = entries.chain(chain, digest)
        time = int.from_bytes(message[at + 3 : at + 7], "big")
        clock = message[at + 7]
        rebuilt.append(BatchEntry(seq, canonical[1], time, clock, canonical, digest, chain))
        at = behind
        seq += 1
    if at != end:
        raise UplinkError(f"{count} entries end at {at}, the message at {end}", at)
    return Batch(head.node, head.epoch, head.nonce, chain_before, rebuilt)


def _part_end(message: bytes, at: int, end: int) -> int:
    length = uint(message, at, 2)
    behind = at + 2 + length
    if not _PART_BYTES_MIN <= length <= _PART_BYTES_MIN + entries.BODY_BYTES_MAX or behind > end:
        raise UplinkError(f"an entry of {length} bytes cannot be here", at)
    entries.check_clock(message[at + 7], at + 7)
    return behind
