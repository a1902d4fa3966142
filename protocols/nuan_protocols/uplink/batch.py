"""BATCH: a contiguous run of journal entries, node -> gateway.

    0  head (message.py), type 2        32 chain_before[32]
    26 u32 first_seq                    64 count entries, consecutive numbers from first_seq:
    30 u16 count                           u16 length | u8 kind | u32 time | u8 clock | body
                                           (length counts what follows it)      then mac[32]

Version, node, epoch and number of each entry are implied, so the canonical entry is rebuilt from
the batch. A batch is stateless: chain_before is the chain value before first_seq, whatever was sent
earlier. Resynchronising: the next message (message.py). batch_reader.py reads what this writes.
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
    put_mac,
    put_message_head,
)

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer, NodeKeys

BATCH_HEAD_BYTES = HEAD_BYTES + 38
ENTRY_OVERHEAD_BYTES = 8
COUNT_MAX = 0xFFFF

COUNT_AT = HEAD_BYTES + 4
CHAIN_AT = HEAD_BYTES + 6
# Kind to body: what an entry in a batch holds at least.
PART_BYTES_MIN = 6


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
        length = len(entry) - entries.HEAD_BYTES + PART_BYTES_MIN
        at = self._at
        end = at + 2 + length
        if end + MAC_BYTES > len(self._buffer) or self.count == COUNT_MAX:
            return False
        seq = uint(entry, 18, 4)
        if seq != self._first + self.count:
            raise UplinkError(f"entry {seq} follows entry {self._first + self.count - 1}", 18)
        view = memoryview(entry)
        if bytes(view[2:10]) != self._node or bytes(view[10:18]) != self._epoch:
            raise UplinkError("the entry is of another node or journal", 2)
        put_uint(self._buffer, at, 2, length, "length")
        self._buffer[at + 2] = entry[1]
        self._view[at + 3 : end] = view[22:]
        self._at = end
        self.count += 1
        return True

    def finish(self) -> memoryview:
        """Close the batch; the message is a view of the buffer, valid until the next begin()."""
        if self.count == 0:
            raise UplinkError("a batch has at least one entry", COUNT_AT)
        put_uint(self._buffer, COUNT_AT, 2, self.count, "count")
        return self._view[: put_mac(self._buffer, self._at, self._keys.up)]
