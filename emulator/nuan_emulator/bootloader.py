"""An ESP32 that waits for its flash to be written: the chip's serial bootloader.

    packet    C0 | content | C0, in which C0 is DB DC and DB is DB DD (SLIP)
    request   00 | u8 command | u16 bytes | u32 checksum | data
    answer    01 | u8 command | u16 bytes | u32 value | data | status: 00 00 of the chip's own
              loader with 00 00 behind, 00 00 of the one that esptool puts into its memory

Written from Espressif's description of the serial protocol. Flash behaves as flash does: a write
can only clear bits, so that what was not erased first is damaged.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import tty
import zlib
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

SECTOR_BYTES = 4096
_END, _ESCAPE = 0xC0, 0xDB
_ESCAPES = {0xDC: 0xC0, 0xDD: 0xDB}
_MAGIC_REGISTER, _ESP32_MAGIC = 0x40001000, 0x00F01D83
_SPI = 0x3FF42000
_SPI_COMMAND, _SPI_USER2, _SPI_W0 = _SPI, _SPI + 0x24, _SPI + 0x80
_READ_ID = 0x9F
_WINBOND = 0x40EF
_BAD_COMMAND = 5
_CHECKED = {0x03, 0x07, 0x11}
_CHECKSUM_SEED = 0xEF
_SYNC_ANSWERS = 8


class EspBootloader:
    """The loader of an ESP32 with `flash`; feed() takes what the PC sends and gives the answers."""

    def __init__(self, flash_bytes: int) -> None:
        self.flash = bytearray(b"\xff" * flash_bytes)
        self.requests = 0
        self._registers: dict[int, int] = {_MAGIC_REGISTER: _ESP32_MAGIC}
        self._stub = False
        self._packet: bytearray | None = None
        self._escaped = False
        self._offset = 0
        self._inflate = zlib.decompressobj()
        self._actions: dict[int, Callable[[bytes], tuple[int, bytes]]] = {
            0x02: self._begin,
            0x03: self._data,
            0x04: self._nothing,
            0x05: self._nothing,
            0x06: self._nothing,
            0x07: self._nothing,
            0x09: self._write_register,
            0x0A: self._read_register,
            0x0B: self._nothing,
            0x0D: self._nothing,
            0x0F: self._nothing,
            0x10: self._begin_deflated,
            0x11: self._deflated,
            0x12: self._nothing,
            0x13: self._md5,
            0xD0: self._erase_all,
            0xD1: self._erase_region,
        }

    def feed(self, data: bytes) -> bytes:
        """Whatever the chip answers to these bytes."""
        answers = bytearray()
        for byte in data:
            packet = self._take(byte)
            if packet is not None:
                answers += self._answer(packet)
        return bytes(answers)

    def _take(self, byte: int) -> bytes | None:
        if byte == _END:
            packet, self._packet = self._packet, bytearray()
            return bytes(packet) if packet else None
        if self._packet is None:
            return None
        if byte == _ESCAPE:
            self._escaped = True
            return None
        self._packet.append(_ESCAPES.get(byte, byte) if self._escaped else byte)
        self._escaped = False
        return None

    def _answer(self, packet: bytes) -> bytes:
        if len(packet) < 8 or packet[0] != 0:
            return b""
        self.requests += 1
        command, size, checksum = struct.unpack_from("<BHI", packet, 1)
        data = packet[8:]
        if command == 0x08:
            # The chip's own loader answers a SYNC with something, the other one with nothing.
            value = 0 if self._stub else 0x20120707
            return self._reply(command, value, b"") * _SYNC_ANSWERS
        action = self._actions.get(command)
        if action is None or len(data) != size or not _is_sound(command, data, checksum):
            return self._reply(command, 0, b"", _BAD_COMMAND)
        value, answer = action(data)
        reply = self._reply(command, value, answer)
        if command == 0x06 and not self._stub:
            # What was put into memory runs from now on, and says so.
            self._stub = True
            reply += _slip(b"OHAI")
        return reply

    def _reply(self, command: int, value: int, data: bytes, error: int = 0) -> bytes:
        status = bytes([1 if error else 0, error]) + (b"" if self._stub else b"\0\0")
        content = data + status
        return _slip(struct.pack("<BBHI", 1, command, len(content), value) + content)

    # Commands.

    def _nothing(self, data: bytes) -> tuple[int, bytes]:  # noqa: ARG002
        return 0, b""

    def _read_register(self, data: bytes) -> tuple[int, bytes]:
        return self._registers.get(struct.unpack_from("<I", data)[0], 0), b""

    def _write_register(self, data: bytes) -> tuple[int, bytes]:
        for at in range(0, len(data) - 15, 16):
            address, value = struct.unpack_from("<II", data, at)
            if address != _SPI_COMMAND:
                self._registers[address] = value
            elif self._registers.get(_SPI_USER2, 0) & 0xFF == _READ_ID:
                capacity = len(self.flash).bit_length() - 1
                self._registers[_SPI_W0] = capacity << 16 | _WINBOND
        return 0, b""

    def _begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, self._offset = struct.unpack_from("<IIII", data)
        self._erase(self._offset, size)
        return 0, b""

    def _data(self, data: bytes) -> tuple[int, bytes]:
        self._program(data[16 : 16 + struct.unpack_from("<I", data)[0]])
        return 0, b""

    def _begin_deflated(self, data: bytes) -> tuple[int, bytes]:
        self._inflate = zlib.decompressobj()
        return self._begin(data)

    def _deflated(self, data: bytes) -> tuple[int, bytes]:
        self._program(self._inflate.decompress(data[16:]))
        return 0, b""

    def _md5(self, data: bytes) -> tuple[int, bytes]:
        offset, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self.flash[offset : offset + size], usedforsecurity=False)
        return 0, digest.digest() if self._stub else digest.hexdigest().encode()

    def _erase_all(self, data: bytes) -> tuple[int, bytes]:  # noqa: ARG002
        self._erase(0, len(self.flash))
        return 0, b""

    def _erase_region(self, data: bytes) -> tuple[int, bytes]:
        self._erase(*struct.unpack_from("<II", data))
        return 0, b""

    # Flash.

    def _erase(self, offset: int, size: int) -> None:
        first = offset // SECTOR_BYTES * SECTOR_BYTES
        end = min(len(self.flash), -(-(offset + size) // SECTOR_BYTES) * SECTOR_BYTES)
        self.flash[first:end] = b"\xff" * (end - first)

    def _program(self, data: bytes) -> None:
        end = self._offset + len(data)
        old = int.from_bytes(self.flash[self._offset : end], "big")
        new = old & int.from_bytes(data, "big")
        self.flash[self._offset : end] = new.to_bytes(len(data), "big")
        self._offset = end


class ServedBootloader:
    """A bootloader behind a pseudo-terminal: a context manager; `path` is the port to open."""

    def __init__(self, bootloader: EspBootloader) -> None:
        self._bootloader = bootloader
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                answers = self._bootloader.feed(os.read(self._near, SECTOR_BYTES))
                while answers:
                    answers = answers[os.write(self._near, answers) :]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing the far end ends the read at the near one.
        os.close(self._far)
        self._thread.join(1)
        os.close(self._near)


def _slip(content: bytes) -> bytes:
    escaped = content.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"


def _is_sound(command: int, data: bytes, checksum: int) -> bool:
    if command not in _CHECKED:
        return True
    value = _CHECKSUM_SEED
    for byte in data[16:]:
        value ^= byte
    return value == checksum & 0xFF
