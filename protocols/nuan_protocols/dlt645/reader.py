"""Finds a meter's DL/T 645 frames in a stream of bytes, on the master's side of the line.

    FE.. | 68 | A0..A5 | 68 | C | L | data + 33h | CS | 16

How it resynchronises: every byte is tried as the first 68. It is one only with another 68 seven
bytes on, and the checksum and the 16 at the place that L names; a 68 or 16 inside data or address
means nothing. What isn't a frame is dropped one byte at a time and its rest tried again, so a bad
byte never costs a good frame behind it. A start that still may become a frame is waited for; when
the line has fallen silent, `idle` gives it up and tries what came behind it. Frames of a master
(own echo) and of other meters are skipped. FE may be many, few or missing.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import sum8
from nuan_protocols.dlt645.frame import (
    ALL_METERS,
    CONTROL_AT,
    DATA_AT,
    FRAME_BYTES_MAX,
    FRAME_BYTES_MIN,
    FROM_METER,
    LENGTH_AT,
    SECOND_START_AT,
    START,
    STOP,
    WAKE,
    address_bytes,
    same_meter,
    wake_bytes,
)
from nuan_protocols.intake import copy

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_BUFFER_BYTES = 2 * FRAME_BYTES_MAX
# Finished frames nobody has fetched; the oldest goes first. One request has one answer.
_FRAMES_MAX = 8

# What the bytes at the read position are.
_NOISE = 0
_UNFINISHED = 1
_FRAME = 2


class FrameReader:
    """Takes bytes in any split, gives whole checked frames that a meter sent.

    Memory is bounded: one buffer made here, and at most 8 frames not yet fetched.
    """

    def __init__(self, address: "str | None" = None) -> None:
        self.noise_bytes = 0
        self._address = None if address is None else address_bytes(address)
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._wake = 0
        self._frames: list[bytes] = []

    def expect(self, sent: "Buffer") -> None:
        """Call before sending `sent`: what came earlier can't be its answer and is dropped.

        The answer must come from the address `sent` was for. `noise_bytes` counts from 0 again.
        """
        self._start = self._end = 0
        self._wake = 0
        self._frames = []
        self.noise_bytes = 0
        at = wake_bytes(sent)
        self._address = None
        if len(sent) >= at + FRAME_BYTES_MIN:
            asked = bytes(sent[at + 1 : at + SECOND_START_AT])
            if asked != address_bytes(ALL_METERS):
                self._address = asked

    def feed(self, data: "Buffer", size: int = -1) -> None:
        """Take bytes from the line, any number of them: the first `size`, or all."""
        if size < 0:
            size = len(data)
        done = 0
        while done < size:
            if self._end == _BUFFER_BYTES:
                self._close_up()
            count = min(size - done, _BUFFER_BYTES - self._end)
            self._end = copy(self._buffer, self._end, data, done, count)
            done += count
            self._scan()

    def next_frame(self) -> "bytes | None":
        """The oldest frame not yet fetched, from its 68 on."""
        return self._frames.pop(0) if self._frames else None

    def wanted(self) -> int:
        """How many bytes, at least, complete the next frame: wait for these and no longer."""
        have = self._end - self._start
        if have < DATA_AT:
            return FRAME_BYTES_MIN - have
        return self._buffer[self._start + LENGTH_AT] + FRAME_BYTES_MIN - have

    def idle(self) -> None:
        """The line is silent: no unfinished frame will be finished. Tries what came behind it."""
        while self._start < self._end:
            self._drop()
            self._scan()

    def _close_up(self) -> None:
        self._end = copy(self._buffer, 0, self._buffer, self._start, self._end - self._start)
        self._start = 0

    def _scan(self) -> None:
        """Consume everything that is certain."""
        while self._start < self._end:
            found = self._look()
            if found == _UNFINISHED:
                return
            if found == _NOISE:
                self._drop()
        self._start = self._end = 0

    def _drop(self) -> None:
        self._wake = self._wake + 1 if self._buffer[self._start] == WAKE else 0
        self._start += 1
        self.noise_bytes += 1

    def _look(self) -> int:
        buffer, at = self._buffer, self._start
        if buffer[at] != START:
            return _NOISE
        have = self._end - at
        if have > SECOND_START_AT and buffer[at + SECOND_START_AT] != START:
            return _NOISE
        if have < DATA_AT or have < buffer[at + LENGTH_AT] + FRAME_BYTES_MIN:
            return _UNFINISHED
        size = buffer[at + LENGTH_AT] + FRAME_BYTES_MIN
        last = at + size - 1
        if buffer[last] != STOP or sum8(self._view, at, last - 1) != buffer[last - 1]:
            return _NOISE
        self._take(at, size)
        return _FRAME

    def _take(self, at: int, size: int) -> None:
        """Keep a meter's frame, skip all others; the FE before it were no noise."""
        self.noise_bytes -= self._wake
        self._wake = 0
        self._start += size
        if not self._buffer[at + CONTROL_AT] & FROM_METER:
            return
        address = self._view[at + 1 : at + SECOND_START_AT]
        if self._address is not None and not same_meter(self._address, address):
            return
        if len(self._frames) == _FRAMES_MAX:
            self._frames.pop(0)
        self._frames.append(bytes(self._view[at : at + size]))
