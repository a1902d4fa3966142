"""Bytes to and from a line: through a serial port of this machine or a transparent serial server.

    transport = await open_transport(parse_connect("tcp://10.1.0.7:4001"), 2400, "E")
    readout = ...ReadOut(...)                       # of nuan_protocols, any of them
    await run_turn(transport, readout, timeout_ms=1100)
    readout.exchanges, readout.result
    await transport.close()

Everything that goes wrong with the line itself is a LineError of one line that says how to mend it;
a meter that doesn't answer is none: its read-out says so.
"""

import asyncio
import errno
import os
import socket
import termios
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from time import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import serial
import serial_asyncio_fast

from nuan_gateway.connect import SERIAL, TCP, Connect
from nuan_gateway.errors import GatewayError
from nuan_protocols.readout import UNREADABLE, ReadOut
from nuan_protocols.uplink.body import ANSWER_BYTES_MAX

if TYPE_CHECKING:
    from nuan_protocols.readout import Exchange

CONNECT_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
# What the way through a network adds to an answer time that was meant for the line alone.
NETWORK_EXTRA_S = 0.5
# Silence between frames, in characters: more than Modbus's 3.5, M-Bus's 33 bit times after a fault.
GAP_CHARACTERS = 4
# More than any answer with the noise around it.
RECEIVED_BYTES_MAX = 4096

Keep: TypeAlias = "Callable[[int, Exchange], None]"
"""Is told every exchange as it ends: UTC second of its question, and the exchange."""


class LineError(GatewayError):
    """The line can't be reached; one line that names it and says how to mend it."""


class Character(NamedTuple):
    """How a character looks on the line: `bits` with start and stop."""

    baud: int
    parity: str

    @property
    def bits(self) -> int:
        """11 with parity, 10 without."""
        return 10 if self.parity == "N" else 11

    def seconds(self, count: int) -> float:
        """How long `count` characters take."""
        return count * self.bits / self.baud


class _Wire(asyncio.Protocol):
    """Keeps what comes until it is taken, RECEIVED_BYTES_MAX at most: nobody may be asking."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.came = asyncio.Event()
        self.closed = asyncio.Event()
        self.lost: str | None = None

    def data_received(self, data: bytes) -> None:
        self.received += data[: RECEIVED_BYTES_MAX - len(self.received)]
        self.came.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = str(exc) if exc else "the other side has closed it"
        self.came.set()
        self.closed.set()


class Transport:
    """A line in use by one master; made by open_transport."""

    def __init__(
        self,
        connect: Connect,
        pipe: asyncio.WriteTransport,
        wire: _Wire,
        character: Character,
        port: serial.Serial | None,
    ) -> None:
        self.connect = connect
        self.character = character
        self.extra_s = 0.0 if port else NETWORK_EXTRA_S
        self._pipe = pipe
        self._wire = wire
        self._port = port
        self._quiet_since = 0.0

    def set_character(self, baud: int, parity: str) -> None:
        """Speak so from the next question on; raises LineError through a serial server, whose own
        settings decide."""
        wanted = Character(baud, parity)
        if wanted == self.character:
            return
        if self._port is None:
            raise LineError(
                f"{self.connect}: baud and parity can't be switched through it; "
                "set them at the serial server"
            )
        with _port_errors(self.connect):
            self._port.baudrate = baud
            _set_parity(self._port, parity)
        self.character = wanted

    async def send(self, data: bytes) -> None:
        """Wait until the line has been quiet, drop what came unasked, send. Raises LineError."""
        loop = asyncio.get_running_loop()
        wait_s = self._quiet_since + self.character.seconds(GAP_CHARACTERS) - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        self._check()
        self._wire.received.clear()
        self._pipe.write(data)
        self._quiet_since = loop.time() + self.character.seconds(len(data))

    async def receive(self, timeout_s: float) -> bytes:
        """What has come, at least one byte; b"" when nothing does in the time. Raises LineError."""
        wire = self._wire
        if not wire.received:
            self._check()
            wire.came.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await wire.came.wait()
            except TimeoutError:
                return b""
            if not wire.received:
                self._check()
        self._quiet_since = asyncio.get_running_loop().time()
        data = bytes(wire.received)
        wire.received.clear()
        return data

    async def close(self) -> None:
        """Let go of the line."""
        self._pipe.close()
        # Only when it is really closed is a serial port free for the next one.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._wire.closed.wait()

    def _check(self) -> None:
        if self._wire.lost is not None:
            raise LineError(f"{self.connect}: connection lost, {self._wire.lost}")


async def open_transport(connect: Connect, baud: int, parity: str) -> Transport:
    """Open a serial port, or connect to a transparent serial server; raises LineError."""
    loop = asyncio.get_running_loop()
    wire = _Wire()
    if connect.kind == SERIAL:
        with _port_errors(connect):
            # Parity comes last: opening sets it three times over, which pseudo-terminals refuse.
            pipe, _ = await serial_asyncio_fast.create_serial_connection(
                loop, lambda: wire, connect.path, baudrate=baud, exclusive=True
            )
            if pipe.serial is not None:
                _set_parity(pipe.serial, parity)
        return Transport(connect, pipe, wire, Character(baud, parity), pipe.serial)
    if connect.kind != TCP:
        raise LineError(f"{connect}: carries no bytes as they are; write tcp:// for that")
    with _network_errors(connect):
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            stream, _ = await loop.create_connection(lambda: wire, connect.host, connect.port)
    return Transport(connect, stream, wire, Character(baud, parity), None)


def utc_s() -> int:
    """The machine's UTC second."""
    return int(time())


