"""One question to whoever may be there, and everything that comes back until the line is silent."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188.dialects import ALL
from nuan_protocols.cjt188.reader import FrameReader as CjtReader
from nuan_protocols.dlt645.reader import FrameReader

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

_EXTRA_BYTES = sorted({each.extra_bytes for each in ALL})
_ANSWER_BYTES = 64
_HEARD_BYTES_MAX = 2048


class Listening:
    """Sends one question and keeps every byte but its echo; driven like a ReadOut."""

    def __init__(self, question: bytes) -> None:
        self.question = question
        self.waiting = False
        self._heard = b""
        self._sent = False

    def request(self) -> bytes | None:
        """The question, once."""
        if self._sent:
            return None
        self._sent = self.waiting = True
        return self.question

    def wanted(self) -> int:
        """Silence decides."""
        return 1

    def answer_bytes_max(self) -> int:
        """Of the short answers that are asked for."""
        return _ANSWER_BYTES

    def feed(self, data: "Buffer") -> None:
        """Keeps what came."""
        self._heard = (self._heard + bytes(data))[:_HEARD_BYTES_MAX]

    def timeout(self) -> None:
        """The line is silent."""
        self.waiting = False

    @property
    def heard(self) -> bytes:
        """What came, the question's echo aside."""
        return self._heard.removeprefix(self.question)

    def cjt188_addresses(self) -> tuple[list[bytes], bool]:
        """Who answered by CJ/T 188, as on the wire, and whether some of it is no answer."""
        found: list[bytes] = []
        noise: list[int] = []
        for extra_bytes in _EXTRA_BYTES:
            reader = CjtReader(extra_bytes)
            reader.expect(self.question)
            reader.feed(self._heard)
            reader.idle()
            while (frame := reader.next_frame()) is not None:
                if frame.address not in found:
                    found.append(frame.address)
            noise.append(reader.noise_bytes)
        # With one length or the other all of it should make sense.
        return found, min(noise) > 0

    def dlt645_frames(self) -> tuple[list[bytes], int]:
        """Whole DL/T 645 answers among it, and how many bytes are none."""
        reader = FrameReader()
        reader.expect(self.question)
        reader.feed(self._heard)
        reader.idle()
        frames: list[bytes] = []
        while (frame := reader.next_frame()) is not None:
            frames.append(frame)
        return frames, reader.noise_bytes
