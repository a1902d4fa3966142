"""The emulated devices, read by pymodbus's own client code: framer, decoder and converter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from nuan_emulator.faults import FaultRates, LineFaults
from nuan_emulator.line import Line
from nuan_emulator.meters import Dtsu666, ElectricityState, RoomSensor, RoomState

START_MS = 1_768_451_400_000
CONVERT = ModbusTcpClient.convert_from_registers
TYPES = ModbusTcpClient.DATATYPE


class Client:
    """A Modbus master made of pymodbus's client side."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.now_ms = START_MS

    def read(self, unit: int, kind, start: int, count: int) -> list[int] | None:
        framer = FramerRTU(DecodePDU(is_server=False))
        request = framer.buildFrame(kind(dev_id=unit, address=start, count=count))
        received = b""
        for arrival_ms, burst in self.line.transmit(request, self.now_ms):
            self.now_ms = max(self.now_ms, arrival_ms)
            received += burst
        self.now_ms += 1000
        _, pdu = framer.handleFrame(received, unit, 0)
        return None if pdu is None or pdu.isError() else list(pdu.registers)


def electricity(steps: int) -> ElectricityState:
    return ElectricityState(
        import_j=steps * 36_000,
        export_j=0,
        voltage_dv=(2301, 2302, 2303),
        current_ma=(1000, 2000, 3000),
        power_dw=(2000, 4000, 6000),
        reactive_dvar=(100, 200, 300),
        frequency_chz=5001,
    )


def test_both_devices_share_a_line():
    state = electricity(1_234_567)
    line = Line(
        9600,
        10,
        [
            Dtsu666("50000001", 1, lambda _: state),
            RoomSensor("40000001", 2, lambda _: RoomState(-205, 546)),
        ],
        seed=1,
    )
    client = Client(line)
    energy = client.read(1, ReadHoldingRegistersRequest, 0x101E, 2)
    assert energy is not None
    assert round(CONVERT(energy, TYPES.FLOAT32), 2) == 12_345.67
    measured = client.read(1, ReadHoldingRegistersRequest, 0x2000, 0x46)
    assert measured is not None
    values = [CONVERT(measured[i : i + 2], TYPES.FLOAT32) for i in range(0, len(measured), 2)]
    assert values[0:3] == [3985, 3987, 3988]
    assert values[3:9] == [2301, 2302, 2303, 1000, 2000, 3000]
    assert values[9:13] == [12000, 2000, 4000, 6000]
    assert values[13:17] == [600, 100, 200, 300]
    assert values[21:25] == [868, 869, 868, 868]
    assert values[34] == 5001
    room = client.read(2, ReadInputRegistersRequest, 1, 2)
    assert room is not None
    assert CONVERT(room[:1], TYPES.INT16) == -205
    assert room[1] == 546
    assert line.collisions == 0


def test_configuration_registers_are_readable():
    line = Line(9600, 10, [Dtsu666("50000001", 1, lambda _: electricity(0))])
    registers = Client(line).read(1, ReadHoldingRegistersRequest, 0, 8)
    assert registers is not None
    assert registers[6:8] == [1, 10]


def test_measured_registers_cannot_be_written():
    device = Dtsu666("50000001", 1, lambda _: electricity(5))
    frame = bytes.fromhex("0106101e1234")
    frame += FramerRTU.compute_CRC(frame).to_bytes(2, "big")
    answer = device.answer(frame, 0)
    assert answer is not None
    assert answer[1] == 0x86
    registers = Client(Line(9600, 10, [device])).read(1, ReadHoldingRegistersRequest, 0x101E, 2)
    assert registers is not None
    assert round(CONVERT(registers, TYPES.FLOAT32) * 100) == 5


def test_measured_values_never_leak_into_the_settings():
    sensor = RoomSensor("40000001", 2, lambda _: RoomState(333, 444))
    client = Client(Line(9600, 10, [sensor]))
    for _ in range(3):
        assert client.read(2, ReadInputRegistersRequest, 1, 2) == [333, 444]
        assert client.read(2, ReadHoldingRegistersRequest, 0x0101, 4) == [2, 9600, 0, 0]


@pytest.mark.parametrize(("start", "count"), [(0, 2), (2, 2), (1, 3), (9, 1)])
def test_registers_beyond_the_map_are_an_exception(start, count):
    line = Line(9600, 10, [RoomSensor("40000001", 2, lambda _: RoomState(1, 2))])
    assert Client(line).read(2, ReadInputRegistersRequest, start, count) is None


@given(st.integers(0, 2**32), st.sampled_from(["cut", "flip", "silence"]))
def test_a_spoilt_answer_is_never_a_wrong_value(seed, fault):
    line = Line(
        9600,
        10,
        [RoomSensor("40000001", 2, lambda _: RoomState(201, 500))],
        LineFaults(FaultRates(**{fault: 1.0}), seed),
    )
    assert Client(line).read(2, ReadInputRegistersRequest, 1, 2) is None


def test_answers_are_built_by_pymodbus():
    """Byte for byte what pymodbus itself encodes for these registers."""
    sensor = RoomSensor("40000001", 2, lambda _: RoomState(201, 500))
    framer = FramerRTU(DecodePDU(is_server=False))
    request = framer.buildFrame(ReadInputRegistersRequest(dev_id=2, address=1, count=2))
    response = ReadInputRegistersResponse(dev_id=2, registers=[201, 500])
    assert sensor.answer(request, 0) == framer.buildFrame(response)
