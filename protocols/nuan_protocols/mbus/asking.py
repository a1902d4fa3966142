"""One question to a line where nobody, one or several may answer, and what came back.

A read-out takes the first good answer; a search must hear everything until the line is silent:
two meters may answer one behind the other, or on top of each other. On M-Bus a 0 of one overrides
the 1 of the others, so equal answers at the same instant look like one: an E5 alone proves nothing.
"""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.frame import (
    ACK,
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    LONG_BYTES_MIN,
    LONG_OVERHEAD_BYTES,
    LONG_START,
)
from nuan_protocols.mbus.reader import FrameReader

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.frame import Frame

SILENCE = 0
ACKNOWLEDGED = 1
ANSWERED = 2
GARBLED = 3

_HEARD_BYTES_MAX = 2 * FRAME_BYTES_MAX


class Asking:
    """The base of what asks question after question; see ReadOut for how it is driven.

    waiting     a question was sent; ends only with `timeout`: the line has fallen silent
    question    the request being sent, or the last one
    sent        how many requests went out
    """

    def __init__(self, reader: FrameReader | None = None) -> None:
        self._reader = FrameReader() if reader is None else reader
        self.question = b""
        self.waiting = False
        self.sent = 0
        self._heard = bytearray()

    def request(self) -> bytes | None:
        """The bytes to send next, None when all is over. Call before sending them."""
        if self.waiting:
            return None
        question = self._next()
        if question is None:
            return None
        self.question = question
        self.waiting = True
        self.sent += 1
        self._heard = bytearray()
        return question

    def wanted(self) -> int:
        """How many bytes to wait for; when they don't come in the answer time, `timeout`."""
        heard, start = self._heard, self._echo_bytes()
        have = len(heard) - start
        if have < HEADER_BYTES or heard[start] != LONG_START:
            return 1
        return max(1, heard[start + 1] + LONG_OVERHEAD_BYTES - have)

    def answer_bytes_max(self) -> int:
        """Length of the longest answer."""
        return FRAME_BYTES_MAX

    def feed(self, data: "Buffer", size: int = -1) -> None:
        """Take received bytes, the first `size` or all. What is more than any answer is noise and
        is forgotten."""
        if size < 0:
            size = len(data)
        if self.waiting and len(self._heard) + size <= _HEARD_BYTES_MAX:
            self._heard.extend(data[:size])

    def timeout(self) -> None:
        """Nothing more came in the answer time: judge what was heard."""
        if not self.waiting:
            return
        self.waiting = False
        heard = bytes(self._heard)
        self._heard = bytearray()
        self._judge(heard)

    def _judge(self, heard: bytes) -> None:
        reader = self._reader
        reader.expect(self.question)
        reader.feed(heard)
        reader.idle()
        frames: list[Frame] = []
        frame = reader.next_frame()
        while frame is not None:
            frames.append(frame)
            frame = reader.next_frame()
        noise = reader.noise_bytes
        if not frames and not noise:
            self._answer(SILENCE, None)
        elif len(frames) != 1:
            self._answer(GARBLED, None)
        elif frames[0].raw[0] == ACK:
            self._answer(GARBLED if noise else ACKNOWLEDGED, None)
        else:
            # Too little for a second answer: noise.
            good = noise < LONG_BYTES_MIN
            self._answer(ANSWERED if good else GARBLED, frames[0])

    def _echo_bytes(self) -> int:
        size = len(self.question)
        return size if bytes(self._heard[:size]) == self.question else 0

    def _next(self) -> "bytes | None":
        """The next question; None: over."""
        raise NotImplementedError

    def _answer(self, verdict: int, frame: "Frame | None") -> None:
        """Take SILENCE, ACKNOWLEDGED, ANSWERED (with its frame) or GARBLED."""
        raise NotImplementedError
