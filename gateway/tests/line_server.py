"""The emulator's line behind a TCP port of this machine, and behind a pseudo-terminal."""

import asyncio
import contextlib
import os
import time
import tty
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from nuan_emulator.line import Line
from nuan_emulator.meters.device import RoomState
from nuan_emulator.meters.modbus_meters import RoomSensor

BAUD = 38_400
# A request that comes in pieces is whole after so long a silence.
GAP_S = 0.01


def room(address: int, temperature_dc: int | None = 215) -> RoomSensor:
    """A room sensor, dead when it has no temperature."""
    state = None if temperature_dc is None else RoomState(temperature_dc, 512)
    return RoomSensor(f"R{address}", address, lambda _: state)


def line_of(*devices, faults=None) -> Line:
    """A quick line with these devices."""
    return Line(BAUD, 10, devices, faults)


async def answer(line: Line, requests: asyncio.Queue[bytes], write) -> None:
    """Let the line answer what comes, at its own pace."""
    while True:
        request = await requests.get()
        with contextlib.suppress(TimeoutError):
            while True:
                request += await asyncio.wait_for(requests.get(), GAP_S)
        for due_ms, data in line.transmit(request, int(time.time() * 1000)):
            await asyncio.sleep(max(0, due_ms / 1000 - time.time()))
            write(data)


class TcpLine:
    """A transparent serial server; `hang_up_after` requests it closes the connection, once."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.port = 0
        self.connections = 0
        self.hang_up_after: int | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        requests: asyncio.Queue[bytes] = asyncio.Queue()
        answering = asyncio.create_task(answer(self.line, requests, writer.write))
        try:
            while data := await reader.read(1024):
                if self.hang_up_after is not None:
                    self.hang_up_after -= 1
                    if self.hang_up_after < 0:
                        self.hang_up_after = None
                        break
                requests.put_nowait(data)
        finally:
            answering.cancel()
            writer.close()
            self._tasks.discard(task)


@asynccontextmanager
async def tcp_line(*devices, faults=None) -> AsyncIterator[TcpLine]:
    """A serial server in front of these devices."""
    server = TcpLine(line_of(*devices, faults=faults))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def pty_line(devices: Sequence[object]) -> AsyncIterator[str]:
    """The path of a terminal with these devices behind it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    loop = asyncio.get_running_loop()
    requests: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(master, lambda: requests.put_nowait(os.read(master, 1024)))
    answering = asyncio.create_task(
        answer(line_of(*devices), requests, lambda data: os.write(master, data))
    )
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        answering.cancel()
        os.close(slave)
        os.close(master)
