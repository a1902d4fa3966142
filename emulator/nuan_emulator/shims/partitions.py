# ruff: noqa: ARG002, ARG004, D102, D103
"""ESP32's flash partitions over files of the host, and what its OTA functions do with them.

Flash as it is: a block is erased to FF, a write only clears bits, and power fails in the middle.
What a file doesn't hold yet was never erased, and reads as zeros. The entries of otadata are the
bootloader's own (ota_data.py is the bootloader).
"""

import hashlib
import struct
from binascii import crc32

import lockstep_client as _clock
from micropython import const

_BLOCK = const(4096)
_PIECE = const(512)
_SMALL = const(64)
_VALIDATE_FAILED = -5379
_INVALID_SIZE = -260
_NEVER = const(0xFFFFFFFF)
_NEW, _PENDING, _VALID, _INVALID, _ABORTED = 0, 1, 2, 3, 4
_IMAGE_MAGIC = const(0xE9)

# Label: type, subtype, address, bytes. As `nuan flash` lays out 4 MB.
_TABLE = {
    "otadata": (1, 0x00, 0xD000, 0x2000),
    "ota_0": (0, 0x10, 0x10000, 0x140000),
    "ota_1": (0, 0x11, 0x150000, 0x140000),
    "romfs": (1, 0x8F, 0x290000, 0x80000),
}
_host = _base = _running = None
_files = {}
_scratch = bytearray(_SMALL)


def start(host, base, running):
    global _host, _base, _running
    _host, _base, _running = host, base, running


class Partition:
    """A partition by its label, or the one that runs or will be booted."""

    TYPE_APP = const(0)
    TYPE_DATA = const(1)
    BOOT = const(0)
    RUNNING = const(1)

    def __init__(self, id, block_size=_BLOCK):
        if id == Partition.RUNNING:
            id = _running
        elif id == Partition.BOOT:
            entry = _active(_entries())
            id = "ota_%d" % ((entry[0] - 1) % 2) if entry else "ota_0"
        if id not in _TABLE:
            raise OSError(2)
        self._label = id
        self._bytes = _TABLE[id][3]

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=_BLOCK):
        return [
            Partition(each)
            for each in sorted(_TABLE)
            if _TABLE[each][0] == type
            and subtype in (0xFF, _TABLE[each][1])
            and label in (None, each)
        ]

    def info(self):
        return _TABLE[self._label] + (self._label, False)

    def readblocks(self, block, buffer, offset=0):
        at = self._at(block, offset, len(buffer))
        view = memoryview(buffer)
        for i in range(len(view)):
            view[i] = 0
        file = _file(self._label)
        file.seek(at)
        file.readinto(view)

    def writeblocks(self, block, buffer, offset=None):
        size = len(buffer)
        at = self._at(block, offset or 0, size)
        if offset is None:
            for each in range(block, block + (size + _BLOCK - 1) // _BLOCK):
                self._erase(each)
        view = memoryview(buffer)
        for done in range(0, size, _PIECE):
            self._program(at + done, view[done : done + _PIECE])

    def ioctl(self, request, argument):
        if request == 4:
            return self._bytes // _BLOCK
        if request == 5:
            return _BLOCK
        if request == 6:
            self._at(argument, 0, _BLOCK)
            self._erase(argument)
        return 0

    def set_boot(self):
        if _TABLE[self._label][0] != Partition.TYPE_APP or not self._is_image():
            raise OSError(_VALIDATE_FAILED, "ESP_ERR_OTA_VALIDATE_FAILED")
        entries = _entries()
        active = _active(entries)
        number = int(self._label[-1]) + 1
        sector = 0
        if active:
            while number <= active[0]:
                number += 2
            sector = 1 - entries.index(active)
        _write_entry(sector, number, _NEW)

    def get_next_update(self):
        return Partition("ota_%d" % (1 - int(_running[-1])))

    @staticmethod
    def mark_app_valid_cancel_rollback():
        entries = _entries()
        active = _active(entries)
        if active and active[1] == _PENDING:
            _write_entry(entries.index(active), active[0], _VALID)

    def _at(self, block, offset, size):
        at = block * _BLOCK + offset
        if at + size > self._bytes:
            raise OSError(_INVALID_SIZE, "ESP_ERR_INVALID_SIZE")
        return at

    def _erase(self, block):
        file = _file(self._label)
        cut = _clock.flash_operation()
        file.seek(block * _BLOCK)
        for i in range(_SMALL):
            _scratch[i] = 0xFF
        for _ in range(_BLOCK // _SMALL // (2 if cut else 1)):
            file.write(_scratch)
        if cut:
            _clock.power_fails()

    def _program(self, at, data):
        file = _file(self._label)
        size = len(data)
        cut = _clock.flash_operation()
        # A board's own flash driver takes nothing of the heap: little is taken here.
        for done in range(0, size // 2 if cut else size, _SMALL):
            piece = memoryview(_scratch)[: min(_SMALL, size - done)]
            file.seek(at + done)
            file.readinto(piece)
            for i in range(len(piece)):
                piece[i] &= data[done + i]
            file.seek(at + done)
            file.write(piece)
        if cut:
            _clock.power_fails()

    def _is_image(self):
        """What the chip checks of an image: magic, the checksum of its segments, its SHA-256."""
        file = _file(self._label)
        file.seek(0)
        head = file.read(24)
        if len(head) < 24 or head[0] != _IMAGE_MAGIC or not head[23]:
            return False
        digest = hashlib.sha256(head)
        at = 24
        for _ in range(head[1]):
            segment = file.read(8)
            if len(segment) < 8:
                return False
            digest.update(segment)
            left = struct.unpack("<I", segment[4:])[0]
            at += 8 + left
            if at > self._bytes:
                return False
            while left:
                data = file.read(min(left, _PIECE))
                if not data:
                    return False
                digest.update(data)
                left -= len(data)
        digest.update(file.read(16 - at % 16))
        return file.read(32) == digest.digest()


def _file(label):
    if label not in _files:
        name = "/" + _base + "." + label
        try:
            _files[label] = _host.open(name, "r+b")
        except OSError:
            _files[label] = _host.open(name, "w+b")
    return _files[label]


def _entries():
    found = []
    for sector in range(2):
        file = _file("otadata")
        file.seek(sector * _BLOCK)
        data = file.read(32)
        number, state, check = struct.unpack("<I20xII", data) if len(data) == 32 else (0, 0, 1)
        sound = number not in (0, _NEVER) and crc32(struct.pack("<I", number), _NEVER) == check
        found.append((number, state, sector) if sound else None)
    return found


def _active(entries):
    usable = [each for each in entries if each and each[1] not in (_INVALID, _ABORTED)]
    return max(usable) if usable else None


def _write_entry(sector, number, state):
    packed = struct.pack("<I", number)
    entry = packed + b"\xff" * 20 + struct.pack("<II", state, crc32(packed, _NEVER))
    partition = Partition("otadata")
    partition._erase(sector)
    partition._program(sector * _BLOCK, entry)
