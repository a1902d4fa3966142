"""The emulated Modbus devices: pymodbus's server behind bytes."""

import struct
import time

import pytest
from pymodbus.framer import FramerRTU

from nuan_emulator.meters import Dtsu666, ElectricityState, RoomSensor, RoomState
from nuan_emulator.meters.modbus_slave import complete

STATE = ElectricityState(
    import_j=36_000 * 1_234_567 + 35_999,
    export_j=36_000 * 12,
    voltage_dv=(2301, 2302, 2303),
    current_ma=(1000, 2000, 3000),
    power_dw=(2000, 3000, 4000),
    reactive_dvar=(10, 20, 30),
    frequency_chz=5001,
)


def frame(*content: int) -> bytes:
    data = bytes(content)
    return data + FramerRTU.compute_CRC(data).to_bytes(2, "big")


def read(unit: int, function: int, start: int, count: int) -> bytes:
    return frame(unit, function, start >> 8, start & 255, 0, count)


def floats(answer: bytes | None) -> list[float]:
    assert answer is not None
    assert FramerRTU.compute_CRC(answer[:-2]) == int.from_bytes(answer[-2:], "big")
    assert answer[2] == len(answer) - 5
    return [value for (value,) in struct.iter_unpack(">f", answer[3:-2])]


def test_electricity_registers_are_chints_floats():
    meter = Dtsu666("50000001", 1, lambda _: STATE)
    assert floats(meter.answer(read(1, 3, 0x2006, 14), 0)) == [
        2301, 2302, 2303, 1000, 2000, 3000, 9000,
    ]  # fmt: skip
    assert floats(meter.answer(read(1, 3, 0x2044, 2), 0)) == [5001]


def test_energy_moves_in_hundredths_of_a_kilowatt_hour():
    meter = Dtsu666("50000001", 1, lambda _: STATE, start_register=3)
    imported, _, _, _, net, exported = floats(meter.answer(read(1, 3, 0x101E, 12), 0))
    assert round(imported * 100) == 1_234_567 + 3
    assert round(exported * 100) == 12
    assert round(net * 100) == 1_234_558


def test_a_float_holds_every_step_up_to_its_precision():
    for steps in (0, 1, 99, 8_388_607, 13_107_199):
        state = STATE._replace(import_j=steps * 36_000)
        meter = Dtsu666("50000001", 1, lambda _, s=state: s)
        assert round(floats(meter.answer(read(1, 3, 0x101E, 2), 0))[0] * 100) == steps


def test_registers_that_do_not_exist_get_an_exception_answer():
    meter = Dtsu666("50000001", 1, lambda _: STATE)
    assert meter.answer(read(1, 3, 0x3000, 2), 0) == frame(1, 0x83, 2)


@pytest.mark.parametrize(
    "request_frame",
    [
        b"",
        b"\x01",
        read(2, 3, 0x2006, 2),
        read(1, 3, 0x2006, 2)[:-1] + b"\x00",
        read(1, 3, 0, 2)[:5],
    ],
)
def test_damaged_and_foreign_requests_get_silence(request_frame):
    meter = Dtsu666("50000001", 1, lambda _: STATE)
    assert meter.answer(request_frame, 0) is None


def test_room_sensor_is_signed_tenths():
    sensor = RoomSensor("40000001", 2, lambda _: RoomState(-205, 546))
    assert sensor.answer(read(2, 4, 1, 2), 0) == frame(2, 4, 4, 0xFF, 0x33, 0x02, 0x22)


def test_room_sensor_keeps_settings_that_were_written():
    sensor = RoomSensor("40000001", 2, lambda _: RoomState(201, 500))
    assert sensor.answer(read(2, 3, 0x0101, 2), 0) == frame(2, 3, 4, 0, 2, 0x25, 0x80)
    write = frame(2, 6, 0x01, 0x03, 0xFF, 0xFB)
    assert sensor.answer(write, 0) == write
    assert sensor.answer(read(2, 3, 0x0103, 1), 0) == frame(2, 3, 2, 0xFF, 0xFB)
    assert sensor.answer(read(2, 4, 1, 1), 0) == frame(2, 4, 2, 0, 201)


def test_values_are_those_of_the_instant():
    sensor = RoomSensor("40000001", 2, lambda now_ms: RoomState(now_ms // 1000, 0))
    assert sensor.answer(read(2, 4, 1, 1), 5_000) == frame(2, 4, 2, 0, 5)
    assert sensor.answer(read(2, 4, 1, 1), 9_000) == frame(2, 4, 2, 0, 9)


def test_a_silent_source_makes_a_silent_device():
    assert RoomSensor("40000001", 2, lambda _: None).answer(read(2, 4, 1, 2), 0) is None
    assert Dtsu666("50000001", 1, lambda _: None).answer(read(1, 3, 0x2006, 2), 0) is None


def test_one_request_takes_well_under_a_millisecond():
    meter = Dtsu666("50000001", 1, lambda _: STATE)
    request = read(1, 3, 0x2006, 14)
    begin = time.process_time()
    for now_ms in range(200):
        meter.answer(request, now_ms)
    assert (time.process_time() - begin) / 200 < 0.001


def test_a_coroutine_that_waits_is_an_error():
    class Waits:
        def __await__(self):
            yield

    async def never():
        await Waits()

    with pytest.raises(RuntimeError, match="waited"):
        complete(never())


def test_address_bounds():
    with pytest.raises(ValueError, match=r"outside 1\.\.247"):
        RoomSensor("40000001", 0, lambda _: None)
