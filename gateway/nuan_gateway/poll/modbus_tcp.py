"""Modbus TCP: pymodbus holds the connection and makes the requests; the bytes are kept as sent.

    MBAP: u16 transaction | u16 protocol = 0 | u16 bytes to follow | u8 unit     then the PDU

One request at a time. A unit that stays silent costs its own time only: neither pymodbus's retries
nor its closing of the connection after some silence is used.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusIOException
from pymodbus.pdu import ModbusPDU

from nuan_gateway.connect import Connect
from nuan_gateway.poll.transport import CONNECT_TIMEOUT_S, NETWORK_EXTRA_S, Keep, LineError, utc_s
from nuan_protocols.readout import EXCEPTION, NO_ANSWER, OK, TRIES, UNREADABLE
from nuan_protocols.uplink.body import ANSWER_BYTES_MAX

if TYPE_CHECKING:
    from nuan_protocols.readout import Exchange

HEAD_BYTES = 6
# What a gateway answers in the name of a unit that it can't reach.
GATEWAY_EXCEPTIONS = (0x0A, 0x0B)
_NEVER = 1 << 30

# What goes wrong is told by LineError and the exchange's result.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ModbusTcp:
    """A connection to a device or gateway; made by open_modbus_tcp."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self._question = b""
        self._received = b""
        self._client = AsyncModbusTcpClient(
            connect.host,
            port=connect.port,
            timeout=CONNECT_TIMEOUT_S,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._trace,
        )
        self._client.set_max_no_responses(_NEVER)

    async def read(
        self,
        unit: int,
        reads: Sequence[tuple[int, int, int]],
        timeout_ms: int,
        tries: int = TRIES,
        *,
        keep: "Keep | None" = None,
        now: Callable[[], int] = utc_s,
    ) -> "tuple[int, list[Exchange]]":
        """Ask for each (function 1..4, start, count) in turn; result and exchanges as a ReadOut has
        them. A unit that nobody answers for ends the turn. Raises LineError."""
        exchanges: list[Exchange] = []
        result = OK
        for part, read in enumerate(reads):
            asked_s = now()
            verdict, tried, answer = await self._ask(unit, read, timeout_ms, tries)
            exchange = (part, verdict, tried, self._question, answer)
            exchanges.append(exchange)
            if keep is not None:
                keep(asked_s, exchange)
            if verdict == NO_ANSWER or (verdict == EXCEPTION and answer[-1] in GATEWAY_EXCEPTIONS):
                return NO_ANSWER, exchanges
            if verdict == UNREADABLE:
                result = verdict
        return result, exchanges

    async def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    async def open(self) -> None:
        """Connect; raises LineError."""
        if not await self._client.connect():
            raise LineError(f"{self.connect}: no connection; check address, port and cable")

    async def _ask(
        self, unit: int, read: tuple[int, int, int], timeout_ms: int, tries: int
    ) -> tuple[int, int, bytes]:
        self._client.ctx.comm_params.timeout_connect = timeout_ms / 1000 + NETWORK_EXTRA_S
        for tried in range(1, tries + 1):
            self._question = self._received = b""
            try:
                response = await self._request(unit, read)
            except ConnectionException as error:
                raise LineError(f"{self.connect}: connection lost, {error.string}") from None
            except ModbusIOException:
                if not self._client.connected:
                    raise LineError(
                        f"{self.connect}: connection lost, the other side has closed it"
                    ) from None
                continue
            answer = self._answer()
            if answer:
                return EXCEPTION if response.isError() else OK, tried, answer
        return (
            UNREADABLE if self._received else NO_ANSWER,
            tries,
            self._received[:ANSWER_BYTES_MAX],
        )

    async def _request(self, unit: int, read: tuple[int, int, int]) -> ModbusPDU:
        function, start, count = read
        ask = {
            1: self._client.read_coils,
            2: self._client.read_discrete_inputs,
            3: self._client.read_holding_registers,
            4: self._client.read_input_registers,
        }[function]
        return await ask(start, count=count, device_id=unit)

    def _answer(self) -> bytes:
        """The frame with the question's transaction number among what was received; b"" if none."""
        data = self._received
        while len(data) > HEAD_BYTES:
            end = HEAD_BYTES + int.from_bytes(data[4:6], "big")
            if data[:2] == self._question[:2] and len(data) >= end:
                return data[:end]
            data = data[end:]
        return b""

    def _trace(self, sending: bool, data: bytes) -> bytes:
        if sending:
            self._question = bytes(data)
        else:
            # The whole of what is not yet understood, each time anew.
            self._received = bytes(data)
        return data


async def open_modbus_tcp(connect: Connect) -> ModbusTcp:
    """Connect to a device or gateway; raises LineError."""
    line = ModbusTcp(connect)
    await line.open()
    return line
