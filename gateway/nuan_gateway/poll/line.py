"""One line that the gateway polls: opened when needed, one meter's turn at a time.

A serial port stays open: opening it moves lines that some adapters take their power from. A network
connection is made for each turn of the line, for serial servers and the networks between drop what
is idle, and often without a word.
"""

from collections.abc import Callable

from nuan_gateway.connect import MODBUS_TCP, SERIAL, parse_connect
from nuan_gateway.poll.modbus_tcp import ModbusTcp, open_modbus_tcp
from nuan_gateway.poll.plan import PollPlan
from nuan_gateway.poll.readouts import make_readout, reads_of
from nuan_gateway.poll.transport import Keep, LineError, Transport, open_transport, run_turn
from nuan_gateway.site import Bus
from nuan_protocols.cjt188.master import ReadOut as CjtReadOut
from nuan_protocols.readout import NO_ANSWER, OK


class PolledLine:
    """A gateway node's bus; used by one poller."""

    def __init__(self, bus: Bus, now: Callable[[], int]) -> None:
        self._bus = bus
        self._connect = parse_connect(bus.connect)
        self._now = now
        self._open: Transport | ModbusTcp | None = None
        self._ser = 0

    async def open(self) -> None:
        """Open the line unless it is; raises LineError."""
        if self._open is None:
            if self._connect.kind == MODBUS_TCP:
                self._open = await open_modbus_tcp(self._connect)
            else:
                bus = self._bus
                self._open = await open_transport(self._connect, bus.baud, bus.parity)

    async def read(self, plan: PollPlan, tries: int, keep: Keep) -> bool:
        """One meter's turn; whether it answered. Raises LineError, the line being closed then."""
        meter, timeout_ms = plan.config, self._bus.timeout_ms
        line = self._open
        if line is None:
            raise LineError(f"{self._connect}: not open")
        try:
            if isinstance(line, ModbusTcp):
                unit, reads = meter["address"], reads_of(meter)
                result, exchanges = await line.read(
                    unit, reads, timeout_ms, tries, keep=keep, now=self._now
                )
            else:
                line.set_character(
                    meter.get("baud", self._bus.baud), meter.get("parity", self._bus.parity)
                )
                readout = make_readout(
                    self._bus.protocol, meter, self._ser, tries, plan.extra_bytes
                )
                await run_turn(line, readout, timeout_ms, keep=keep, now=self._now)
                if isinstance(readout, CjtReadOut):
                    self._ser = readout.ser
                result, exchanges = readout.result, readout.exchanges
        except LineError:
            await self.close()
            raise
        return result != NO_ANSWER or any(exchange[1] == OK for exchange in exchanges)

    async def rest(self) -> None:
        """The turn is over."""
        if self._connect.kind != SERIAL:
            await self.close()

    async def close(self) -> None:
        """Let go of the line."""
        line, self._open = self._open, None
        if line is not None:
            await line.close()
