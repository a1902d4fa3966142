"""What goes where on a board's flash."""

from __future__ import annotations

from nuan_tools.errors import UserError
from nuan_tools.flashing.esp import ERASED, Part
from nuan_tools.flashing.partitions import (
    APP_OFFSET,
    TABLE_OFFSET,
    Partition,
    find,
    layout,
    pack,
)
from nuan_tools.flashing.vm_image import VmImage
from nuan_tools.i18n import tr

BLOCK_BYTES = 4096
SLOTS = 2


def whole(image: VmImage, bundle: bytes, flash_mib: int) -> list[Part]:
    """Everything a new board needs but its files: bootloader, table, VM and the application."""
    if not image.bootloader:
        raise UserError(
            tr("this image holds the VM alone; name the one that begins with a bootloader")
        )
    partitions = layout(flash_mib)
    otadata = find(partitions, "otadata")
    _fits("MicroPython", image.vm, find(partitions, "ota_0").size)
    return [
        Part(tr("bootloader"), image.chip.bootloader_offset, image.bootloader),
        Part(tr("partition table"), TABLE_OFFSET, pack(partitions)),
        # Erased, it makes the bootloader start the first image.
        Part(tr("choice of image"), otadata.offset, ERASED * otadata.size),
        Part("MicroPython", APP_OFFSET, image.vm),
        application(partitions, bundle, 0),
    ]


def application(partitions: tuple[Partition, ...], bundle: bytes, slot: int) -> Part:
    """The application alone, for one of the two slots of the ROM partition."""
    rom = find(partitions, "romfs")
    room = rom.size // SLOTS
    _fits("nuan", bundle, room)
    return Part("nuan", rom.offset + slot * room, bundle)


def forgotten(partitions: tuple[Partition, ...]) -> list[Part]:
    """What makes a board new: an erased store of keys and an erased file system."""
    nvs, files = find(partitions, "nvs"), find(partitions, "vfs")
    # A littlefs whose first two blocks are erased is formatted at the next start.
    return [
        Part(tr("keys"), nvs.offset, ERASED * nvs.size),
        Part(tr("file system"), files.offset, ERASED * 2 * BLOCK_BYTES),
    ]


def _fits(what: str, data: bytes, room: int) -> None:
    if len(data) > room:
        raise UserError(
            tr(
                "{part}: {size} bytes don't fit into {room}; choose a board with more flash or a"
                " smaller build",
                part=what,
                size=len(data),
                room=room,
            )
        )
