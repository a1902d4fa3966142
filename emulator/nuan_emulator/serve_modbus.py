"""A Modbus TCP gateway in front of emulated Modbus devices, in real time.

MBAP    transaction[2] protocol[2] = 0, length[2], unit; then function and data, no CRC
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from random import Random

from pymodbus.framer import FramerRTU

from nuan_emulator.meters.device import Device
from nuan_emulator.serve import LOOPBACK, Clock, Pace, Served, hang_up

HEADER = struct.Struct(">HHHB")
PDU_BYTES_MAX = 253
NO_ANSWER = 0x0B
"""Exception: the gateway's target device failed to respond."""
DELAY_MS = (2, 40)
"""How long the device behind the gateway takes."""


class ModbusTcpServer(Served):
    """Devices by unit identifier over Modbus TCP."""

    def __init__(
        self,
        devices: Sequence[Device],
        port: int = 0,
        *,
        host: str = LOOPBACK,
        speed: float = 1.0,
        clock: Clock | None = None,
        seed: int = 0,
        tells_absent: bool = True,
    ) -> None:
        """`tells_absent`: a unit that doesn't answer gets exception 0B, else nothing at all."""
        self.devices = list(devices)
        self.host = host
        self.port = port
        self.requests = 0
        self._pace = Pace(speed, clock)
        self._rng = Random(f"{seed}/modbus-tcp")  # noqa: S311
        self._tells_absent = tells_absent
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; `port` then holds the real one."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and hang up."""
        await hang_up(self._server, self._clients)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while True:
                head = await reader.readexactly(HEADER.size)
                transaction, protocol, length, unit = HEADER.unpack(head)
                if protocol != 0 or not 2 <= length <= PDU_BYTES_MAX + 1:
                    break
                pdu = await reader.readexactly(length - 1)
                self.requests += 1
                answer = await self._ask(unit, pdu)
                if answer is not None:
                    writer.write(HEADER.pack(transaction, 0, len(answer) + 1, unit) + answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _ask(self, unit: int, pdu: bytes) -> bytes | None:
        """The answer's function and data, after the time that the device takes."""
        adu = bytes([unit]) + pdu
        adu += FramerRTU.compute_CRC(adu).to_bytes(2, "big")
        await asyncio.sleep(self._pace.real_s(self._rng.randint(*DELAY_MS)))
        for device in self.devices:
            if device.concerns(adu):
                answer = device.answer(adu, self._pace.now_ms())
                if answer is not None:
                    return answer[1:-2]
        return bytes([pdu[0] | 0x80, NO_ANSWER]) if self._tells_absent else None
