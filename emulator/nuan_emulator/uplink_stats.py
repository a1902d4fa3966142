"""What passes between a node and its gateway, counted from the messages seen in the tunnel."""

from __future__ import annotations

import struct

from nuan_protocols.uplink.message import HEAD_BYTES, TYPE_ACK, TYPE_BATCH, TYPE_HELLO

_RANGE = struct.Struct(">II")
_BATCH = struct.Struct(">IH")
_CUMULATIVE = struct.Struct(">I")
_NODE_AND_EPOCH = slice(2, 18)


class UplinkStats:
    """Counters of one node's uplink; sequence numbers restart with each journal epoch.

    `newest` is the highest number the node has offered, `cumulative` the gateway's last answer.
    """

    def __init__(self) -> None:
        self.hellos = 0
        self.batches = 0
        self.resent = 0
        self.entries = 0
        self.answers = 0
        self.newest = 0
        self.cumulative = 0
        self._epoch = b""
        self._sent = 0

    @property
    def backlog(self) -> int:
        """Entries the node has offered and the gateway has not yet confirmed."""
        return max(0, self.newest - self.cumulative)

    def up(self, payload: bytes) -> None:
        """A message from the node."""
        if len(payload) < HEAD_BYTES + _RANGE.size:
            return
        if payload[_NODE_AND_EPOCH] != self._epoch:
            self._epoch = payload[_NODE_AND_EPOCH]
            self.newest = self.cumulative = self._sent = 0
        if payload[1] == TYPE_HELLO:
            self.hellos += 1
            self.newest = max(self.newest, _RANGE.unpack_from(payload, HEAD_BYTES)[1])
        elif payload[1] == TYPE_BATCH:
            first, count = _BATCH.unpack_from(payload, HEAD_BYTES)
            last = first + count - 1
            self.batches += 1
            self.entries += count
            self.resent += first <= self._sent
            self._sent = max(self._sent, last)
            self.newest = max(self.newest, last)

    def down(self, payload: bytes) -> None:
        """A message from the gateway that reaches the node."""
        if len(payload) >= HEAD_BYTES + _CUMULATIVE.size and payload[1] == TYPE_ACK:
            self.answers += 1
            self.cumulative = _CUMULATIVE.unpack_from(payload, HEAD_BYTES)[0]
