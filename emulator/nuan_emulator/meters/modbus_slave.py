"""Modbus RTU slaves: pymodbus's own server code, driven by bytes instead of a socket.

The framer, the request decoder, the data store and the answer's encoder are pymodbus's; only the
transport is left out. Its coroutines never wait for anything here, so one step completes them.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.simulator import SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from nuan_emulator.meters.device import Reaction

REACTION = Reaction(min_bits=39, max_bits=39, extra_us=40_000)
"""At least 3.5 characters of 11 bits; devices then take up to some 40 ms to answer."""

ADDRESS_MAX = 247
FRAME_BYTES_MIN = 4

T = TypeVar("T")
Blocks = tuple[list[SimData], list[SimData], list[SimData], list[SimData]]
"""Coils, discrete inputs, holding registers, input registers."""
RegisterBlock = tuple[int, Sequence[int]]
"""Address of the first register, and the words from there on."""


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Result of a coroutine that never really waits; RuntimeError when it does."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast(T, stop.value)
    coroutine.close()
    raise RuntimeError("the Modbus data store waited for an event loop")


class ModbusSlave:
    """A slave at an address whose measured registers are refreshed just before they are read."""

    def __init__(
        self, address: int, simdata: list[SimData] | Blocks, *, measured_function: int
    ) -> None:
        """`simdata`: all registers; `measured_function`: the one that reads measured values."""
        if not 1 <= address <= ADDRESS_MAX:
            raise ValueError(f"Modbus address {address} is outside 1..{ADDRESS_MAX}")
        self.address = address
        self._store = SimCore(SimDevice(id=address, simdata=simdata, action=self._before_access))
        self._framer = FramerRTU(DecodePDU(is_server=True))
        self._measured_function = measured_function
        self._measured: Sequence[RegisterBlock] = ()

    @property
    def reaction(self) -> Reaction:
        """At least the 3.5 characters that end a Modbus frame."""
        return REACTION

    def measured(self, now_ms: int) -> Sequence[RegisterBlock] | None:
        """The measured registers at `now_ms`; None means the device is silent."""
        raise NotImplementedError

    def concerns(self, request: bytes) -> bool:
        """Whether the frame begins with this device's address."""
        return len(request) >= FRAME_BYTES_MIN and request[0] == self.address

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """Answer one request frame; damaged and foreign frames get silence."""
        if not self.concerns(request):
            return None
        measured = self.measured(now_ms)
        if measured is None:
            return None
        self._measured = measured
        try:
            used, pdu = self._framer.handleFrame(request, 0, 0)
        except ModbusIOException:
            return self._framer.buildFrame(
                _exception(request[1], ExcCodes.ILLEGAL_FUNCTION, self.address)
            )
        if pdu is None or used != len(request) or pdu.dev_id != self.address:
            return None
        store = cast(Any, self._store)
        response = complete(pdu.datastore_update(store, self.address))
        response.dev_id = self.address
        return self._framer.buildFrame(response)

    async def _before_access(
        self,
        function_code: int,
        start_address: int,
        _address: int,
        _count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if set_values is None and function_code == self._measured_function:
            for start, words in self._measured:
                index = start - start_address
                current_registers[index : index + len(words)] = words
        return None


def _exception(function: int, code: ExcCodes, address: int) -> ModbusPDU:
    response = ExceptionResponse(function, code)
    response.dev_id = address
    return response
