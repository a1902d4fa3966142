"""Keys of one node and the message authentication made with them.

    node key K (32 bytes, shared by node and gateway)
      k_up   = HMAC-SHA256(K, "nuan up 1")     authenticates HELLO, BATCH, RESULT
      k_down = HMAC-SHA256(K, "nuan down 1")   authenticates ACK and COMMAND
      k_salt = HMAC-SHA256(K, "nuan salt 1")   salts the entries' digests

The board's hashlib has neither hmac nor copy(), so HMAC (RFC 2104) is spelled out here, with both
pads computed once per key. Parts are streamed into the hash: nothing is joined on a small heap.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError

if TYPE_CHECKING:
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

KEY_BYTES = 32
MAC_BYTES = 32
SALT_BYTES = 16

_BLOCK_BYTES = 64


class MacKey:
    """HMAC-SHA256 under one key of at most 64 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise UplinkError(f"a MAC key has at most 64 bytes, this one has {len(key)}")
        padded = key + bytes(_BLOCK_BYTES - len(key))
        self._inner = bytes(byte ^ 0x36 for byte in padded)
        self._outer = bytes(byte ^ 0x5C for byte in padded)

    def mac(self, *parts: "Buffer") -> bytes:
        """MAC (32 bytes) over the parts one after another."""
        inner = sha256(self._inner)
        for part in parts:
            inner.update(part)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


class NodeKeys:
    """The keys derived from a 32-byte node key. Raises UplinkError when it has another length."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise UplinkError(f"a node key has 32 bytes, this one has {len(key)}")
        root = MacKey(key)
        self.up = MacKey(root.mac(b"nuan up 1"))
        self.down = MacKey(root.mac(b"nuan down 1"))
        self._salt = root.mac(b"nuan salt 1")

    def salt(self, epoch: "Buffer", seq: int) -> bytes:
        """Salt (16 bytes) of the entry `seq` of the journal `epoch`."""
        salted = sha256(self._salt)
        salted.update(epoch)
        salted.update(seq.to_bytes(4, "big"))
        return salted.digest()[:SALT_BYTES]


def equal(left: "Buffer", right: "Buffer") -> bool:
    """Whether two buffers are equal, in a time that depends on their lengths only."""
    if len(left) != len(right):
        return False
    difference = 0
    for index in range(len(left)):
        difference |= left[index] ^ right[index]
    return difference == 0
