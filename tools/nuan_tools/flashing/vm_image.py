"""A MicroPython image as it is built or downloaded: bootloader, table and VM in one file.

    file    starts where the chip's bootloader lies: 0x1000 on ESP32 and S2, 0x0 on newer chips
    parts   bootloader | partition table at 0x8000 of flash | VM at 0x10000 of flash

Only the bootloader and the VM are used; the table is replaced by nuan's own. A file may also hold
the VM alone, as it is built for updates over the air.
"""

import struct
from pathlib import Path
from typing import Any, NamedTuple

from nuan_tools.errors import UserError
from nuan_tools.flashing.partitions import APP_OFFSET, TABLE_OFFSET
from nuan_tools.i18n import tr

IMAGE_MAGIC = 0xE9
# What a VM that can mount a ROM file system carries among its names.
ROM_MARK = b"VfsRom"
_HEAD_BYTES = 24
_CHIP_AT = 12


class Chip(NamedTuple):
    """A kind of chip: esptool's name for it, and where its bootloader lies."""

    name: str
    bootloader_offset: int


# By the chip id in an image's header (ESP-IDF, esp_app_format.h).
CHIPS = {
    0: Chip("esp32", 0x1000),
    2: Chip("esp32s2", 0x1000),
    5: Chip("esp32c3", 0x0),
    9: Chip("esp32s3", 0x0),
    13: Chip("esp32c6", 0x0),
}


class VmImage(NamedTuple):
    """MicroPython for one kind of chip; without a bootloader it can only update a board."""

    chip: Chip
    bootloader: bytes
    vm: bytes


def read_image(path: Path) -> VmImage:
    """Take a file apart and check it; raises UserError that says what is wrong and what to do."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    chip = _chip(path, data)
    start = chip.bootloader_offset
    table = data[TABLE_OFFSET - start :][:2]
    if table == b"\xaa\x50":
        bootloader = data[: TABLE_OFFSET - start].rstrip(b"\xff")
        at = APP_OFFSET - start
    else:
        bootloader, at = b"", 0
    vm = _checked(path, chip, data[at:], at)
    if ROM_MARK not in vm:
        raise UserError(
            tr(
                "{path}: this MicroPython can't run code from a ROM partition; build one with"
                " MICROPY_VFS_ROM (docs/node.md says how)",
                path=path,
            )
        )
    return VmImage(chip, bootloader, vm)


def _chip(path: Path, data: bytes) -> Chip:
    if len(data) < _HEAD_BYTES or data[0] != IMAGE_MAGIC:
        raise UserError(
            tr(
                "{path}: byte 0: not an image for an ESP32 (it begins with E9); name the .bin"
                " file of MicroPython",
                path=path,
            )
        )
    number = struct.unpack_from("<H", data, _CHIP_AT)[0]
    if number not in CHIPS:
        raise UserError(tr("{path}: byte 12: chip {number} is not known", path=path, number=number))
    return CHIPS[number]


def _checked(path: Path, chip: Chip, data: bytes, at: int) -> bytes:
    """The VM without what follows it, its checksum and hash compared."""
    # esptool carries no types.
    from esptool.bin_image import LoadFirmwareImage  # type: ignore[import-untyped]
    from esptool.util import FatalError  # type: ignore[import-untyped]

    broken = tr("{path}: byte {at}: the image of the VM is damaged", path=path, at=at)
    try:
        image: Any = LoadFirmwareImage(chip.name, data)
    except (FatalError, struct.error, IndexError, ValueError) as error:
        raise UserError(f"{broken}: {error}") from None
    end = int(image.data_length)
    if image.append_digest:
        if image.calc_digest != image.stored_digest:
            raise UserError(broken)
        end += len(image.stored_digest)
    if image.checksum != image.calculate_checksum():
        raise UserError(broken)
    return data[:end]
