"""Modbus where it is read: on the board. Runs on CPython too."""

import gc
import sys

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.errors import FrameError
from nuan_protocols.ieee754 import quantised32, shortest32
from nuan_protocols.modbus.reader import ResponseReader
from nuan_protocols.modbus.registers import registers, scaled_value
from nuan_protocols.modbus.rtu import exception_code, read_request

REQUEST = read_request(16, 4, 1, 2)
ANSWER = bytes.fromhex("10040400d6017c1b0c")


def framed(body):
    return body + crc16_modbus(body).to_bytes(2, "little")


def is_refused(fields):
    try:
        read_request(*fields)
    except FrameError:
        return True
    return False


def test_requests_are_checked_by_hand():
    assert REQUEST.hex() == "100400010002234a"
    for fields in ((0, 3, 0, 1), (1, 3, 70000, 1), (1, 3, 0, 126), (1, 3, -1, 1)):
        assert is_refused(fields), fields


def test_answers_are_found_in_noise():
    stale = framed(bytes.fromhex("0f0404") + bytes(4))
    reader = ResponseReader()
    reader.expect(REQUEST)
    for noise in (b"", b"\xff", bytes(5), REQUEST, stale, ANSWER[:-1] + b"\x00", ANSWER[:4]):
        for step in (1, 2, 3, 64):
            reader.expect(REQUEST)
            stream = memoryview(noise + ANSWER + b"\xff")
            for at in range(0, len(stream), step):
                reader.feed(stream[at : at + step])
            assert reader.next_frame() == ANSWER
            assert reader.next_frame() is None


def test_exceptions_are_found():
    reader = ResponseReader()
    reader.expect(REQUEST)
    reader.feed(b"\x00" + framed(b"\x10\x84\x02"))
    assert exception_code(reader.next_frame()) == 2


def test_a_reader_keeps_its_buffer():
    if not hasattr(gc, "mem_alloc") or sys.platform == "webassembly":
        return
    reader = ResponseReader()
    reader.expect(REQUEST)
    reader.feed(ANSWER)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(20):
        reader.expect(REQUEST)
        reader.feed(b"\xff" + ANSWER)
        assert reader.next_frame() == ANSWER
    gc.collect()
    assert gc.mem_alloc() - before < 64


def test_registers_are_exact_with_single_precision_floats_too():
    assert registers(ANSWER) == [214, 380]
    assert scaled_value(b"\xff\x33", 0, "int16") == -205
    assert scaled_value(bytes.fromhex("0c49000c"), 0, "int32", 0, "little") == 789577
    assert scaled_value(bytes.fromhex("4640e6b0"), 0, "float32", -3) == 12345672
    assert quantised32(0x4640E6B7, -2) == 1234568
    assert quantised32(0x7FC00000, 0) is None
    assert shortest32(0x4640E6B7) == (12345679, -3)
    assert shortest32(0x00000001) == (1, -45)
    assert shortest32(0xC1480000) == (-125, -1)
