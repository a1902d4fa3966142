# ruff: noqa: D103, PLW0603
"""The vfs module of a board with a ROM partition: rom_ioctl, and what MicroPython does with it.

The ESP32 gives the partition as an object from which a memoryview can be made; so does this.
"""

import sys

from vfs import *  # noqa: F403

_GET_SEGMENTS = 1
_GET_SEGMENT = 2
_EINVAL = -22

_rom = None


def start(uos, path):
    """Map the partition; the module vfs is this one from now on."""
    global _rom
    import mapped

    _rom = mapped.file(uos, path, True)
    sys.modules["vfs"] = sys.modules["rom"]


def rom_ioctl(request, segment=0, *_):
    if request == _GET_SEGMENTS:
        return 1
    if request == _GET_SEGMENT and segment == 0:
        return memoryview(_rom)
    return _EINVAL


def automount():
    """What MicroPython does at the start with a partition that begins like a ROMFS."""
    try:
        mount(VfsRom(_rom), "/rom")  # noqa: F405
    except OSError:
        return
    sys.path.append("/rom/lib")
