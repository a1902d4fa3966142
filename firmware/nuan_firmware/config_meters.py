"""The configuration of one meter: its address and its reads as the bus's protocol has them.

Every function and control code that is let through reads. The one command beyond it, moving the
valve of a CJ/T 188 meter, must be allowed to each meter by name.
"""

from binascii import unhexlify
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.config import BAUDS, PARITIES, Meter, Way
from nuan_firmware.masters import CJT188, DLT645, MBUS, MODBUS

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Bus, Section

READS_MAX = 16

_MBUS_ADDRESS_MAX = const(250)
_MODBUS_ADDRESS_MAX = const(247)
_SECONDARY_DIGITS = const(16)
_CJT188_DIGITS = const(14)
_DLT645_DIGITS = const(12)
_TYPE_HEAT = const(0x20)
_MASK_PLUS_33 = 0x33
_REGISTERS_MAX = const(125)
_BITS_MAX = const(2000)
_EXPECTED = {
    MODBUS: "[function 1..4, start, count]",
    CJT188: "[control 1, first DI byte, second DI byte]",
    DLT645: "[control 17 (2007) or 1 (1997), DI, 0]",
}


def meter(section: "Section", buses: "tuple[Bus, ...]", ways: "list[Way]") -> "Meter":
    """Check one meter of the configuration; `ways` holds those met so far. Raises ConfigError."""
    slot = section.integer("slot", 1, 0xFFFF)
    number = section.integer("bus", 0, len(buses) - 1)
    bus = buses[number]
    address = _address(section, bus.protocol)
    every_s = section.integer("every_s", 10, 86400)
    reads = () if bus.protocol == MBUS else _reads(section, bus.protocol)
    way = Way(reads, _line(section, bus), _extra(section, bus.protocol))
    section.done()
    for kept in ways:
        if kept == way:
            return Meter(slot, number, address, every_s, kept)
    ways.append(way)
    return Meter(slot, number, address, every_s, way)


def _address(section: "Section", protocol: str) -> "int | str | bytes":
    if protocol == MODBUS:
        return section.integer("address", 1, _MODBUS_ADDRESS_MAX)
    value = section.value("address")
    if protocol == MBUS:
        if isinstance(value, str):
            return _secondary(_digits(section, value, _SECONDARY_DIGITS))
        if not isinstance(value, int) or isinstance(value, bool):
            section.fail("address", f"{value!r} is neither 1..250 nor 16 hex digits")
        if not 1 <= value <= _MBUS_ADDRESS_MAX:
            section.fail("address", f"{value} is not a whole number within 1..250")
        return value  # type: ignore[no-any-return]
    if protocol == DLT645:
        return _digits(section, value, _DLT645_DIGITS).upper()
    wire = bytearray(unhexlify(_digits(section, value, _CJT188_DIGITS)))
    if not section.flag("high_first", False):
        wire = bytearray(reversed(wire))
    return bytes(wire)


def _digits(section: "Section", value: "Any", count: int) -> str:
    if not isinstance(value, str) or len(value) != count:
        section.fail("address", f"{value!r} is not a text of {count} hex digits")
    for digit in value:
        if digit not in "0123456789abcdefABCDEF":
            section.fail("address", f"{value!r} is not a text of {count} hex digits")
    return value  # type: ignore[no-any-return]


def _secondary(digits: str) -> bytes:
    """As printed -> as selected: identification and manufacturer with their low byte first."""
    printed = unhexlify(digits)
    return bytes([printed[at] for at in (3, 2, 1, 0, 5, 4, 6, 7)])


def _line(section: "Section", bus: "Bus") -> "tuple[int, str] | None":
    baud = section.choice("baud", BAUDS) if section.has("baud") else bus.baud
    parity = section.choice("parity", PARITIES) if section.has("parity") else bus.parity
    return None if (baud, parity) == (bus.baud, bus.parity) else (baud, parity)


def _extra(section: "Section", protocol: str) -> "int | tuple[int, ...]":
    if protocol == MBUS and section.has("reset"):
        return section.integer("reset", 0, 0xFF)
    if protocol == CJT188:
        kind = section.integer("type", 0, 0xFF, _TYPE_HEAT)
        mask = section.choice("mask", (0, _MASK_PLUS_33)) if section.has("mask") else 0
        return (kind, mask, True) if _allowed(section) else (kind, mask)
    return -1


def _allowed(section: "Section") -> bool:
    """Whether the valve may be moved: the only command beyond reading, and only by name."""
    if not section.has("allow"):
        return False
    allowed = section.value("allow")
    if allowed not in ([], ["valve"]):
        section.fail("allow", f'{allowed!r} is not ["valve"]')
    return bool(allowed)


def _reads(section: "Section", protocol: str) -> "tuple[tuple[int, int, int], ...]":
    reads = []
    for index, item in enumerate(section.items("reads", READS_MAX)):
        if not _is_triple(item) or not _is_reading(protocol, *item):
            section.fail(f"reads[{index}]", f"{item!r} is not {_EXPECTED[protocol]}")
        reads.append(tuple(item))
    return tuple(reads)


def _is_triple(item: "Any") -> bool:
    if not isinstance(item, list) or len(item) != 3:
        return False
    for value in item:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            return False
    return True


def _is_reading(protocol: str, first: int, second: int, third: int) -> bool:
    """Whether the three numbers ask a meter of the protocol for something, and change nothing."""
    if protocol == MODBUS:
        most = _REGISTERS_MAX if first >= 3 else _BITS_MAX
        return 1 <= first <= 4 and second <= 0xFFFF and 1 <= third <= min(most, 0x10000 - second)
    if protocol == CJT188:
        return first == 1 and second <= 0xFF and third <= 0xFF
    return third == 0 and (
        (first == 0x11 and second <= 0xFFFFFFFF) or (first == 1 and second <= 0xFFFF)
    )
