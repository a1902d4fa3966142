"""Finds M-Bus answers in a stream of bytes, on the master's side of the line.

    68 | L | L | 68 | C | A | CI | data | sum | 16      and the single byte E5

How it resynchronises: every byte is tried as the start of a frame, first come, first served. What
can't be a frame is dropped one byte at a time and its rest tried again, so a bad byte never costs
a good frame behind it. A start that still may become a frame is waited for, even if it is noise;
when the line has fallen silent, `idle` gives it up and tries what came behind it.
Frames sent by a master (own echo) and frames of other meters are skipped.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import sum8
from nuan_protocols.intake import copy
from nuan_protocols.mbus.frame import (
    ACK,
    ADDRESS_SELECTED,
    FRAME_BYTES_MAX,
    FROM_MASTER,
    HEADER_BYTES,
    LENGTH_MIN,
    LONG_BYTES_MIN,
    LONG_OVERHEAD_BYTES,
    LONG_START,
    SHORT_BYTES,
    SHORT_START,
    STOP,
    Frame,
)

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_BUFFER_BYTES = 2 * FRAME_BYTES_MAX
# Finished frames nobody has fetched; the oldest goes first. One request has one answer.
_FRAMES_MAX = 8
_REQ_UD2_FUNCTION = 0x0B

# What the bytes at the read position are.
_NOISE = 0
_UNFINISHED = 1
_FRAME = 2


class FrameReader:
    """Takes bytes in any split, gives whole checked frames of `address` (None: of any meter).

    Memory is bounded: one buffer made here, and at most 8 frames not yet fetched.
    """

    def __init__(self, address: int | None = None) -> None:
        self.address = address
        self.noise_bytes = 0
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._ack_welcome = True
        self._echo_bytes = 0
        self._frames: list[Frame] = []

    def expect(self, sent: "Buffer") -> None:
        """Call before sending `sent`: what came earlier can't be its answer and is dropped.

        The answer must come from the address `sent` was for (253 and above: from anyone), and is
        an E5 only when `sent` isn't a REQ_UD2. `noise_bytes` counts from 0 again.
        """
        self._start = self._end = 0
        self._echo_bytes = 0
        self._frames = []
        self.noise_bytes = 0
        at = 1 if len(sent) == SHORT_BYTES and sent[0] == SHORT_START else HEADER_BYTES
        if len(sent) > at + 1:
            self._ack_welcome = sent[at] & 0x0F != _REQ_UD2_FUNCTION
            self.address = sent[at + 1] if sent[at + 1] < ADDRESS_SELECTED else None

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

    def next_frame(self) -> Frame | None:
        """The oldest frame not yet fetched."""
        return self._frames.pop(0) if self._frames else None

    def wanted(self) -> int:
        """How many bytes, at least, complete the next frame: wait for these and no longer."""
        have = self._end - self._start
        if have == 0:
            return 1
        if have < HEADER_BYTES:
            whole = SHORT_BYTES if self._buffer[self._start] == SHORT_START else LONG_BYTES_MIN
            return whole - have
        if self._buffer[self._start] == SHORT_START:
            return SHORT_BYTES - have
        return self._buffer[self._start + 1] + LONG_OVERHEAD_BYTES - have

    def idle(self) -> None:
        """The line is silent: no unfinished frame will be finished. Tries what came behind it."""
        while self._start < self._end:
            self._drop(1)
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
                self._drop(1)
        self._start = self._end = 0

    def _drop(self, count: int) -> None:
        self._start += count
        if self._echo_bytes:
            self._echo_bytes -= count
        else:
            self.noise_bytes += count

    def _look(self) -> int:
        start = self._buffer[self._start]
        if start == LONG_START:
            return self._look_long()
        if start == SHORT_START:
            return self._look_short()
        if start == ACK and self._ack_welcome and not self._echo_bytes:
            self._keep(1, -1, -1, -1)
            return _FRAME
        return _NOISE

    def _look_short(self) -> int:
        """Only masters send short frames: own echo. An E5 inside it is no acknowledgement."""
        have = self._end - self._start
        at = self._start
        if have > 1 and not self._buffer[at + 1] & FROM_MASTER:
            return _NOISE
        if have < SHORT_BYTES:
            return _UNFINISHED
        total = self._buffer[at + 1] + self._buffer[at + 2]
        if self._buffer[at + 4] == STOP and self._buffer[at + 3] == total & 0xFF:
            self._echo_bytes = SHORT_BYTES
        return _NOISE

    def _look_long(self) -> int:
        buffer, at = self._buffer, self._start
        have = self._end - at
        if have > 1 and buffer[at + 1] < LENGTH_MIN:
            return _NOISE
        if have > 2 and buffer[at + 2] != buffer[at + 1]:
            return _NOISE
        if have > 3 and buffer[at + 3] != LONG_START:
            return _NOISE
        if have < HEADER_BYTES or have < buffer[at + 1] + LONG_OVERHEAD_BYTES:
            return _UNFINISHED
        size = buffer[at + 1] + LONG_OVERHEAD_BYTES
        last = at + size - 1
        if buffer[last] != STOP or sum8(self._view, at + 4, last - 1) != buffer[last - 1]:
            return _NOISE
        self._echo_bytes = 0
        control, address = buffer[at + 4], buffer[at + 5]
        if control & FROM_MASTER or (self.address is not None and self.address != address):
            self._start += size
        else:
            self._keep(size, control, address, buffer[at + 6])
        return _FRAME

    def _keep(self, size: int, control: int, address: int, ci: int) -> None:
        raw = bytes(self._view[self._start : self._start + size])
        self._start += size
        if len(self._frames) == _FRAMES_MAX:
            self._frames.pop(0)
        self._frames.append(Frame(raw, control, address, ci))
