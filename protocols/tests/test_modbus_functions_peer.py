"""pymodbus as an independent peer for every function, on RTU and TCP, and for values."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsRequest,
    WriteMultipleCoilsResponse,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
    ReadWriteMultipleRegistersRequest,
    ReadWriteMultipleRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from nuan_protocols.modbus import tcp, write
from nuan_protocols.modbus.annotate import byte_groups, request_groups
from nuan_protocols.modbus.exchange import check_exchange
from nuan_protocols.modbus.identification import identification, identification_request
from nuan_protocols.modbus.identify import IdentificationReader
from nuan_protocols.modbus.registers import number_of, raw_value
from nuan_protocols.modbus.rtu import read_request

SERVER = FramerRTU(DecodePDU(is_server=True))
TCP_SERVER = FramerSocket(DecodePDU(is_server=True))
Types = ModbusClientMixin.DATATYPE

addresses = st.integers(0, 0xFF00)
words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=121)
coils = st.lists(st.booleans(), min_size=1, max_size=300)


def exchange(asked: ModbusPDU, answered: ModbusPDU, ours: bytes) -> None:
    """pymodbus makes our question byte for byte, and we read its answer, on RTU and on TCP."""
    asked.dev_id = answered.dev_id = 9
    asked.transaction_id = answered.transaction_id = 0x1234
    assert SERVER.buildFrame(asked) == ours
    assert TCP_SERVER.buildFrame(asked) == tcp.from_rtu(ours, 0x1234)
    # An identification counts its objects again each time it is built.
    tcp_answer = TCP_SERVER.buildFrame(deepcopy(answered))
    rtu_answer = SERVER.buildFrame(answered)
    assert tcp.from_rtu(rtu_answer, 0x1234) == tcp_answer
    reader = IdentificationReader()
    reader.expect(ours)
    reader.feed(b"\xff" + rtu_answer + b"\xff")
    assert reader.next_frame() == rtu_answer
    for question, answer in ((ours, rtu_answer), (tcp.from_rtu(ours, 0x1234), tcp_answer)):
        assert check_exchange(question, answer).function == ours[1]
        for groups, frame in (
            (request_groups(question), question),
            (byte_groups(question, answer), answer),
        ):
            assert sum(length for _, length, _, _ in groups) == len(frame)


@given(addresses, words)
def test_registers(start: int, values: list[int]) -> None:
    count = len(values)
    exchange(
        ReadHoldingRegistersRequest(address=start, count=count),
        ReadHoldingRegistersResponse(registers=values),
        read_request(9, 3, start, count),
    )
    exchange(
        ReadInputRegistersRequest(address=start, count=count),
        ReadInputRegistersResponse(registers=values),
        read_request(9, 4, start, count),
    )
    exchange(
        WriteMultipleRegistersRequest(address=start, registers=values),
        WriteMultipleRegistersResponse(address=start, count=count),
        write.write_registers(9, start, values),
    )
    exchange(
        WriteSingleRegisterRequest(address=start, registers=values[:1]),
        WriteSingleRegisterResponse(address=start, registers=values[:1]),
        write.write_register(9, start, values[0]),
    )
    exchange(
        ReadWriteMultipleRegistersRequest(
            read_address=start, read_count=count, write_address=7, write_registers=values
        ),
        ReadWriteMultipleRegistersResponse(registers=values),
        write.read_and_write(9, start, count, 7, values),
    )


@given(addresses, coils)
def test_bits(start: int, values: list[bool]) -> None:
    count = len(values)
    exchange(
        ReadCoilsRequest(address=start, count=count),
        ReadCoilsResponse(bits=list(values)),
        read_request(9, 1, start, count),
    )
    exchange(
        ReadDiscreteInputsRequest(address=start, count=count),
        ReadDiscreteInputsResponse(bits=list(values)),
        read_request(9, 2, start, count),
    )
    exchange(
        WriteMultipleCoilsRequest(address=start, bits=list(values)),
        WriteMultipleCoilsResponse(address=start, count=count),
        write.write_coils(9, start, values),
    )
    exchange(
        WriteSingleCoilRequest(address=start, bits=values[:1]),
        WriteSingleCoilResponse(address=start, bits=values[:1]),
        write.write_coil(9, start, values[0]),
    )


@given(st.dictionaries(st.integers(0, 255), st.binary(max_size=90), min_size=1, max_size=6))
def test_identifications(objects: dict[int, bytes]) -> None:
    answered: Any = ReadDeviceInformationResponse(1, objects, dev_id=9)
    frame = SERVER.buildFrame(answered)
    exchange(
        ReadDeviceInformationRequest(1, 0),
        ReadDeviceInformationResponse(1, objects),
        identification_request(9, 1, 0),
    )
    found = identification(frame)
    told = dict(found.objects)
    assert told == {number: objects[number] for number in told}
    assert (found.next_object >= 0) == (len(told) < len(objects))


@pytest.mark.parametrize(
    ("kind", "data_type", "values"),
    [
        ("int16", Types.INT16, st.integers(-(2**15), 2**15 - 1)),
        ("uint16", Types.UINT16, st.integers(0, 2**16 - 1)),
        ("int32", Types.INT32, st.integers(-(2**31), 2**31 - 1)),
        ("uint32", Types.UINT32, st.integers(0, 2**32 - 1)),
        ("int64", Types.INT64, st.integers(-(2**63), 2**63 - 1)),
        ("uint64", Types.UINT64, st.integers(0, 2**64 - 1)),
        ("float32", Types.FLOAT32, st.integers(-(2**24), 2**24).map(float)),
        ("float64", Types.FLOAT64, st.integers(-(2**53), 2**53).map(float)),
    ],
)
@given(st.data(), st.sampled_from(["big", "little"]), st.booleans())
def test_values_in_every_order(
    kind: str,
    data_type: Any,
    values: Any,
    data: st.DataObject,
    word_order: Any,
    swapped: bool,
) -> None:
    value = data.draw(values)
    sent = ModbusClientMixin.convert_to_registers(value, data_type, word_order)
    byte_order = "little" if swapped else "big"
    frame = b"\0\0\0" + b"".join(word.to_bytes(2, byte_order) for word in sent)
    raw = raw_value(frame, 3, kind, word_order, byte_order)
    assert number_of(raw, kind, 0) == int(value)
