"""Checksums of the wire protocols: the M-Bus sum and the Modbus CRC-16."""

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

_MODBUS_POLYNOMIAL = 0xA001
# 512 bytes, made on first use: a node without a Modbus line never pays for it.
_modbus_table: "array[int]" = array("H")


def sum8(data: "Buffer", start: int = 0, end: int | None = None) -> int:
    """Sum of data[start:end] modulo 256 (EN 60870-5-2, M-Bus)."""
    # Without a slice: it is asked about every frame on the line, and slices cost a board heap.
    total = 0
    for index in range(start, len(data) if end is None else end):
        total += data[index]
    return total & 0xFF


def crc16_modbus(data: "Buffer", start: int = 0, end: int | None = None) -> int:
    """CRC-16 of data[start:end] as Modbus RTU sends it, low byte first on the wire."""
    if not _modbus_table:
        _fill_modbus_table()
    table = _modbus_table
    crc = 0xFFFF
    for index in range(start, len(data) if end is None else end):
        crc = crc >> 8 ^ table[(crc ^ data[index]) & 0xFF]
    return crc


def _fill_modbus_table() -> None:
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_MODBUS_POLYNOMIAL if crc & 1 else 0)
        _modbus_table.append(crc)
