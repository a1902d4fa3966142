"""Reads one meter, as the master: bytes to send out, answers in; the caller owns line and clock.

    SND_NKE    10 40 A sum 16              -> E5            resets the meter's frame count bit
    REQ_UD2    10 7B A sum 16              -> 68 .. 16      first telegram
    REQ_UD2    10 5B A sum 16              -> 68 .. 16      next, while the last ended with DIF 1F

A meter repeats its last telegram when the frame count bit (20h of C) doesn't change, so the bit is
toggled after each valid answer and only then: a lost answer is asked for again, not skipped. Only
after SND_NKE to the meter's own address do both sides agree about the bit. Without its E5 nothing
is asked: an old telegram could pass for a new one.

    readout = ReadOut(address)
    while (request := readout.request()) is not None:
        send(request)
        while readout.waiting:
            data = receive(readout.wanted())       # at most the answer time-out
            if data: readout.feed(data)
            else: readout.timeout()
    readout.exchanges, readout.result
"""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.frame import ACK, FRAME_COUNT_BIT, REQ_UD2, SND_NKE, short_frame
from nuan_protocols.mbus.reader import FrameReader
from nuan_protocols.mbus.walk import more_follows

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.frame import Frame

OK = 0
NO_ANSWER = 1
UNREADABLE = 2

TELEGRAMS_MAX = 16
TRIES = 3

_RSP_UD = 0x08
_ACCESS_DEMAND_AND_FLOW = 0x30


class ReadOut:
    """Reads all telegrams of the meter at `address`, each request sent up to `tries` times.

    reset       send SND_NKE first; without it `fcb` must be what the last ReadOut left
    exchanges   (question, answer, how often the question was sent) of every telegram read
    result      OK, or why reading stopped: NO_ANSWER (silence) or UNREADABLE (only noise)
    question    the request being sent, or the one given up on
    tries       how often that was sent
    """

    def __init__(
        self,
        address: int,
        reader: FrameReader | None = None,
        reset: bool = True,
        fcb: bool = True,
        tries: int = TRIES,
        telegrams_max: int = TELEGRAMS_MAX,
    ) -> None:
        self.exchanges: list[tuple[bytes, bytes, int]] = []
        self.fcb = fcb
        self.result = OK
        self.tries = 0
        self.waiting = False
        self._address = address
        self._reader = FrameReader() if reader is None else reader
        self._tries_max = tries
        self._left = telegrams_max
        self._over = False
        self.question = self._nke() if reset else self._req_ud2()

    def request(self) -> bytes | None:
        """The bytes to send next, None when the read-out is over. Call before sending them."""
        if self._over or self.waiting:
            return None
        self.tries += 1
        self.waiting = True
        self._reader.expect(self.question)
        return self.question

    def wanted(self) -> int:
        """How many bytes to receive before feeding them: the answer ends no earlier."""
        return self._reader.wanted()

    def feed(self, data: "Buffer") -> None:
        """Take received bytes; `waiting` turns False when they complete the answer."""
        self._reader.feed(data)
        self._take()

    def timeout(self) -> None:
        """Nothing more came in the answer time: send the same again, or give up."""
        self._reader.idle()
        self._take()
        if not self.waiting:
            return
        self.waiting = False
        if self.tries >= self._tries_max:
            self.result = UNREADABLE if self._reader.noise_bytes else NO_ANSWER
            self._over = True

    def _take(self) -> None:
        frame = self._reader.next_frame()
        while frame is not None and self.waiting:
            if self.question[1] == SND_NKE:
                self._take_ack(frame)
            elif frame.control & ~_ACCESS_DEMAND_AND_FLOW == _RSP_UD:
                self._take_telegram(frame)
            frame = self._reader.next_frame()

    def _take_ack(self, frame: "Frame") -> None:
        if frame.raw[0] == ACK:
            self.waiting = False
            self.tries = 0
            self.fcb = True
            self.question = self._req_ud2()

    def _take_telegram(self, frame: "Frame") -> None:
        self.exchanges.append((self.question, frame.raw, self.tries))
        self.waiting = False
        self.fcb = not self.fcb
        self._left -= 1
        if self._left > 0 and more_follows(frame.raw):
            self.tries = 0
            self.question = self._req_ud2()
        else:
            self._over = True

    def _nke(self) -> bytes:
        return short_frame(SND_NKE, self._address)

    def _req_ud2(self) -> bytes:
        return short_frame(REQ_UD2 | (FRAME_COUNT_BIT if self.fcb else 0), self._address)