async def run_turn(
    transport: Transport,
    readout: ReadOut,
    timeout_ms: int,
    *,
    keep: "Keep | None" = None,
    now: Callable[[], int] = utc_s,
) -> None:
    """Drive a read-out to its end; its exchanges and result tell what came of it.

    `timeout_ms`: how long the meter may take to begin its answer. What came instead of an answer
    is kept with an UNREADABLE exchange. Raises LineError; what was exchanged before stays.
    """
    done = 0
    while (question := readout.request()) is not None:
        asked_s = now()
        await transport.send(bytes(question))
        raw = await _receive(transport, readout, len(question), timeout_ms)
        for place in range(done, len(readout.exchanges)):
            part, result, tries, asked, answer = readout.exchanges[place]
            if result == UNREADABLE and not answer:
                answer = raw
            exchange = (part, result, tries, bytes(asked), bytes(answer))
            readout.exchanges[place] = exchange
            if keep is not None:
                keep(asked_s, exchange)
        done = len(readout.exchanges)


async def _receive(
    transport: Transport, readout: ReadOut, question_bytes: int, timeout_ms: int
) -> bytes:
    """Feed the read-out until it waits no more; the first of what came, noise and echo too."""
    loop = asyncio.get_running_loop()
    on_line_s = transport.character.seconds(question_bytes + readout.answer_bytes_max())
    deadline = loop.time() + on_line_s + timeout_ms / 1000 + transport.extra_s
    raw = b""
    while readout.waiting:
        left_s = deadline - loop.time()
        data = await transport.receive(left_s) if left_s > 0 else b""
        if data:
            raw = (raw + data)[:ANSWER_BYTES_MAX]
            readout.feed(data)
        else:
            readout.timeout()
    return raw


@contextmanager
def _network_errors(connect: Connect) -> Generator[None]:
    """Say what an error of a connection means."""
    try:
        yield
    except ConnectionRefusedError:
        raise LineError(
            f"{connect}: connection refused; check the port, and that the device listens on it"
        ) from None
    except socket.gaierror:
        raise LineError(f"{connect}: there is no host of this name; check it") from None
    except TimeoutError:
        raise LineError(f"{connect}: no answer; check address, cable and power") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise LineError(f"{connect}: {reason}; check address, cable and power") from None


def _set_parity(port: serial.Serial, parity: str) -> None:
    try:
        port.parity = parity
    except termios.error:
        # A pseudo-terminal has no wire for it and says so when nothing else changes.
        if os.major(os.fstat(port.fileno()).st_rdev) not in _PSEUDO_TERMINALS:
            raise


_PSEUDO_TERMINALS = range(136, 144)
"""Linux's device numbers of /dev/pts."""

_PORT_ERRORS = {
    errno.ENOENT: "no such device; plug it in, `ls /dev/serial/by-id` shows what there is",
    errno.EACCES: "permission denied; add your user to the group dialout and log in again",
    errno.EAGAIN: "another program uses it; stop that first",
    errno.EBUSY: "another program uses it; stop that first",
}


@contextmanager
def _port_errors(connect: Connect) -> Generator[None]:
    try:
        yield
    except termios.error as error:
        raise LineError(f"{connect}: the port can't be set so: {error.args[-1]}") from None
    except (serial.SerialException, OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        if number is None and "(25," in str(error):
            raise LineError(f"{connect}: is no serial port; write one as /dev/ttyUSB0") from None
        raise LineError(f"{connect}: {_PORT_ERRORS.get(number or 0, str(error))}") from None
