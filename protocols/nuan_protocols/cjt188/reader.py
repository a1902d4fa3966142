"""Finds CJ/T 188 answers in a stream of bytes, on the master's side of the line.

    FE .. | 68 | T | A0 .. A6 | C | L | DATA | CS | 16

How it resynchronises: every 68 may start a frame, for 68 and 16 are common inside data; stop byte
and checksum decide. What can't be a frame is dropped one byte at a time and its rest tried again,
so a bad byte never costs a good frame behind it. A start that still may become a frame is waited
for, even if it is noise; when the line has fallen silent, `idle` gives it up and tries what came
behind it. Wake-up trains and frames sent by a master (own echo) are skipped.
"""

from typing import TYPE_CHECKING

from nuan_protocols.checksum import sum8
from nuan_protocols.cjt188.frame import (
    ANSWER,
    CONTROL_AT,
    DATA_AT,
    DATA_BYTES_MAX,
    LENGTH_AT,
    OVERHEAD_BYTES,
    PREAMBLE,
    START,
    STOP,
    TAIL_BYTES,
    TYPE_AT,
    Frame,
    parse,
)
from nuan_protocols.intake import copy

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_BUFFER_BYTES = 2 * (OVERHEAD_BYTES + DATA_BYTES_MAX)
# Finished frames nobody has fetched; the oldest goes first. One request has one answer.
_FRAMES_MAX = 8

_START = b"\x68"
# Xi'ao's meters, the only ones known to have one more byte before the checksum.
_TYPE_EXTRA_BYTE = 0x55

# What the bytes at the read position are.
_NOISE = 0
_UNFINISHED = 1
_FRAME = 2


class FrameReader:
    """Takes bytes in any split, gives whole checked answers; whose they are, the caller judges.

    `extra_bytes` of the vendor stand before every answer's checksum; None: the question's T tells.
    `noise_bytes` counts what was neither answer, echo nor FE. Memory is bounded: one buffer made
    here, and at most 8 frames not yet fetched.
    """

    def __init__(self, extra_bytes: "int | None" = None) -> None:
        self.extra_bytes = extra_bytes or 0
        self._by_type = extra_bytes is None
        self.noise_bytes = 0
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._frames: list[Frame] = []

    def expect(self, sent: "Buffer") -> None:
        """Call before sending `sent`: what came earlier can't be its answer and is dropped.

        Its own echo needs no care: C tells a master's frame from an answer.
        """
        self._start = self._end = 0
        self._frames = []
        self.noise_bytes = 0
        if self._by_type:
            start = bytes(sent).find(_START)
            kind = sent[start + TYPE_AT] if 0 <= start < len(sent) - TYPE_AT else 0
            self.extra_bytes = 1 if kind == _TYPE_EXTRA_BYTE else 0

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
        """The oldest answer not yet fetched; its `raw` begins with 68."""
        return self._frames.pop(0) if self._frames else None

    def wanted(self) -> int:
        """How many bytes, at least, complete the next frame: wait for these and no longer."""
        have = self._end - self._start
        if have == 0:
            return 1
        if have < DATA_AT:
            return OVERHEAD_BYTES - have
        # A master's frame has no extra bytes: it may end earlier.
        extra = self.extra_bytes if self._buffer[self._start + CONTROL_AT] & ANSWER else 0
        return self._buffer[self._start + LENGTH_AT] + OVERHEAD_BYTES + extra - have

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
        if self._buffer[self._start] != PREAMBLE:
            self.noise_bytes += 1
        self._start += 1

    def _look(self) -> int:
        buffer, at = self._buffer, self._start
        if buffer[at] != START:
            return _NOISE
        have = self._end - at
        if have < DATA_AT:
            return _UNFINISHED
        answer = buffer[at + CONTROL_AT] & ANSWER
        extra = self.extra_bytes if answer else 0
        size = buffer[at + LENGTH_AT] + OVERHEAD_BYTES + extra
        if have < size:
            return _UNFINISHED
        last = at + size - 1
        if buffer[last] != STOP or sum8(self._view, at, last - 1) != buffer[last - TAIL_BYTES + 1]:
            return _NOISE
        self._start += size
        if answer:
            self._keep(bytes(self._view[at : last + 1]))
        return _FRAME

    def _keep(self, raw: bytes) -> None:
        if len(self._frames) == _FRAMES_MAX:
            self._frames.pop(0)
        self._frames.append(parse(raw, self.extra_bytes))
