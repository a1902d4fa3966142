"""Emulated lines for programs outside, in real time: a serial port's other end, or a TCP server.

    program --bytes--> [pseudo-terminal | TCP]  pause ends the request  Line.transmit
            <--bytes-- each burst at the instant it would end on the wire

`speed` makes a line faster than real ones without changing anything else: at 20, a meter that
answers after 100 ms does so after 5 ms.
"""

from __future__ import annotations

import asyncio
import os
import termios
import time
import tty
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nuan_emulator.line import Line

REQUEST_PAUSE_S = 0.004
"""So long a silence ends a request; programs write theirs in one piece."""
READ_BYTES = 4096
REQUEST_BYTES_MAX = 4096
"""Enough for the longest wake-up train and a frame."""
REARM_S = 0.02
LOOPBACK = "127.0.0.1"

Clock = Callable[[], int]
"""UTC in ms, as the devices shall see it."""

_BAUDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
_CODES = {baud: code for code, baud in _BAUDS.items()}


class Pace:
    """Real UTC that runs `speed` times as fast from now on, or a given clock."""

    def __init__(self, speed: float = 1.0, clock: Clock | None = None) -> None:
        """A given `clock` must run at that speed itself."""
        if speed <= 0:
            raise ValueError(f"a line cannot run {speed} times as fast as a real one")
        self.speed = speed
        self._clock = clock
        self._begin_ms = time.time_ns() // 1_000_000
        self._begin_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """UTC in ms for the devices; never runs backwards."""
        if self._clock is not None:
            return self._clock()
        passed_ns = time.monotonic_ns() - self._begin_ns
        return self._begin_ms + int(passed_ns * self.speed) // 1_000_000

    def real_s(self, line_ms: int) -> float:
        """Real seconds that so many milliseconds on the line take."""
        return line_ms / 1000 / self.speed


class Served:
    """Something a program outside can reach: an asynchronous context manager."""

    async def start(self) -> None:
        """Open what bytes come through."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close it; a second call does nothing."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class ServedLine(Served):
    """Lines on one pair of wires, each with its baud rate, behind something bytes come through.

    Requests and answers are counted for whoever watches.
    """

    def __init__(
        self, lines: Line | Sequence[Line], *, speed: float = 1.0, clock: Clock | None = None
    ) -> None:
        """Several `lines`: meters of several baud rates on the same wires."""
        self.lines = [lines] if isinstance(lines, Line) else list(lines)
        self.pace = Pace(speed, clock)
        self.requests = 0
        self.bursts = 0
        self._pending = bytearray()
        self._began_ms = 0
        self._began_at = 0.0
        self._pause: asyncio.TimerHandle | None = None
        self._due: set[asyncio.TimerHandle] = set()

    async def close(self) -> None:
        """Close it; what is still on its way is lost. A second call does nothing."""
        if self._pause is not None:
            self._pause.cancel()
        for handle in self._due:
            handle.cancel()
        self._due.clear()
        self._pending.clear()

    def _deliver(self, data: bytes) -> None:
        """Give bytes to the program."""
        raise NotImplementedError

    def _hearing(self) -> list[Line]:
        """The lines that understand what the program sends."""
        return self.lines

    def _received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if not self._pending:
            self._began_ms, self._began_at = self.pace.now_ms(), loop.time()
        self._pending += data
        if len(self._pending) > REQUEST_BYTES_MAX:
            del self._pending[:-REQUEST_BYTES_MAX]
        if self._pause is not None:
            self._pause.cancel()
        self._pause = loop.call_later(REQUEST_PAUSE_S, self._ask)

    def _ask(self) -> None:
        request = bytes(self._pending)
        self._pending.clear()
        self.requests += 1
        for line in self._hearing():
            for end_ms, burst in line.transmit(request, self._began_ms):
                self._schedule(self._began_at + self.pace.real_s(end_ms - self._began_ms), burst)

    def _schedule(self, at: float, burst: bytes) -> None:
        def deliver() -> None:
            self._due.discard(handle)
            self.bursts += 1
            self._deliver(burst)

        handle = asyncio.get_running_loop().call_at(at, deliver)
        self._due.add(handle)


class PtyLine(ServedLine):
    """Lines behind a pseudo-terminal that a program opens as its serial port.

    A line hears the program when its baud rate is the one the program set, and silence is all it
    gets otherwise. Of parity, Linux lets a pseudo-terminal's other end see only whether it is odd:
    8E1 and 8N1 look the same.
    """

    def __init__(
        self,
        lines: Line | Sequence[Line],
        path: Path | None = None,
        *,
        speed: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        """`path` becomes a link to the port while it is open; without one, ask `port`."""
        super().__init__(lines, speed=speed, clock=clock)
        self.path = path
        self.port = ""
        """What to open, once started."""
        self._rearming: asyncio.TimerHandle | None = None
        self._master = -1
        self._slave = -1

    async def start(self) -> None:
        """Open the pseudo-terminal, set up raw and at the first line's baud rate."""
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        settings = termios.tcgetattr(self._slave)
        code = _CODES.get(self.lines[0].baud, termios.B2400) if self.lines else termios.B2400
        settings[4] = settings[5] = code
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        self.port = os.ttyname(self._slave)
        if self.path is not None:
            self.path.symlink_to(self.port)
            self.port = str(self.path)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        self._rearm()

    async def close(self) -> None:
        """Close the pseudo-terminal and remove the link."""
        await super().close()
        if self._master < 0:
            return
        if self._rearming is not None:
            self._rearming.cancel()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _rearm(self) -> None:
        """Set a flag that programs clear.

        C libraries refuse settings of which the terminal takes nothing over. Parity alone, which
        no pseudo-terminal has, would make the second opening of a port fail.
        """
        settings = termios.tcgetattr(self._slave)
        if not settings[0] & termios.IGNBRK:
            settings[0] |= termios.IGNBRK
            termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        self._rearming = asyncio.get_running_loop().call_later(REARM_S, self._rearm)

    def _hearing(self) -> list[Line]:
        control, speed_code = (termios.tcgetattr(self._master)[k] for k in (2, 5))
        odd = bool(control & termios.PARODD)
        baud = _BAUDS.get(speed_code)
        return [
            line
            for line in self.lines
            if line.baud == baud and (line.parity is None or odd == (line.parity == "O"))
        ]

    def _readable(self) -> None:
        with suppress(BlockingIOError):
            self._received(os.read(self._master, READ_BYTES))

    def _deliver(self, data: bytes) -> None:
        # A program that never reads loses what its port can't hold, as with a real one.
        with suppress(BlockingIOError):
            os.write(self._master, data)


class TcpLine(ServedLine):
    """Lines behind a transparent serial server: raw bytes over TCP, answers to all who listen."""

    def __init__(
        self,
        lines: Line | Sequence[Line],
        port: int = 0,
        *,
        host: str = LOOPBACK,
        speed: float = 1.0,
        clock: Clock | None = None,
    ) -> None:
        """`port` 0 takes a free one; read `port` once started."""
        super().__init__(lines, speed=speed, clock=clock)
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and hang up."""
        await super().close()
        await hang_up(self._server, self._clients)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while data := await reader.read(READ_BYTES):
                self._received(data)
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    def _deliver(self, data: bytes) -> None:
        for client in self._clients:
            client.write(data)


async def hang_up(server: asyncio.Server | None, clients: set[asyncio.StreamWriter]) -> None:
    """Close a server and all its connections, and wait until they are gone."""
    if server is None:
        return
    server.close()
    for client in list(clients):
        client.close()
        with suppress(ConnectionError):
            await client.wait_closed()
    await server.wait_closed()
