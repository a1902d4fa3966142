"""One temperature of an M-Bus telegram, by the DIF and VIF bytes of its record. For the moment."""

from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols import bcd
from nuan_protocols.mbus.walk import HEADER_BYTES_OF_CI, RECORD, USER_DATA_AT, next_span

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

_TAIL_BYTES = const(2)
_BCD = const(8)
_EXTENSION_BIT = const(0x80)
# Lengths of binary numbers by the DIF's low nibble: 1, 2, 3, 4, 6, 8 bytes.
_INTEGERS = (1, 2, 3, 4, 6, 7)
_DIGITS = (9, 10, 11, 12, 14)


def value_dc(frame: "Buffer", record: bytes) -> "int | None":
    """Tenths of a degree of the first record that begins with `record`; None without a number.

    The last two bits of its VIF say thousandths, hundredths, tenths or whole degrees.
    """
    header = HEADER_BYTES_OF_CI.get(frame[6], -1)
    if header < 0:
        return None
    at, end = USER_DATA_AT + header, len(frame) - _TAIL_BYTES
    while at < end:
        span = next_span(frame, at, end)
        if span.kind == RECORD and bytes(frame[at : span.data]) == record:
            value = _number(record[0] & 0x0F, frame[span.data : span.end])
            return None if value is None else _tenths(value, _scale(record))
        at = span.end
    return None


def _scale(record: bytes) -> int:
    """The VIF: the first byte behind DIF and its extensions."""
    at = 0
    while record[at] & _EXTENSION_BIT:
        at += 1
    return record[at + 1] & 3


def _number(code: int, data: "Buffer") -> "int | None":
    if code in _DIGITS:
        return bcd.integer(data)
    if code not in _INTEGERS:
        return None
    value = int.from_bytes(data, "little")
    half = 1 << 8 * len(data) - 1
    # The lowest number means that there is none.
    return None if value == half else value - 2 * half if value > half else value


def _tenths(value: int, scale: int) -> int:
    if scale == 3:
        return value * 10
    for _ in range(2 - scale):
        value = (value + 5) // 10
    return value
