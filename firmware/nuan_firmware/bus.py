"""One half-duplex line: send a question, receive until the reader has its answer.

Receiving is driven by length: the reader says when the answer is whole, and the time-out (reaction
time plus the longest frame's time on the line) is waited out only when none comes.
"""

import asyncio
from time import ticks_diff, ticks_ms
from typing import TYPE_CHECKING

from micropython import const

if TYPE_CHECKING:
    from collections.abc import Callable

    from nuan_firmware.hal import Port
    from nuan_protocols.uplink.keys import Buffer

# What is kept of an answer that no reader could make sense of.
_RAW_BYTES_MAX = const(261)
_CHUNK_BYTES = const(64)
_GAP_CHARACTERS = const(4)


class Line:
    """A port and its receive buffer; `raw[:received]` is what came since the last send()."""

    def __init__(self, port: "Port", timeout_ms: int) -> None:
        self.raw = memoryview(bytearray(_RAW_BYTES_MAX + _CHUNK_BYTES))
        self.received = 0
        self._port = port
        self._timeout_ms = timeout_ms
        self._stream = asyncio.StreamReader(port.uart)
        self._gap_ms = port.frame_ms(_GAP_CHARACTERS)
        self._quiet_since = ticks_ms()

    async def send(self, question: "Buffer") -> None:
        """Put a question on the line once it has been quiet long enough, then let go of it."""
        port = self._port
        quiet_ms = ticks_diff(ticks_ms(), self._quiet_since)
        if 0 <= quiet_ms < self._gap_ms:
            await asyncio.sleep_ms(self._gap_ms - quiet_ms)
        port.drain(self.raw)
        self.received = 0
        port.drive(True)
        port.uart.write(question)
        if port.is_driven():
            await asyncio.sleep_ms(port.frame_ms(len(question)))
            while not port.is_sent():
                await asyncio.sleep_ms(1)
            port.drive(False)

    async def receive(
        self,
        feed: "Callable[[Buffer], None]",
        is_waiting: "Callable[[], bool]",
        question_bytes: int,
        answer_bytes: int,
    ) -> bool:
        """Feed what comes to a reader until it waits no more; False when the time ran out."""
        line_ms = self._port.frame_ms(question_bytes + answer_bytes)
        try:
            await asyncio.wait_for_ms(self._collect(feed, is_waiting), self._timeout_ms + line_ms)
        except asyncio.TimeoutError:
            return False
        finally:
            self._quiet_since = ticks_ms()
        return True

    async def _collect(
        self, feed: "Callable[[Buffer], None]", is_waiting: "Callable[[], bool]"
    ) -> None:
        while is_waiting():
            # Behind the longest frame there is only noise: it is fed, but not kept.
            at = min(self.received, _RAW_BYTES_MAX)
            count = await self._stream.readinto(self.raw[at:])
            if count:
                feed(self.raw[at : at + count])
                self.received = min(at + count, _RAW_BYTES_MAX)
