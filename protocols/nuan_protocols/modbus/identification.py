"""Read device identification, Modbus function 43/14: maker, product and revision in clear text.

    request     unit | 2Bh | 0Eh | code u8 | first object u8
    answer      unit | 2Bh | 0Eh | code | conformity u8 | more u8 | next object u8 | n u8 | objects
    object      number u8 | length u8 | text

No byte says how long the answer is: its objects' own lengths do. What doesn't fit into one answer
(more = FFh) is asked for again from `next object` on. Source: Modbus Application Protocol V1.1b3,
section 6.21.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.modbus.rtu import UNIT_MAX, UNIT_MIN, closed

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer

    class Identification(NamedTuple):
        """What one answer holds: (number, text bytes) of its objects, in order.

        conformity    what the device can tell: 1 basic, 2 regular, 3 extended; +80h single objects
        next_object   where to go on; -1: nothing follows
        """

        conformity: int
        next_object: int
        objects: "tuple[tuple[int, bytes], ...]"

else:
    from collections import namedtuple

    Identification = namedtuple("Identification", ("conformity", "next_object", "objects"))

ENCAPSULATED = 43
DEVICE_IDENTIFICATION = 14

BASIC = 1
REGULAR = 2
EXTENDED = 3
SINGLE = 4

CODE_NAMES = ("", "basic", "regular", "extended", "one object")
OBJECT_NAMES = (
    "vendor name",
    "product code",
    "revision",
    "vendor URL",
    "product name",
    "model name",
    "application name",
)

HEAD_BYTES = 8
_MORE_AT = 5
_NEXT_AT = 6
_COUNT_AT = 7
_MORE = 0xFF


def identification_request(unit: int, code: int = BASIC, first: int = 0) -> bytes:
    """Request for the objects of a category (or the SINGLE one) from number `first` on, for RTU.

    Raises FrameError.
    """
    if not UNIT_MIN <= unit <= UNIT_MAX:
        raise FrameError(f"unit {unit} is not within {UNIT_MIN}..{UNIT_MAX}", 0)
    if not BASIC <= code <= SINGLE:
        raise FrameError(f"read code {code} is not within {BASIC}..{SINGLE}", 3)
    if not 0 <= first <= 0xFF:
        raise FrameError(f"object {first} is not within 0..255", 4)
    return closed(bytes((unit, ENCAPSULATED, DEVICE_IDENTIFICATION, code, first)))


def identification_bytes(data: "Buffer", at: int, end: int) -> int:
    """Length, without CRC, of the answer at data[at:], as far as the bytes before `end` tell.

    It has at least so many; exactly so many once they are there.
    """
    if end - at < HEAD_BYTES:
        return HEAD_BYTES
    position = at + HEAD_BYTES
    left = data[at + _COUNT_AT]
    while left and position + 1 < end:
        position += 2 + data[position + 1]
        left -= 1
    return position - at + 2 * left


def identification(answer: "Buffer", at: int = 0) -> Identification:
    """The objects of a checked answer whose unit stands at byte `at`: 0 in RTU, 6 in TCP."""
    objects: list[tuple[int, bytes]] = []
    position = at + HEAD_BYTES
    for _ in range(answer[at + _COUNT_AT]):
        end = position + 2 + answer[position + 1]
        objects.append((answer[position], bytes(answer[position + 2 : end])))
        position = end
    more = answer[at + _MORE_AT] == _MORE
    return Identification(answer[at + 4], answer[at + _NEXT_AT] if more else -1, tuple(objects))


def object_name(number: int) -> str:
    """What an object is, in the specification's words."""
    if number < len(OBJECT_NAMES):
        return OBJECT_NAMES[number]
    return f"object {number}"
