# ruff: noqa: D102
"""The one-wire module that ESP32's image brings along; the world answers what was written."""

import lockstep_client as _clock

_RECORD = 20


class OneWireError(Exception):
    """Nobody answered a reset."""


class OneWire:
    """A wire at a pin."""

    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        self._sent = b""

    def _ask(self, sent):
        return _clock.call(_RECORD, self.pin.id, sent)

    def reset(self, required=False):
        self._sent = b""
        found = bool(self._ask(b""))
        if required and not found:
            raise OneWireError
        return found

    def writebyte(self, value):
        self._sent += bytes((value,))
        # A conversion begins by itself.
        if value == 0x44 and len(self._sent) in (2, 10):
            self._ask(self._sent)

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def readinto(self, buf):
        heard = self._ask(self._sent)
        for i in range(len(buf)):
            buf[i] = heard[i] if i < len(heard) else 0xFF

    def readbyte(self):
        heard = self._ask(self._sent)
        return heard[0] if heard else 0xFF

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def scan(self):
        heard = self._ask(b"")
        return [bytearray(heard[at : at + 8]) for at in range(0, len(heard), 8)]

    def crc8(self, data):
        crc = 0
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
        return crc
