"""Every byte of a DL/T 645 frame, named, be it a master's or a meter's."""

from typing import TYPE_CHECKING

from nuan_protocols.dlt645.frame import (
    BROADCAST_TIME,
    CONTROL_AT,
    DATA_AT,
    ERROR_BIT,
    FROM_METER,
    FUNCTION_MASK,
    LENGTH_AT,
    MORE_BIT,
    READ,
    READ_1997,
    READ_ADDRESS,
    READ_NEXT,
    READ_NEXT_1997,
    SECOND_START_AT,
    TAIL_BYTES,
    di_bytes,
    parse,
    version_of,
)
from nuan_protocols.dlt645.items import di_text
from nuan_protocols.dlt645.telegram import decode
from nuan_protocols.reading import value_text

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.dlt645.frame import Frame
    from nuan_protocols.reading import Reading

    Group: TypeAlias = tuple[int, int, str, str]

FUNCTION_NAMES = {
    READ: "read data",
    READ_NEXT: "read the next part",
    READ_ADDRESS: "read the address",
    READ_1997: "read data (1997)",
    READ_NEXT_1997: "read the next part (1997)",
    BROADCAST_TIME: "broadcast of the time",
}

_WITH_DI = (READ, READ_NEXT, READ_1997, READ_NEXT_1997)
_TIME_PARTS = ("second", "minute", "hour", "day", "month", "year")


def byte_groups(raw: "Buffer") -> "list[Group]":
    """(offset, length, name, meaning) of every byte, in order and without gaps.

    Raises FrameError when `raw` isn't one whole checked frame.
    """
    frame = parse(raw)
    start = frame.start
    groups: list[Group] = [(0, start, "wake-up", f"{start} FE")] if start else []
    size = len(frame.data)
    groups.append((start, 1, "start", ""))
    groups.append((start + 1, SECOND_START_AT - 1, "address", f"{frame.address}, low pair first"))
    groups.append((start + SECOND_START_AT, 1, "start", "again"))
    groups.append((start + CONTROL_AT, 1, "C", _control_text(frame.control)))
    groups.append((start + LENGTH_AT, 1, "length", f"{size} bytes of data, each with 33h added"))
    groups.extend(_data(frame))
    end = start + len(frame.raw) - TAIL_BYTES
    groups.append((end, 1, "checksum", "sum of all bytes from the first 68 on, modulo 256: right"))
    groups.append((end + 1, 1, "stop", ""))
    return groups


def _control_text(control: int) -> str:
    name = FUNCTION_NAMES.get(control & FUNCTION_MASK, "function not known here")
    if not control & FROM_METER:
        return name
    if control & ERROR_BIT:
        return f"error answer to: {name}"
    more = "; another part follows" if control & MORE_BIT else ""
    return f"answer to: {name}{more}"


def _data(frame: "Frame") -> "list[Group]":
    at = frame.start + DATA_AT
    end = at + len(frame.data)
    function = frame.control & FUNCTION_MASK
    if at == end:
        return []
    if function not in FUNCTION_NAMES:
        return [(at, end - at, "data", "")]
    groups: list[Group] = []
    if function in _WITH_DI and not frame.control & ERROR_BIT and end - at >= di_bytes(function):
        size = di_bytes(function)
        di = int.from_bytes(frame.data[:size], "little")
        groups.append((at, size, "data identifier", di_text(version_of(function), di)))
        at += size
    if not frame.control & FROM_METER:
        return groups + _asked(frame, function, at, end)
    if function == BROADCAST_TIME:
        return [(at, end - at, "data", "nobody answers a broadcast")]
    return groups + _answered(frame, at, end)


def _asked(frame: "Frame", function: int, at: int, end: int) -> "list[Group]":
    data = frame.data
    if function == BROADCAST_TIME and end - at == len(_TIME_PARTS):
        return [(at + index, 1, _TIME_PARTS[index], f"{data[index]:02X}") for index in range(6)]
    if function == READ_NEXT and end - at == 1:
        return [(at, 1, "part", str(data[len(data) - 1]))]
    return [(at, end - at, "data", "")] if end > at else []


def _answered(frame: "Frame", at: int, end: int) -> "list[Group]":
    groups: list[Group] = []
    # decode() counts from the frame's own 68, as raw holds no FE.
    for record in decode(frame.raw).records:
        reading = record.reading
        name = reading.quantity
        if reading.tariff:
            name += f", tariff {reading.tariff}"
        if reading.storage:
            name += f", storage {reading.storage}"
        offset = frame.start + record.offset
        groups.append((offset, record.length, name, _said(reading)))
        at = offset + record.length
    if at < end:
        part = frame.control & FUNCTION_MASK == READ_NEXT
        name, text = ("part", str(frame.data[len(frame.data) - 1])) if part else ("block end", "AA")
        groups.append((at, end - at, name, text))
    return groups


def _said(reading: "Reading") -> str:
    """A number with the names of its bits behind it, if it has any."""
    text = value_text(reading)
    return f"{text}: {reading.text}" if reading.integer is not None and reading.text else text
