"""A line of meters as the tools drive it: opened by CONNECT, asked one question at a time.

A search waits for silence after each question, so what matters is when a meter must have begun
its answer, and how long a pause ends one. Modbus TCP is driven by RTU's own read-outs: the frames
are exchanged on the way.
"""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from nuan_gateway.connect import MODBUS_TCP, SERIAL, TCP, Connect, parse_connect
from nuan_gateway.poll.transport import Transport, open_transport
from nuan_protocols.errors import ProtocolError
from nuan_protocols.modbus import tcp as mbap
from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

# M-Bus: 330 bit times and 50 ms (EN 13757-2). The others: what their standards allow a meter.
_MBUS_ANSWER_BITS = 330
_MBUS_EXTRA_S = 0.06
_ANSWER_S = {"modbus": 0.2, "cjt188": 0.7, "dlt645": 0.55}
_MBUS = "mbus"
# Control field of REQ_UD2, whatever its frame count bit and what says that it counts.
_REQUEST = 0x4B
_REQUEST_MASK = 0xCF
# A pause inside an answer: adapters deliver in bursts, serial servers in packets.
_PAUSE_S = 0.06
_NETWORK_PAUSE_S = 0.25
# The gateway behind Modbus TCP answers for units that it can't reach (or can't find the way to).
_UNREACHABLE = (0x0A, 0x0B)
_EXCEPTION_BIT = 0x80
_WANTED_MAX = 260
_TRANSACTION_MAX = 0xFFFF
# No pauses are due where there is no wire.
_NO_WIRE_BAUD = 115_200


class Asker(Protocol):
    """A ReadOut or a search of nuan_protocols."""

    @property
    def waiting(self) -> bool:
        """An answer is looked for."""
        ...

    def request(self) -> bytes | None:
        """The bytes to send next."""

    def wanted(self) -> int:
        """How many bytes to wait for."""
        ...

    def answer_bytes_max(self) -> int:
        """Length of the longest answer."""
        ...

    def feed(self, data: "Buffer") -> None:
        """Takes what came."""

    def timeout(self) -> None:
        """Nothing more came."""


class Line:
    """An open line; `answer_ms` replaces the standards' answer times, a network's way included."""

    def __init__(self, connect: Connect, transport: Transport, answer_ms: int | None) -> None:
        self.connect = connect
        self.answer_ms = answer_ms
        self.stopping = False
        self.on_question: Callable[[], None] = lambda: None
        self._transport = transport
        self._mbap = _Mbap() if connect.kind == MODBUS_TCP else None

    @property
    def is_serial(self) -> bool:
        """Whether baud rate and parity are ours to set."""
        return self.connect.kind == SERIAL

    @property
    def baud(self) -> int:
        """What is set, or taken for granted beyond a serial server."""
        return self._transport.character.baud

    @property
    def parity(self) -> str:
        """N, E or O."""
        return self._transport.character.parity

    def set_character(self, baud: int, parity: str) -> None:
        """Speak so from now on; nothing to do where a serial server decides."""
        if self.is_serial:
            self._transport.set_character(baud, parity)

    async def ask(self, asker: Asker, protocol: str) -> None:
        """Drive to the end, or until `stopping`. Raises LineError."""
        while not self.stopping and await self.ask_once(asker, protocol):
            pass

    async def ask_once(self, asker: Asker, protocol: str) -> bool:
        """One question and its answer; False when there is nothing to ask. Raises LineError."""
        question = asker.request()
        if question is None:
            return False
        self.on_question()
        await self._send(bytes(question))
        answer_s = self.answer_s(protocol)
        if protocol != _MBUS or question[1] & _REQUEST_MASK == _REQUEST:
            # Serial servers may keep an answer until it is whole; an E5 is so at once.
            answer_s += self._transport.character.seconds(asker.answer_bytes_max())
        await self._listen(asker, bytes(question), answer_s)
        return True

    def answer_s(self, protocol: str) -> float:
        """How long a meter may take to begin its answer."""
        if self.answer_ms is not None:
            return self.answer_ms / 1000
        usual = _ANSWER_S.get(protocol) or _MBUS_ANSWER_BITS / self.baud + _MBUS_EXTRA_S
        return usual + self._transport.extra_s

    async def close(self) -> None:
        """Let go of the line."""
        await self._transport.close()

    async def _send(self, question: bytes) -> None:
        await self._transport.send(self._mbap.framed(question) if self._mbap else question)

    async def _listen(self, asker: Asker, question: bytes, answer_s: float) -> None:
        loop = asyncio.get_running_loop()
        on_line_s = 0.0 if self._mbap else self._transport.character.seconds(len(question))
        deadline = loop.time() + on_line_s + answer_s
        heard = b""
        while asker.waiting:
            left_s = deadline - loop.time()
            data = await self._transport.receive(left_s) if left_s > 0 else b""
            if data and self._mbap:
                answer = self._mbap.unframed(data)
                if answer == b"":
                    continue
                data = answer or b""
            if not data:
                asker.timeout()
                continue
            asker.feed(data)
            heard = (heard + data)[: len(question)]
            if heard != question[: len(heard)]:
                # More than the echo: an answer has begun, and now only a pause ends it.
                deadline = loop.time() + self._pause_s(asker)

    def _pause_s(self, asker: Asker) -> float:
        wanted = min(asker.wanted(), _WANTED_MAX) if asker.waiting else 0
        pause_s = _PAUSE_S if self.is_serial else _NETWORK_PAUSE_S
        if self.answer_ms is not None:
            pause_s = min(pause_s, self.answer_ms / 1000)
        return self._transport.character.seconds(wanted) + pause_s


class _Mbap:
    """Changes RTU frames into those of Modbus TCP and back; one question at a time."""

    def __init__(self) -> None:
        self._transaction = 0
        self._received = b""

    def framed(self, question: bytes) -> bytes:
        """The frame to send."""
        self._transaction = self._transaction % _TRANSACTION_MAX + 1
        self._received = b""
        return mbap.from_rtu(question, self._transaction)

    def unframed(self, data: bytes) -> bytes | None:
        """The answer as RTU has it, b"" while it isn't whole; None: the gateway finds nobody."""
        self._received += data
        try:
            while size := mbap.frame_bytes(self._received):
                frame, self._received = self._received[:size], self._received[size:]
                if len(frame) < size:
                    self._received = frame
                    return b""
                if int.from_bytes(frame[:2], "big") == self._transaction:
                    answer = mbap.to_rtu(frame)
                    refused = answer[1] & _EXCEPTION_BIT and answer[2] in _UNREACHABLE
                    return None if refused else answer
        except ProtocolError:
            # What no frame can be is noise, which the reader counts.
            noise, self._received = self._received, b""
            return noise
        return b""


def connect_to(text: str) -> Connect:
    """What CONNECT means; a path alone is a serial port. Raises UserError."""
    if text.startswith((".", "/")) or (os.name == "nt" and text.upper().startswith("COM")):
        text = f"{SERIAL}:{text}"
    try:
        return parse_connect(text)
    except ValueError:
        raise UserError(
            tr(
                "{text} leads nowhere; write /dev/ttyUSB0, tcp://host:port or "
                "modbus-tcp://host:port",
                text=text,
            )
        ) from None


async def open_line(connect: Connect, baud: int, parity: str, answer_ms: int | None) -> Line:
    """Open it; raises LineError."""
    bytes_of = connect
    if connect.kind == MODBUS_TCP:
        bytes_of = Connect(TCP, "", connect.host, connect.port)
        baud = _NO_WIRE_BAUD
    return Line(connect, await open_transport(bytes_of, baud, parity), answer_ms)
