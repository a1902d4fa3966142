"""One half-duplex line: send a question, receive until the read-out has its answer.

Receiving is driven by length: the read-out says when the answer is whole, and the time-out is
waited out only when none comes. A line on which nothing stirs is given up after the reaction time;
one that has begun to answer gets the time of the longest answer on top.

One task listens for the line's lifetime and wakes the asker: no task is made for a question.
"""

import asyncio
from time import ticks_diff, ticks_ms
from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.intake import copy

if TYPE_CHECKING:
    from nuan_firmware.hal.serial import Port
    from nuan_protocols.readout import ReadOut
    from nuan_protocols.uplink.keys import Buffer

# What is kept of an answer that no reader could make sense of.
RAW_BYTES_MAX = const(261)
_CHUNK_BYTES = const(128)
# The UART speaks up after so many characters, or when the line falls silent before.
_NOTICE_CHARACTERS = const(121)


class Line:
    """A port and its receive buffer; `raw[:received]` is what came since the last send()."""

    def __init__(self, port: "Port", timeout_ms: int) -> None:
        self.raw = memoryview(bytearray(RAW_BYTES_MAX))
        self._chunk = memoryview(bytearray(_CHUNK_BYTES))
        self.received = 0
        self.port = port
        self.timeout_ms = timeout_ms
        self._stream = asyncio.StreamReader(port.uart)
        self._quiet_since = ticks_ms()
        self._readout: "ReadOut | None" = None
        self._asker: "asyncio.Task[None] | None" = None
        self._listener: "asyncio.Task[None] | None" = None
        self._fault: "Exception | None" = None

    async def send(self, question: "Buffer", quiet_ms: int, readout: "ReadOut") -> None:
        """Put a question on the line once it has been quiet that long, then let go of it.

        From then on what comes is the read-out's.
        """
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        port = self.port
        left_ms = quiet_ms - ticks_diff(ticks_ms(), self._quiet_since)
        if 0 < left_ms <= quiet_ms:
            await asyncio.sleep_ms(left_ms)
        port.drain(self.raw)
        self.received = 0
        self._readout = readout
        port.drive(True)
        try:
            port.uart.write(question)
            if port.is_driven():
                await asyncio.sleep_ms(port.frame_ms(len(question)))
                while not port.is_sent():
                    await asyncio.sleep_ms(1)
        finally:
            # Whoever is stopped here must not leave the line to nobody else.
            port.drive(False)

    async def receive(self, readout: "ReadOut") -> bool:
        """Feed what comes to the read-out until it has its answer; False when the time is out."""
        port = self.port
        most = readout.answer_bytes_max()
        first = min(most, _NOTICE_CHARACTERS) + len(readout.question)
        if readout.waiting and not self._fault:
            await self._wait(self.timeout_ms + port.frame_ms(first))
        # What came while the program was busy elsewhere is still in the UART: it isn't too late.
        has_begun = self.received or port.uart.any()
        if has_begun and readout.waiting and not self._fault:
            await self._wait(port.frame_ms(most))
        self._readout = None
        self._quiet_since = ticks_ms()
        fault = self._fault
        if fault is not None:
            self._fault = None
            raise fault
        if readout.waiting:
            readout.timeout()
            return False
        return True

    async def _wait(self, most_ms: int) -> None:
        self._asker = asyncio.current_task()
        try:
            await asyncio.sleep_ms(most_ms)
        except asyncio.CancelledError:
            # The listener cancels the sleep of the one it has news for, after letting go of it.
            if self._asker is not None:
                raise
        finally:
            self._asker = None

    async def _listen(self) -> None:
        try:
            while True:
                self._take(await self._stream.readinto(self._chunk) or 0)
        except Exception as problem:
            # It is the asker's to report; the next question makes a new listener.
            self._fault = problem
            self._listener = None
            self._wake()

    def _take(self, count: int) -> None:
        readout = self._readout
        if not count or readout is None:
            return
        chunk, at = self._chunk, self.received
        # Behind the longest frame there is only noise: it is fed, but not kept.
        kept = min(count, RAW_BYTES_MAX - at)
        self.received = copy(self.raw, at, chunk, 0, kept)
        readout.feed(chunk, count)
        if not readout.waiting:
            self._wake()

    def _wake(self) -> None:
        asker = self._asker
        if asker is not None:
            self._asker = None
            asker.cancel()
