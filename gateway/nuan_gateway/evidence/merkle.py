"""Merkle trees as RFC 6962 section 2.1 defines them.

SHA-256, 0x00 before a leaf, 0x01 before an inner node. A leaf is an entry's 32-byte
digest. A tree of n leaves splits at the largest power of two below n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of one leaf, SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """All levels over `leaves` in the caller's order: many proofs of one day cost one pass."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        level = [leaf_hash(leaf) for leaf in leaves]
        self._levels = [level]
        while len(level) > 1:
            paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            if len(level) % 2:
                paired.append(
                    level[-1]
                )  # an odd last node rises unchanged: the same tree as the RFC's split
            level = paired
            self._levels.append(level)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The tree's root, 32 bytes; SHA-256 of nothing for a tree without leaves."""
        return self._levels[-1][0] if self._levels[-1] else EMPTY_ROOT

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of leaf `index`, 0 .. size-1: siblings from the leaf up."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")
        path: list[bytes] = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index //= 2
        return path


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the RFC 6962 root over `leaves`."""
    return MerkleTree(leaves).root


def proof_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `path` proves `leaf` to be number `index` of the `size` leaves under `root`."""
    if not 0 <= index < size or any(len(step) != HASH_BYTES for step in path):
        return False
    value = leaf_hash(leaf)
    steps = iter(path)
    last = size - 1
    while last > 0:
        if index % 2 or index < last:
            sibling = next(steps, None)
            if sibling is None:
                return False
            value = node_hash(sibling, value) if index % 2 else node_hash(value, sibling)
        index //= 2
        last //= 2
    return next(steps, None) is None and value == root
