"""The partition table of a nuan board, as the ESP32's bootloader reads it.

    entry  AA 50 | u8 type | u8 subtype | u32 offset | u32 size | name[16] | u32 flags
    end    EB EB | FF x 14 | MD5 of all entries; then FF up to 3072 bytes; all little-endian

Two VM images for updates over the air with roll-back, one ROM partition cut into two slots for the
application, and the rest a littlefs. Source: ESP-IDF's partition table documentation.
"""

import hashlib
import struct
from typing import NamedTuple

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

TABLE_OFFSET = 0x8000
TABLE_BYTES = 0xC00
APP_OFFSET = 0x10000
KIB = 1024
MIB = 1024 * KIB

_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_APP, _DATA = 0, 1
_OTA_0, _OTA_1 = 0x10, 0x11
_NVS, _OTADATA, _PHY, _FAT, _ROM = 0x02, 0x00, 0x01, 0x81, 0x8F


class Partition(NamedTuple):
    """One partition; `offset` and `size` in bytes of flash."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int


class _Sizes(NamedTuple):
    image: int
    rom: int


# Flash in MiB -> what a VM image and the ROM partition get; littlefs gets the rest.
_SIZES = {
    4: _Sizes(image=0x140000, rom=0x80000),
    8: _Sizes(image=0x200000, rom=0x80000),
    16: _Sizes(image=0x1C0000, rom=0x80000),
}
FLASH_MIB = tuple(_SIZES)


def layout(flash_mib: int) -> tuple[Partition, ...]:
    """The partitions of a board with so much flash (4, 8 or 16 MiB)."""
    sizes = _SIZES.get(flash_mib)
    if sizes is None:
        raise UserError(
            tr(
                "a board with {size} MB of flash is not known; known are {known}",
                size=flash_mib,
                known=", ".join(map(str, FLASH_MIB)),
            )
        )
    rom = APP_OFFSET + 2 * sizes.image
    files = rom + sizes.rom
    return (
        Partition("nvs", _DATA, _NVS, 0x9000, 0x4000),
        Partition("otadata", _DATA, _OTADATA, 0xD000, 0x2000),
        Partition("phy_init", _DATA, _PHY, 0xF000, 0x1000),
        Partition("ota_0", _APP, _OTA_0, APP_OFFSET, sizes.image),
        Partition("ota_1", _APP, _OTA_1, APP_OFFSET + sizes.image, sizes.image),
        Partition("romfs", _DATA, _ROM, rom, sizes.rom),
        Partition("vfs", _DATA, _FAT, files, flash_mib * MIB - files),
    )


def find(partitions: tuple[Partition, ...], name: str) -> Partition:
    """The partition of that name; raises KeyError."""
    return {partition.name: partition for partition in partitions}[name]


def pack(partitions: tuple[Partition, ...]) -> bytes:
    """The table's 3072 bytes."""
    entries = b"".join(
        _ENTRY.pack(_MAGIC, p.type, p.subtype, p.offset, p.size, p.name.encode(), 0)
        for p in partitions
    )
    table = entries + _MD5_MAGIC + hashlib.md5(entries, usedforsecurity=False).digest()
    return table.ljust(TABLE_BYTES, b"\xff")


def unpack(table: bytes) -> tuple[Partition, ...]:
    """The partitions of a table; raises ValueError with the byte offset of what is wrong."""
    found: list[Partition] = []
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, subtype, offset, size, name, _ = _ENTRY.unpack_from(table, at)
        if magic == _MAGIC:
            found.append(Partition(name.rstrip(b"\0").decode("ascii"), kind, subtype, offset, size))
            continue
        if table[at : at + 16] == _MD5_MAGIC:
            wanted = hashlib.md5(table[:at], usedforsecurity=False).digest()
            if table[at + 16 : at + 32] != wanted:
                raise ValueError(f"byte {at + 16}: the partition table's MD5 is wrong")
        elif table[at : at + 2] != b"\xff\xff":
            raise ValueError(f"byte {at}: no entry of a partition table")
        return tuple(found)
    raise ValueError(f"byte {len(table)}: the partition table has no end")


def csv(partitions: tuple[Partition, ...]) -> str:
    """The table as ESP-IDF's build reads it."""
    kinds = {_APP: "app", _DATA: "data"}
    subtypes = {
        (_APP, _OTA_0): "ota_0",
        (_APP, _OTA_1): "ota_1",
        (_DATA, _NVS): "nvs",
        (_DATA, _OTADATA): "ota",
        (_DATA, _PHY): "phy",
        (_DATA, _FAT): "fat",
    }
    lines = ["# Name, Type, SubType, Offset, Size"]
    for p in partitions:
        subtype = subtypes.get((p.type, p.subtype), f"{p.subtype:#x}")
        lines.append(f"{p.name}, {kinds[p.type]}, {subtype}, {p.offset:#x}, {p.size:#x}")
    return "\n".join(lines) + "\n"
