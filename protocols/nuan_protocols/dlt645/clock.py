"""The broadcast that sets the clocks of all meters on a line: the one frame that isn't a read.

    FE FE FE FE | 68 | 99 99 99 99 99 99 | 68 | 08 | 06 | ss mm hh DD MM YY | CS | 16

Nobody answers. A meter takes it once a day, when its own clock is less than five minutes off and
midnight isn't near (DL/T 645-2007, 7.1.9); settling that is up to the caller.
"""

from nuan_protocols.dlt645.frame import ALL_METERS, BROADCAST_TIME, DATA_AT, WAKE_BYTES, request
from nuan_protocols.errors import FrameError

_YEAR_FIRST = 2000
_LIMITS = (
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day", 1, 31),
    ("month", 1, 12),
    ("year", 0, 99),
)


def time_broadcast(year: int, month: int, day: int, hour: int, minute: int, second: int) -> bytes:
    """The broadcast of a civil time, years 2000 to 2099. Raises FrameError for impossible ones."""
    data = bytearray()
    values = (second, minute, hour, day, month, year - _YEAR_FIRST)
    for index in range(len(values)):
        name, low, high = _LIMITS[index]
        value = values[index]
        if not low <= value <= high:
            reason = f"{name} {value} is not within {low}..{high}"
            if name == "year":
                reason = f"year {year} is not within 2000..2099"
            raise FrameError(reason, WAKE_BYTES + DATA_AT + index)
        tens = value // 10
        data.append(tens << 4 | value - 10 * tens)
    return request(ALL_METERS, BROADCAST_TIME, bytes(data))
