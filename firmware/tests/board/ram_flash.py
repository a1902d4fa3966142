"""A flash chip in RAM under a real littlefs; its power can be cut in any operation's middle."""

import vfs

MOUNT = "/flash"
BLOCK_BYTES = 4096


class PowerCutError(Exception):
    """The power went in the middle of a flash operation."""


class RamFlash:
    """`cut_after` operations from now the power goes: half of that write or erase is done."""

    def __init__(self, blocks=64):
        self.blocks = [None] * blocks
        self.erases = [0] * blocks
        self.writes = 0
        self.cut_after = 0
        self._power = None

    def operations(self):
        return self.writes + sum(self.erases)

    def format(self):
        vfs.VfsLfs2.mkfs(Power(self), readsize=32, progsize=32, lookahead=32)

    def mount(self):
        self._power = Power(self)
        system = vfs.VfsLfs2(self._power, readsize=32, progsize=32, lookahead=32, mtime=False)
        vfs.mount(system, MOUNT)

    def unmount(self):
        """The power goes, if it hasn't yet: what was open stays as it is on flash."""
        self._power.on = False
        self.cut_after = 0
        vfs.umount(MOUNT)

    def was_cut(self):
        return not self._power.on


class Power:
    """The chip as one mount sees it: without power nothing reaches it, not even a closing file."""

    def __init__(self, chip):
        self._chip = chip
        self.on = True

    def readblocks(self, block, buffer, offset=0):
        if not self.on:
            return -5
        data = self._chip.blocks[block]
        if data is None:
            for index in range(len(buffer)):
                buffer[index] = 0xFF
        else:
            buffer[:] = memoryview(data)[offset : offset + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        if not self.on:
            return -5
        chip = self._chip
        chip.writes += 1
        cut = self._is_cut()
        size = len(buffer) // 2 if cut else len(buffer)
        data = chip.blocks[block]
        if data is None:
            data = chip.blocks[block] = bytearray(b"\xff" * BLOCK_BYTES)
        data[offset : offset + size] = memoryview(buffer)[:size]
        return self._end(cut)

    def ioctl(self, request, block):
        chip = self._chip
        if request == 4:
            return len(chip.blocks)
        if request == 5:
            return BLOCK_BYTES
        if request == 6:
            return self._erase(block) if self.on else -5
        return 0

    def _erase(self, block):
        chip = self._chip
        cut = self._is_cut()
        data = chip.blocks[block]
        if cut and data is not None:
            data[: BLOCK_BYTES // 2] = b"\xff" * (BLOCK_BYTES // 2)
        else:
            chip.blocks[block] = None
        chip.erases[block] += 1
        return self._end(cut)

    def _is_cut(self):
        chip = self._chip
        if chip.cut_after:
            chip.cut_after -= 1
            return chip.cut_after == 0
        return False

    def _end(self, cut):
        if cut:
            self.on = False
            raise PowerCutError
        return 0
