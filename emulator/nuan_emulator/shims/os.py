# ruff: noqa: D103, PLW0603
"""The os module with the world's randomness in urandom."""

import hashlib as _hashlib

from uos import *  # noqa: F403

_seed = b""
_drawn = 0


def seed(value):
    """Start urandom anew from the world's seed."""
    global _seed, _drawn
    _seed = value
    _drawn = 0


def urandom(size):
    global _drawn
    data = b""
    while len(data) < size:
        data += _hashlib.sha256(_seed + _drawn.to_bytes(4, "big")).digest()
        _drawn += 1
    return data[:size]
