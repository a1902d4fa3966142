"""From the UART to the read-out's reader nothing is allocated, whatever comes in what pieces."""

import micropython
from serial_port import ACK, modbus, telegram

from nuan_firmware.bus import Line
from nuan_firmware.config import Meter, Way
from nuan_firmware.masters import master
from nuan_protocols.cjt188.frame import make, parse

PIECES = (1, 7, 64)


class Uart:
    """Gives what it holds in pieces, without a slice."""

    def __init__(self):
        self.held = b""
        self.at = 0
        self.piece = 1

    def readinto(self, target):
        size = min(self.piece, len(target), len(self.held) - self.at)
        for index in range(size):
            target[index] = self.held[self.at + index]
        self.at += size
        return size


class Port:
    def __init__(self):
        self.uart = Uart()


def cjt188(question):
    asked = parse(question)
    data = asked.data + bytes(range(0x20, 0x48))
    return make(0x20, asked.address, asked.control | 0x80, data, 2)


def dlt645(question):
    start = question.find(b"\x68")
    body = question[start : start + 8] + bytes((0x91, 8)) + question[start + 10 : start + 14]
    body += b"\x89\x67\x45\x33"
    return body + bytes((sum(body) & 0xFF, 0x16))


CASES = (
    ("mbus", Meter(1, 0, 3, 900, Way((), None, -1)), lambda question: telegram(3, 1)),
    (
        "modbus",
        Meter(1, 0, 9, 900, Way(((3, 0, 40),), None, -1)),
        lambda question: modbus(9, 3, bytes(range(80))),
    ),
    (
        "cjt188",
        Meter(1, 0, bytes.fromhex("75364959001111"), 900, Way(((1, 0x1F, 0x90),), None, (0x20, 0))),
        cjt188,
    ),
    ("dlt645", Meter(1, 0, "123456789012", 900, Way(((0x11, 0x10000, 0),), None, -1)), dlt645),
)


def receive(line, readout, heard, piece):
    """Let all but the last byte come with the heap locked, then that."""
    uart = line.port.uart
    uart.held, uart.at, uart.piece = heard[:-1], 0, piece
    line.received = 0
    line._readout = readout
    micropython.heap_lock()
    try:
        while uart.at < len(uart.held):
            line._take(uart.readinto(line._chunk))
    finally:
        micropython.heap_unlock()
    assert readout.waiting
    uart.held, uart.at = heard[-1:], 0
    line._take(uart.readinto(line._chunk))
    assert not readout.waiting
    assert bytes(line.raw[: line.received]) == heard[: len(line.raw)]


def test_no_byte_of_an_answer_costs_heap():
    for protocol, meter, answer in CASES:
        for noise in (b"", b"\x00\xff\x55\x03", bytes(200)):
            for piece in PIECES:
                made = master(protocol, 1)
                line = Line(Port(), 30)
                readout = made.begin(0, meter, 3)
                question = readout.request()
                if protocol == "mbus":
                    # The link reset and its acknowledgement go before.
                    receive(line, readout, noise + question + ACK, piece)
                    question = readout.request()
                receive(line, readout, noise + question + answer(question), piece)
                assert readout.exchanges[-1][1] == 0, (protocol, noise, piece)


def test_the_lock_would_tell():
    line = memoryview(bytearray(8))
    told = False
    micropython.heap_lock()
    try:
        line[:4]
    except MemoryError:
        told = True
    finally:
        micropython.heap_unlock()
    assert told
