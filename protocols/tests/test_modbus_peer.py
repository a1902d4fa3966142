"""pymodbus as an independent peer: it reads our requests, we read its answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
)

from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.registers import bits, registers
from nuan_protocols.modbus.rtu import exception_code, read_request

SERVER = FramerRTU(DecodePDU(is_server=True))

REGISTER_ANSWERS = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
BIT_ANSWERS = {1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse}

units = st.integers(1, 247)


@given(units, st.integers(1, 4), st.integers(0, 0xFF00), st.integers(1, 125))
def test_it_reads_our_requests(unit: int, function: int, start: int, count: int) -> None:
    request = read_request(unit, function, start, count)
    used, pdu = SERVER.handleFrame(request, 0, 0)
    assert used == len(request)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code, pdu.address, pdu.count) == (unit, function, start, count)


@given(units, st.sampled_from([3, 4]), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_we_read_its_registers(unit: int, function: int, values: list[int]) -> None:
    frame = SERVER.buildFrame(REGISTER_ANSWERS[function](registers=values, dev_id=unit))
    reader = ResponseReader()
    reader.expect(read_request(unit, function, 0, len(values)))
    reader.feed(frame)
    assert reader.next_frame() == frame
    assert registers(frame) == values


@given(units, st.sampled_from([1, 2]), st.lists(st.booleans(), min_size=1, max_size=200))
def test_we_read_its_bits(unit: int, function: int, values: list[bool]) -> None:
    frame = SERVER.buildFrame(BIT_ANSWERS[function](bits=list(values), dev_id=unit))
    reader = ResponseReader()
    reader.expect(read_request(unit, function, 0, len(values)))
    reader.feed(frame)
    assert reader.next_frame() == frame
    assert bits(frame, len(values)) == [int(value) for value in values]


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 11])
@pytest.mark.parametrize("function", [1, 2, 3, 4])
def test_we_read_its_exceptions(function: int, code: int) -> None:
    frame = SERVER.buildFrame(ExceptionResponse(function, code, device_id=9))
    reader = ResponseReader()
    reader.expect(read_request(9, function, 0, 1))
    reader.feed(frame)
    assert reader.next_frame() == frame
    assert exception_code(frame) == code
