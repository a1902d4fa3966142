# ruff: noqa: D102, SIM115
"""The vfs partition of a 4 MB ESP32 with OTA: 240 blocks of 4096 bytes over a file of the host."""

from micropython import const

BLOCKS = const(240)
BLOCK_BYTES = const(4096)
# What the chip reads or programs in one go.
_PAGE_BYTES = const(256)
_PIECE = const(512)

_erased = b"\xff" * _PIECE


class BlockDevice:
    """A littlefs device; `power` counts its operations and may fail in the middle of one."""

    def __init__(self, path, power=None):
        self._file = open(path, "r+b")
        self._power = power

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        file = self._file
        file.seek(block * BLOCK_BYTES + offset)
        if self._power and self._power.flash_operation():
            file.write(buffer, len(buffer) // 2)
            self._power.power_fails()
        file.write(buffer)

    def ioctl(self, request, argument):
        if request == 4:
            return BLOCKS
        if request == 5:
            return BLOCK_BYTES
        if request == 6:
            self._erase(argument)
        return 0

    def _erase(self, block):
        pieces = BLOCK_BYTES // _PIECE
        cut = self._power and self._power.flash_operation()
        self._file.seek(block * BLOCK_BYTES)
        for _ in range(pieces // 2 if cut else pieces):
            self._file.write(_erased)
        if cut:
            self._power.power_fails()


class CostlyBlockDevice(BlockDevice):
    """A device that takes its time: `power` also charges it, and not the emulation's own."""

    def readblocks(self, block, buffer, offset=0):
        charged = self._power.pause()
        super().readblocks(block, buffer, offset)
        if charged:
            self._power.owe_flash(_pages(offset, buffer), 0, 0)
            self._power.resume()

    def writeblocks(self, block, buffer, offset=0):
        charged = self._power.pause()
        super().writeblocks(block, buffer, offset)
        if charged:
            self._power.owe_flash(0, _pages(offset, buffer), 0)
            self._power.resume()

    def ioctl(self, request, argument):
        charged = self._power.pause()
        answer = super().ioctl(request, argument)
        if charged:
            self._power.owe_flash(0, 0, 1 if request == 6 else 0)
            self._power.resume()
        return answer


def _pages(offset, buffer):
    return (offset + len(buffer) - 1) // _PAGE_BYTES - offset // _PAGE_BYTES + 1
