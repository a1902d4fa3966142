"""The header in front of the records: who answers, and how it feels (EN 13757-3).

    CI 72   id4 | manufacturer2 | version | medium | access | status | configuration2
    CI 7A                                            access | status | configuration2
    CI 78   nothing
    CI 73   id4 | access | status | units2         (fixed structure, see fixed.py)

In CI 76 and 77 the same fields are sent high byte first.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal, NamedTuple

    from nuan_protocols.checksum import Buffer

    class Header(NamedTuple):
        """Who answers; "" and -1 where the telegram doesn't say.

        identification   eight digits; A-F are kept, some meters have them
        manufacturer     three letters
        medium           (code, name)
        signature        configuration word; in old telegrams anything
        """

        identification: str
        manufacturer: str
        version: int
        medium: "tuple[int, str]"
        access_number: int
        status: int
        signature: int

else:
    from collections import namedtuple

    Header = namedtuple(
        "Header",
        (
            "identification",
            "manufacturer",
            "version",
            "medium",
            "access_number",
            "status",
            "signature",
        ),
    )

LONG_HEADER_BYTES = 12
SHORT_HEADER_BYTES = 4
FIXED_HEADER_BYTES = 8

MEDIA = {
    0x00: "other",
    0x01: "oil",
    0x02: "electricity",
    0x03: "gas",
    0x04: "heat (outlet)",
    0x05: "steam",
    0x06: "warm water",
    0x07: "water",
    0x08: "heat cost allocator",
    0x09: "compressed air",
    0x0A: "cooling (outlet)",
    0x0B: "cooling (inlet)",
    0x0C: "heat (inlet)",
    0x0D: "heat and cooling",
    0x0E: "bus or system",
    0x0F: "unknown",
    0x10: "irrigation water",
    0x11: "water data logger",
    0x12: "gas data logger",
    0x13: "gas converter",
    0x14: "calorific value",
    0x15: "hot water",
    0x16: "cold water",
    0x17: "dual water",
    0x18: "pressure",
    0x19: "A/D converter",
    0x1A: "smoke detector",
    0x1B: "room sensor",
    0x1C: "gas detector",
    0x20: "breaker",
    0x21: "valve",
    0x25: "customer unit",
    0x28: "waste water",
    0x29: "garbage",
    0x2A: "carbon dioxide",
    0x30: "service tool",
    0x31: "communication controller",
    0x32: "unidirectional repeater",
    0x33: "bidirectional repeater",
    0x36: "radio converter, system side",
    0x37: "radio converter, meter side",
    0x38: "wired adapter",
}

# The four-bit medium of the fixed structure.
FIXED_MEDIA = {
    0x0: "other",
    0x1: "oil",
    0x2: "electricity",
    0x3: "gas",
    0x4: "heat (outlet)",
    0x5: "steam",
    0x6: "hot water",
    0x7: "water",
    0x8: "heat cost allocator",
    0xA: "gas",
    0xB: "heat (outlet)",
    0xC: "hot water",
    0xD: "water",
    0xE: "heat cost allocator",
}

_APPLICATION = ("no error", "application busy", "application error", "alarm")
_STATUS_BITS = ((0x04, "power low"), (0x08, "permanent error"), (0x10, "temporary error"))


def long_header(data: "Buffer", offset: int, high_first: bool = False) -> Header:
    """The 12 bytes at `offset`."""
    order: Literal["little", "big"] = "big" if high_first else "little"
    medium = data[offset + 7]
    return Header(
        digits(data, offset, high_first),
        letters(int.from_bytes(data[offset + 4 : offset + 6], order)),
        data[offset + 6],
        (medium, MEDIA.get(medium, "reserved")),
        data[offset + 8],
        data[offset + 9],
        int.from_bytes(data[offset + 10 : offset + 12], order),
    )


def short_header(data: "Buffer", offset: int) -> Header:
    """The 4 bytes at `offset`; the meter doesn't name itself."""
    signature = data[offset + 2] | data[offset + 3] << 8
    return Header("", "", -1, (-1, ""), data[offset], data[offset + 1], signature)


def fixed_header(data: "Buffer", offset: int, high_first: bool = False) -> Header:
    """The 8 bytes at `offset` of a fixed structure."""
    low, high = data[offset + 6], data[offset + 7]
    if high_first:
        low, high = high, low
    medium = low >> 6 | high >> 6 << 2
    name = FIXED_MEDIA.get(medium, "reserved")
    number = digits(data, offset, high_first)
    return Header(number, "", -1, (medium, name), data[offset + 4], data[offset + 5], -1)


def digits(data: "Buffer", offset: int, high_first: bool = False) -> str:
    """Eight digits from four bytes."""
    order: Literal["little", "big"] = "big" if high_first else "little"
    return f"{int.from_bytes(data[offset : offset + 4], order):08X}"


def letters(code: int) -> str:
    """Manufacturer's letters: 5 bits each, 1 = A (the highest bit is no part of them)."""
    return chr((code >> 10 & 31) + 64) + chr((code >> 5 & 31) + 64) + chr((code & 31) + 64)


def status_text(status: int) -> str:
    """What a header's status byte says: "no error", or all complaints."""
    said = [_APPLICATION[status & 3]] if status & 3 else []
    said.extend([name for bit, name in _STATUS_BITS if status & bit])
    if status & 0xE0:
        said.append(f"manufacturer bits {status >> 5}")
    return ", ".join(said) if said else _APPLICATION[0]
