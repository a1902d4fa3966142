"""The fixed data structure of old meters, CI 73 (EN 1434-3): two counters and their units.

    id4 | access | status | units2 | counter4 | counter4

Units: the low six bits of each of the two bytes name one counter's unit, the two high bits of both
are the medium. Status bit 0: counters are binary, else BCD. Bit 1: values stored at a fixed date.
A second unit 3E is the first one's unit, for a historic value.
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.mbus.header import Header, digits, need
from nuan_protocols.mbus.vif_tables import name_of
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

FIXED_HEADER_BYTES = 8
COUNTERS = 2
COUNTER_BYTES = 4
FIXED_BYTES = FIXED_HEADER_BYTES + COUNTERS * COUNTER_BYTES

# The four-bit medium of the fixed structure.
_FIXED_MEDIA = """\
00 other
01 oil
02 electricity
03 gas
04 heat (outlet)
05 steam
06 hot water
07 water
08 heat cost allocator
0A gas
0B heat (outlet)
0C hot water
0D water
0E heat cost allocator
"""

_STATUS_BINARY = 0x01
_STATUS_STORED = 0x02
_UNIT_SAME_BUT_HISTORIC = 0x3E

# (first, count, quantity, exponent, unit): the exponent grows by one from code to code.
_UNITS = (
    (0x02, 9, "energy", 0, "Wh"),
    (0x0B, 9, "energy", 3, "J"),
    (0x14, 9, "power", 0, "W"),
    (0x1D, 9, "power", 3, "J/h"),
    (0x26, 9, "volume", -6, "m3"),
    (0x2F, 9, "volume_flow", -6, "m3/h"),
    (0x38, 1, "external_temperature", -3, "degC"),
    (0x39, 1, "heat_cost_units", 0, "1"),
    (0x3F, 1, "dimensionless", 0, "1"),
)


def fixed_header(data: "Buffer", offset: int, high_first: bool = False) -> Header:
    """The 8 bytes at `offset` of a fixed structure."""
    need(data, offset, FIXED_HEADER_BYTES)
    low, high = data[offset + 6], data[offset + 7]
    if high_first:
        low, high = high, low
    medium = low >> 6 | high >> 6 << 2
    name = name_of(_FIXED_MEDIA, medium) or "reserved"
    number = digits(data, offset, high_first)
    return Header(number, "", -1, (medium, name), data[offset + 4], data[offset + 5], -1)


def readings(data: "Buffer", offset: int, high_first: bool = False) -> list[Reading]:
    """The two counters of the fixed structure whose 16 bytes start at `offset`."""
    status = data[offset + 5]
    first, second = data[offset + 6] & 0x3F, data[offset + 7] & 0x3F
    stored = status >> 1 & 1
    found: list[Reading] = []
    for index in range(COUNTERS):
        at = offset + FIXED_HEADER_BYTES + COUNTER_BYTES * index
        number = bytes(data[at : at + COUNTER_BYTES])
        if high_first:
            number = bytes((number[3], number[2], number[1], number[0]))
        historic = index == 1 and second == _UNIT_SAME_BUT_HISTORIC
        unit = first if index == 0 or historic else second
        storage = 1 if stored or historic else 0
        found.append(_reading(number, unit, status & _STATUS_BINARY, storage))
    return found


def _reading(number: bytes, code: int, binary: int, storage: int) -> Reading:
    quantity, exponent, unit = _unit(code)
    text = ""
    if not unit:
        status = f"unreadable:unit {code:02X} is no number or reserved"
        integer = None
    elif binary:
        integer = int.from_bytes(number, "little")
        if integer >> 31:
            integer -= 1 << 32
        status = "ok"
    else:
        integer = bcd.integer(number)
        status = "ok" if integer is not None else "error"
        text = "" if integer is not None else bcd.digits(number)
    return Reading(quantity, integer, exponent, unit, storage, 0, 0, "instantaneous", status, text)


def _unit(code: int) -> tuple[str, int, str]:
    for first, count, quantity, exponent, unit in _UNITS:
        if first <= code < first + count:
            return quantity, exponent + code - first, unit
    return "unknown", 0, ""
