"""Bounds-checked big-endian fields in buffers: the board's struct module checks no range."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer


def put_uint(buffer: bytearray, at: int, width: int, value: int, name: str) -> int:
    """Write an unsigned integer of `width` bytes at `at`; return the offset behind it."""
    if not 0 <= value < 1 << 8 * width:
        raise UplinkError(f"{name} is {value}, which does not fit {width} byte(s)", at)
    end = _room(buffer, at, width, name)
    while width:
        width -= 1
        buffer[at + width] = value & 0xFF
        value >>= 8
    return end


def put_int16(buffer: bytearray, at: int, value: int, name: str) -> int:
    """Write a signed 16-bit integer at `at`; return the offset behind it."""
    if not -0x8000 <= value < 0x8000:
        raise UplinkError(f"{name} is {value}, which does not fit 16 bits", at)
    return put_uint(buffer, at, 2, value & 0xFFFF, name)


def put_bytes(buffer: bytearray, at: int, data: "Buffer", name: str, size: int = -1) -> int:
    """Write bytes at `at` (exactly `size` of them when given); return the offset behind them."""
    if size >= 0 and len(data) != size:
        raise UplinkError(f"{name} has {len(data)} bytes instead of {size}", at)
    end = _room(buffer, at, len(data), name)
    buffer[at:end] = data
    return end


def uint(data: "Buffer", at: int, width: int) -> int:
    """Unsigned big-endian integer of `width` bytes at `at`. Raises UplinkError past the end."""
    if at + width > len(data):
        raise UplinkError(f"{width} byte(s) wanted, the data end at {len(data)}", at)
    value = 0
    for index in range(at, at + width):
        value = value << 8 | data[index]
    return value


def int16(data: "Buffer", at: int) -> int:
    """Signed big-endian 16-bit integer at `at`. Raises UplinkError past the end."""
    value = uint(data, at, 2)
    return value - 0x10000 if value & 0x8000 else value


def _room(buffer: bytearray, at: int, size: int, name: str) -> int:
    end = at + size
    # Checked by hand: assigning past a bytearray's end would silently grow it.
    if end > len(buffer):
        raise UplinkError(f"no room for {name}: the buffer has {len(buffer)} bytes", at)
    return end
