"""The header in front of the records: who answers, and how it feels (EN 13757-3).

    CI 72   id4 | manufacturer2 | version | medium | access | status | configuration2
    CI 7A                                            access | status | configuration2
    CI 78   nothing

In CI 76 the same fields are sent high byte first. For CI 73 see fixed.py.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus.vif_tables import name_of

if TYPE_CHECKING:
    from typing import Literal, NamedTuple

    from nuan_protocols.checksum import Buffer

    class Header(NamedTuple):
        """Who answers; "" and -1 where the telegram doesn't say.

        identification   eight digits; a-f are kept, some meters have them
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

_TAIL_BYTES = 2

# Text to save heap, as in vif_tables.py: one row a code, "code name".
_MEDIA = """\
00 other
01 oil
02 electricity
03 gas
04 heat (outlet)
05 steam
06 warm water
07 water
08 heat cost allocator
09 compressed air
0A cooling (outlet)
0B cooling (inlet)
0C heat (inlet)
0D heat and cooling
0E bus or system
0F unknown
10 irrigation water
11 water data logger
12 gas data logger
13 gas converter
14 calorific value
15 hot water
16 cold water
17 dual water
18 pressure
19 A/D converter
1A smoke detector
1B room sensor
1C gas detector
20 breaker
21 valve
25 customer unit
28 waste water
29 garbage
2A carbon dioxide
30 service tool
31 communication controller
32 unidirectional repeater
33 bidirectional repeater
36 radio converter, system side
37 radio converter, meter side
38 wired adapter
"""


def long_header(data: "Buffer", offset: int, high_first: bool = False) -> Header:
    """The 12 bytes at `offset`. Raises FrameError when they aren't all there."""
    need(data, offset, LONG_HEADER_BYTES)
    order: Literal["little", "big"] = "big" if high_first else "little"
    medium = data[offset + 7]
    return Header(
        digits(data, offset, high_first),
        letters(int.from_bytes(data[offset + 4 : offset + 6], order)),
        data[offset + 6],
        (medium, name_of(_MEDIA, medium) or "reserved"),
        data[offset + 8],
        data[offset + 9],
        int.from_bytes(data[offset + 10 : offset + 12], order),
    )


def short_header(data: "Buffer", offset: int) -> Header:
    """The 4 bytes at `offset`; the meter doesn't name itself."""
    need(data, offset, SHORT_HEADER_BYTES)
    signature = data[offset + 2] | data[offset + 3] << 8
    return Header("", "", -1, (-1, ""), data[offset], data[offset + 1], signature)


def need(data: "Buffer", offset: int, size: int) -> None:
    """Raise FrameError when the telegram ends before `offset` + `size`."""
    end = len(data) - _TAIL_BYTES
    if end < offset + size:
        raise FrameError(f"the telegram ends inside the header, which has {size} bytes", end)


def digits(data: "Buffer", offset: int, high_first: bool = False) -> str:
    """Eight digits from four bytes."""
    order: Literal["little", "big"] = "big" if high_first else "little"
    return f"{int.from_bytes(data[offset : offset + 4], order):08x}"


def letters(code: int) -> str:
    """Manufacturer's letters: 5 bits each, 1 = A (the highest bit is no part of them)."""
    return chr((code >> 10 & 31) + 64) + chr((code >> 5 & 31) + 64) + chr((code & 31) + 64)
