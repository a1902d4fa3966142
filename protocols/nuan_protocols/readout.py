"""One meter's turn on the line, as the master: bytes to send out, answers in.

The caller owns line and clock, be it a node, the gateway or a tool; the protocol's subclass knows
the questions and judges the answers:

    readout = ...ReadOut(...)
    while (question := readout.request()) is not None:
        send(question)
        while readout.waiting:
            data = receive(readout.wanted())       # at most the answer time-out
            if data: readout.feed(data)
            else: readout.timeout()
    readout.exchanges, readout.result

A question without a good answer is sent again, up to `tries` times, byte for byte the same.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol, TypeAlias

    from nuan_protocols.checksum import Buffer

    # Read's number within the turn, result, how often asked, question, answer (b"" without one).
    Exchange: TypeAlias = tuple[int, int, int, bytes, bytes]

    class Reader(Protocol):
        """Finds frames in what the line delivers, however it is split, noise and echo aside."""

        noise_bytes: int

        def expect(self, sent: Buffer) -> None:
            """Forget everything received; from now on look for the answer to `sent`."""

        def feed(self, data: Buffer, size: int = -1) -> None:
            """Take received bytes, any number of them: the first `size`, or all."""

        def idle(self) -> None:
            """The line has fallen silent: what is unfinished will never be finished."""

        def wanted(self) -> int:
            """How many bytes to wait for: what is looked for ends no earlier."""
            ...


# The numbers that uplink/body.py gives a journaled exchange.
OK = 0
NO_ANSWER = 1
UNREADABLE = 2
EXCEPTION = 3

# What a subclass may also say of a frame: it isn't the answer, or it is one nobody needs to keep.
FOREIGN = -1
UNKEPT = -2

TRIES = 3


class ReadOut:
    """Asks one question after the other and keeps every exchange; made by a protocol's subclass.

    exchanges   (part, result, tries, question, answer) of each question that is over, in order
    result      OK, or how the last question that failed did
    waiting     a question was sent, and its answer is still looked for
    question    the request being sent, or the last one
    part        number of the read it belongs to, as the journal has it
    tries       how often it was sent
    """

    def __init__(self, reader: "Reader", question: "bytes | None", tries: int = TRIES) -> None:
        self.exchanges: list[Exchange] = []
        self.result = OK
        self.waiting = False
        self.question = b"" if question is None else question
        self.part: int = 0
        self.tries = 0
        self._reader = reader
        self._tries_max = tries
        self._over = question is None

    def request(self) -> "bytes | None":
        """The bytes to send next, None when the turn is over. Call before sending them."""
        if self._over or self.waiting:
            return None
        self.tries += 1
        self.waiting = True
        self._reader.expect(self.question)
        return self.question

    def wanted(self) -> int:
        """How many bytes to receive before feeding them: the answer ends no earlier."""
        return self._reader.wanted()

    def answer_bytes_max(self) -> int:
        """Length of the longest answer to `question`: how long the line may be busy with it."""
        raise NotImplementedError

    def feed(self, data: "Buffer", size: int = -1) -> None:
        """Take received bytes, the first `size` or all; `waiting` ends with the whole answer."""
        self._reader.feed(data, size)
        self._take()

    def timeout(self) -> None:
        """Nothing more came in the answer time: send the same again, or give up."""
        self._reader.idle()
        self._take()
        if not self.waiting:
            return
        self.waiting = False
        if self.tries >= self._tries_max:
            self._end(UNREADABLE if self._reader.noise_bytes else NO_ANSWER, b"")

    def _look(self) -> "tuple[int, bytes] | None":
        """The reader's next frame as OK, EXCEPTION, UNKEPT or FOREIGN and its bytes, if any."""
        raise NotImplementedError

    def _next(self, verdict: int, answer: bytes) -> "bytes | None":
        """The question after one that ended with `verdict`, `part` set; None ends the turn."""
        raise NotImplementedError

    def _take(self) -> None:
        while self.waiting:
            seen = self._look()
            if seen is None:
                return
            verdict, answer = seen
            if verdict != FOREIGN:
                self.waiting = False
                self._end(verdict, answer)

    def _end(self, verdict: int, answer: bytes) -> None:
        if verdict != UNKEPT:
            self.exchanges.append((self.part, verdict, self.tries, self.question, answer))
            if verdict not in (OK, EXCEPTION):
                self.result = verdict
        question = self._next(verdict, answer)
        if question is None:
            self._over = True
        else:
            self.question = question
            self.tries = 0
