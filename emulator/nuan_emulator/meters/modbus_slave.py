"""Modbus RTU slaves: pymodbus's own server code, driven by bytes instead of a socket.

The framer, the request decoder, the data store and the answer's encoder are pymodbus's; only the
transport is left out. Its coroutines never wait for anything here, so one step completes them.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.simulator import SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from nuan_emulator.meters.device import Reaction

REACTION = Reaction(min_bits=39, max_bits=39, extra_us=40_000)
"""At least 3.5 characters of 11 bits; devices then take up to some 40 ms to answer."""

ADDRESS_MAX = 247
FRAME_BYTES_MIN = 4
READ_REGISTERS = frozenset({3, 4})
REGISTERS_MAX = 125
"""The most registers that one answer holds, by the specification."""

LAST_OBJECT = {1: 0x02, 2: 0x06, 3: 0xFF}
"""Last object of the basic, regular and extended identification."""
READ_ONE_OBJECT = 4

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
        self,
        address: int,
        simdata: list[SimData] | Blocks,
        *,
        measured_functions: Collection[int],
        functions: Collection[int] | None = None,
        registers_max: int = REGISTERS_MAX,
        identification: Mapping[int, str] | None = None,
    ) -> None:
        """`simdata`: all registers; `measured_functions`: those that read measured values.

        `functions`: the only ones it knows; `identification`: texts of function 43/14 by object.
        """
        if not 1 <= address <= ADDRESS_MAX:
            raise ValueError(f"Modbus address {address} is outside 1..{ADDRESS_MAX}")
        self.address = address
        self._store = SimCore(SimDevice(id=address, simdata=simdata, action=self._before_access))
        self._framer = FramerRTU(DecodePDU(is_server=True))
        self._measured_functions = frozenset(measured_functions)
        self._functions = functions
        self._registers_max = registers_max
        self._identification = identification
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
        response = self._refusal(pdu) or self._act(pdu)
        response.dev_id = self.address
        return self._framer.buildFrame(response)

    def _act(self, pdu: ModbusPDU) -> ModbusPDU:
        if isinstance(pdu, ReadDeviceInformationRequest):
            return self._identify(pdu)
        return complete(pdu.datastore_update(cast(Any, self._store), self.address))

    def _refusal(self, pdu: ModbusPDU) -> ModbusPDU | None:
        function = pdu.function_code
        if self._functions is not None and function not in self._functions:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        if function in READ_REGISTERS and pdu.count > self._registers_max:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_VALUE)
        return None

    def _identify(self, asked: ReadDeviceInformationRequest) -> ModbusPDU:
        """Function 43/14: this device's own texts, where pymodbus knows one set per process."""
        if self._identification is None:
            return ExceptionResponse(asked.function_code, ExcCodes.ILLEGAL_FUNCTION)
        code, first = asked.read_code, asked.object_id
        known = self._identification
        if code == READ_ONE_OBJECT:
            found = {first: known[first]} if first in known else {}
        elif code in LAST_OBJECT:
            # An object that isn't there begins the stream anew, by the specification.
            begin = first if first in known else 0
            found = {
                each: known[each] for each in sorted(known) if begin <= each <= LAST_OBJECT[code]
            }
        else:
            return ExceptionResponse(asked.function_code, ExcCodes.ILLEGAL_VALUE)
        if not found:
            return ExceptionResponse(asked.function_code, ExcCodes.ILLEGAL_ADDRESS)
        information: dict[int, Any] = dict(found)
        return ReadDeviceInformationResponse(read_code=code, information=information)

    async def _before_access(
        self,
        function_code: int,
        start_address: int,
        _address: int,
        _count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if set_values is None and function_code in self._measured_functions:
            for start, words in self._measured:
                index = start - start_address
                current_registers[index : index + len(words)] = words
        return None


def _exception(function: int, code: ExcCodes, address: int) -> ModbusPDU:
    response = ExceptionResponse(function, code)
    response.dev_id = address
    return response
