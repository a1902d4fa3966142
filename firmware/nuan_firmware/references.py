"""Last telegrams of one segment, in one arena made at boot.

Writer and reader place the same bodies in the same order, so an index written by the one means the
same to the other. A body that no longer fits is simply not kept: it is then stored in full.
"""

from array import array

from micropython import const

PARTS_MAX = const(256)
# Of writer and reader each, whatever the meters say.
ARENA_BYTES_MAX = 7168


class References:
    """At most `count` bodies, `arena_bytes` in all, each under the key (slot, part).

    `keys` holds slot * PARTS_MAX + part of each index; `missed` is the length of the longest body
    that there was no room for since the start.
    """

    def __init__(self, count: int, arena_bytes: int) -> None:
        self._arena = memoryview(bytearray(arena_bytes))
        self.keys = array("I", bytes(4 * count))
        self._starts = array("H", bytes(2 * count))
        self._lengths = array("H", bytes(2 * count))
        self._capacities = array("H", bytes(2 * count))
        self._count = 0
        self._used = 0
        self._hint = 0
        self.missed = 0

    def reset(self) -> None:
        """Forget everything: a new segment begins."""
        self._count = self._used = self._hint = 0

    def find(self, slot: int, part: int) -> int:
        """Index of the body kept under the key, or -1."""
        key = slot * PARTS_MAX + part
        # Meters are polled in slot order, so the next one is nearly always the right one.
        index = self._hint
        for _ in range(self._count):
            if index >= self._count:
                index = 0
            if self.keys[index] == key:
                self._hint = index + 1
                return index
            index += 1
        return -1

    def place(self, slot: int, part: int, length: int) -> int:
        """Make room for a body of `length` bytes under the key; its index, or -1 without room."""
        index = self.find(slot, part)
        if index >= 0 and length <= self._capacities[index]:
            self._lengths[index] = length
            return index
        if self._used + length > len(self._arena):
            self.missed = max(self.missed, length)
            return -1
        if index < 0:
            if self._count == len(self.keys):
                return -1
            index = self._count
            self._count += 1
            self.keys[index] = slot * PARTS_MAX + part
        self._starts[index] = self._used
        self._lengths[index] = self._capacities[index] = length
        self._used += length
        return index

    def length(self, index: int) -> int:
        """Length of the body at `index`, or -1 when there is none."""
        return self._lengths[index] if index < self._count else -1

    def view(self, index: int) -> memoryview:
        """The body at `index`, writable in place."""
        start = self._starts[index]
        return self._arena[start : start + self._lengths[index]]
