"""What the declarations of all protocols are written with: construct, typed from outside.

construct ships without types; only this module, and the layouts that use it, touch it.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Mapping
from typing import Any, Protocol

c: Any = importlib.import_module("construct")


class Layout(Protocol):
    """A construct declaration, seen as a pair of typed functions."""

    def build(self, obj: Mapping[str, object]) -> bytes:
        """Bytes of the named fields."""
        ...

    def parse(self, data: bytes) -> Mapping[str, Any]:
        """Named fields of the bytes; raises construct's own errors."""
        ...


LAYOUT_ERRORS: tuple[type[Exception], ...] = (c.ConstructError, struct.error, ValueError)
"""What a layout raises for bytes that don't fit it: any, too few, no digits."""


def bcd(size: int, *, high_first: bool = False) -> Any:
    """A whole number in `size` bytes of packed BCD, least significant byte first by default."""
    order = slice(None, None, 1 if high_first else -1)

    def decode(obj: bytes, _context: Any) -> int:
        return int(obj[order].hex())

    def encode(obj: int, _context: Any) -> bytes:
        text = f"{obj:0{2 * size}d}"
        if len(text) != 2 * size or not text.isdecimal():
            raise ValueError(f"{obj} does not fit {2 * size} BCD digits")
        return bytes.fromhex(text)[order]

    return c.ExprAdapter(c.Bytes(size), decode, encode)
