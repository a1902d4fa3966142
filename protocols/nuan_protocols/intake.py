"""Takes in what a line delivers without a slice, because on a board each slice costs heap."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer


def copy(target: "bytearray | memoryview", at: int, source: "Buffer", start: int, size: int) -> int:
    """Put source[start:start + size] at `at`; return the offset behind it. There must be room."""
    for index in range(size):
        target[at + index] = source[start + index]
    return at + size


def holds(buffer: "Buffer", at: int, expected: "Buffer", size: int) -> bool:
    """Whether the first `size` bytes of `expected` stand in the buffer at `at`."""
    index = 0
    while index < size and buffer[at + index] == expected[index]:
        index += 1
    return index == size
