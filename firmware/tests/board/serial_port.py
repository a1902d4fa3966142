"""A serial port in memory with meters on it, and a book that takes what a poller journals."""

import asyncio
import io

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.mbus.frame import long_frame, short_frame


class Uart(io.IOBase):
    """What is written goes to `answer`, what that gives can be read at once; it may be split."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self._waiting = b""
        self._piece = 0

    def split(self, size):
        self._piece = size

    def write(self, question):
        self.asked.append(bytes(question))
        self._waiting += self.answer(bytes(question)) or b""
        return len(question)

    def any(self):
        return len(self._waiting)

    def ioctl(self, request, mask):
        return (1 if self._waiting else 0) & mask if request == 3 else 0

    def readinto(self, target):
        count = min(len(target), len(self._waiting))
        if self._piece:
            count = min(count, self._piece)
        if not count:
            return None
        target[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def txdone(self):
        return True


class Port:
    """The board's port as nuan_firmware.hal.serial makes it, over the port in memory."""

    def __init__(self, answer):
        self.uart = Uart(answer)
        self.driven = []
        self.lines = []

    def set_line(self, baud, parity):
        if not self.lines or self.lines[-1] != (baud, parity):
            self.lines.append((baud, parity))

    def bits_ms(self, count):
        return 1

    def frame_ms(self, count):
        return 1

    def is_driven(self):
        return True

    def drive(self, on):
        self.driven.append(on)

    def is_sent(self):
        return True

    def drain(self, into):
        while self.uart.any():
            self.uart.readinto(into)


class Book:
    """Journaled exchanges as (slot, part, result, tries, question, answer), and events."""

    def __init__(self):
        self.exchanges = []
        self.events = []
        self.seq = 1

    def exchange(self, time, clock, bus, slot, part, version, result, tries, question, answer):
        self.exchanges.append((slot, part, result, tries, bytes(question), bytes(answer)))
        self.seq += 1

    def event(self, code, text):
        self.events.append((code, text))


class Cycles:
    """Counts a poller's turns and ends its task after `turns` of them."""

    def __init__(self, turns):
        self.left = turns
        self.begun = 0

    def begin(self):
        self.begun += 1

    def end(self):
        self.left -= 1
        if not self.left:
            raise asyncio.CancelledError


NKE = {address: short_frame(0x40, address) for address in range(1, 9)}
ACK = b"\xe5"


def telegram(address, number=0, more=False):
    """A heat meter's answer, numbered by its access number; `more` says that another follows."""
    data = bytes((0x78, 0x56, 0x34, 0x12, 0x2D, 0x2C, 1, 4, number & 0xFF, 0, 0, 0))
    data += b"\x04\x06" + number.to_bytes(4, "little")
    return long_frame(8, address, 0x72, data + (b"\x1f" if more else b""))


def modbus(unit, function, data):
    """A Modbus answer with these registers' bytes."""
    frame = bytes((unit, function, len(data))) + data
    return frame + crc16_modbus(frame).to_bytes(2, "little")
