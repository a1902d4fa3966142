"""Requests that change something in a Modbus device, for RTU: functions 5, 6, 15, 16 and 23.

Apart from all that reads, so that nothing writes by accident: no node and no poller imports this.
exchange.py checks the answers, tcp.from_rtu makes the same for TCP. A request to unit 0 is for all
units and has no answer.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.exchange import parse_question
from nuan_protocols.modbus.functions import (
    COIL_ON,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)
from nuan_protocols.modbus.rtu import READ_AND_WRITE, UNIT_MAX, closed

if TYPE_CHECKING:
    from collections.abc import Sequence

BROADCAST = 0


def write_coil(unit: int, address: int, on: bool) -> bytes:
    """Switch one coil. Raises FrameError."""
    return _request(unit, WRITE_COIL, _words((address, COIL_ON if on else 0), 2))


def write_register(unit: int, address: int, value: int) -> bytes:
    """Write one register, 0..65535. Raises FrameError."""
    return _request(unit, WRITE_REGISTER, _words((address, value), 2))


def write_coils(unit: int, start: int, values: "Sequence[bool]") -> bytes:
    """Switch up to 1968 coils from `start` on. Raises FrameError."""
    packed = bytearray((len(values) + 7) // 8)
    for index in range(len(values)):
        if values[index]:
            packed[index // 8] |= 1 << index % 8
    head = _words((start, len(values)), 2)
    return _request(unit, WRITE_COILS, head + _length(packed) + bytes(packed))


def write_registers(unit: int, start: int, values: "Sequence[int]") -> bytes:
    """Write up to 123 registers from `start` on. Raises FrameError."""
    data = _words(values, 7)
    return _request(unit, WRITE_REGISTERS, _words((start, len(values)), 2) + _length(data) + data)


def read_and_write(
    unit: int, start: int, count: int, write_start: int, values: "Sequence[int]"
) -> bytes:
    """Write up to 121 registers, then read `count` (1..125) from `start` on. Raises FrameError."""
    data = _words(values, 11)
    head = _words((start, count, write_start, len(values)), 2)
    return _request(unit, READ_AND_WRITE, head + _length(data) + data)


def _request(unit: int, function: int, data: bytes) -> bytes:
    if not BROADCAST <= unit <= UNIT_MAX:
        raise FrameError(f"unit {unit} is not within {BROADCAST}..{UNIT_MAX}", 0)
    if unit == BROADCAST and function == READ_AND_WRITE:
        raise FrameError("all units at once can't be read", 0)
    frame = closed(bytes((unit, function)) + data)
    parse_question(frame)
    return frame


def _words(values: "Sequence[int]", at: int) -> bytes:
    data = bytearray()
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise FrameError(f"{value} is not within 0..65535", at + len(data))
        data.append(value >> 8)
        data.append(value & 0xFF)
    return bytes(data)


def _length(data: "bytes | bytearray") -> bytes:
    # What is too long is refused for its count, with the rest of the request.
    return bytes((len(data) & 0xFF,))
