"""What a meter's DL/T 645 answer says.

    91 B1 | DI0..DI3 | data        81 A1 | DI0 DI1 | data       93 | A0..A5
    92 B2 | DI0..DI3 | data | SEQ  82 A2 | DI0 DI1 | data       D1 D2 C1 C2 | error

Nothing is dropped: data that can't be understood is kept with the reason. frame.py draws the frame
around it; reader.py says how a stream is resynchronised.

The second part of a long answer (92, 82) doesn't say how long the first was, so alone it is kept
as bytes; `join` takes all parts of an answer and reads them as one.
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.dlt645.frame import (
    ADDRESS_BYTES,
    CONTROL_AT,
    DATA_AT,
    ERROR_BIT,
    FROM_METER,
    FUNCTION_MASK,
    MORE_BIT,
    READ,
    READ_1997,
    READ_ADDRESS,
    READ_NEXT,
    READ_NEXT_1997,
    VERSION_1997,
    di_bytes,
    parse,
    version_of,
)
from nuan_protocols.dlt645.items import di_text, layout
from nuan_protocols.dlt645.values import read_value
from nuan_protocols.errors import FrameError, RecordError
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.dlt645.frame import Frame
    from nuan_protocols.dlt645.items import Layout

    class Record(NamedTuple):
        """One value: `length` bytes from byte `offset`, the 33h taken off in `data`."""

        offset: int
        length: int
        data: bytes
        reading: Reading

    class Telegram(NamedTuple):
        """One answer.

        version  2007 | 1997
        address  12 digits as printed on the meter
        di       data identifier; -1 in an address or error answer
        seq      which part of a long answer of 2007 this is, from 1; 0 the first, -1 not known
        error    the error answer's byte; -1 in any other
        more     another part follows
        """

        protocol: str
        version: int
        address: str
        control: int
        di: int
        records: list[Record]
        more: bool
        seq: int
        error: int

else:
    from collections import namedtuple

    Record = namedtuple("Record", ("offset", "length", "data", "reading"))
    Telegram = namedtuple(
        "Telegram",
        ("protocol", "version", "address", "control", "di", "records", "more", "seq", "error"),
    )

PROTOCOL = "dlt645"

_READ_FUNCTIONS = (READ, READ_NEXT, READ_1997, READ_NEXT_1997)
# DL/T 645-1997 ends a block with this byte, and some meters of 2007 divide one with it.
_BLOCK_END = 0xAA


def decode(raw: "Buffer") -> Telegram:
    """Read one whole frame that a meter sent, any number of FE before it.

    Raises FrameError, naming the byte, when it isn't a whole checked answer to a read.
    """
    frame = parse(raw)
    function = _function(frame)
    if frame.control & ERROR_BIT:
        return _error(frame)
    at = frame.start + DATA_AT
    if function == READ_ADDRESS:
        return _telegram(frame, -1, 0, [_address(frame)])
    di, data, seq = _divide(frame)
    at += di_bytes(frame.control)
    version = version_of(frame.control)
    if function in (READ_NEXT, READ_NEXT_1997):
        part = f"part {seq}" if seq >= 0 else "a later part"
        reason = f"{part} of {di_text(version, di)} is read only together with those before it"
        records = [_raw(at, data, reason)] if data else []
    else:
        records = read_records(version, di, data, at, _more(frame))
    return _telegram(frame, di, seq, records)


def join(answers: "list[bytes]") -> Telegram:
    """Read all parts of one long answer, in order; records' offsets count in the joined data.

    Raises FrameError when one isn't a whole checked answer, RecordError when they aren't the parts
    of one answer, beginning with the first.
    """
    data = b""
    first = None
    frame = None
    di = -1
    for number in range(len(answers)):
        frame = parse(answers[number])
        function = _function(frame)
        if frame.control & ERROR_BIT or function == READ_ADDRESS:
            raise RecordError(f"part {number} is no data", frame.start + CONTROL_AT)
        if (function in (READ_NEXT, READ_NEXT_1997)) != (number > 0):
            what = "the first" if number else "a later one"
            raise RecordError(f"part {number} is {what}", frame.start + CONTROL_AT)
        named, part, seq = _divide(frame)
        if first is None:
            first, di = frame, named
        elif named != di or frame.address != first.address:
            raise RecordError(f"part {number} is of another answer", frame.start + DATA_AT)
        if seq not in (-1, number):
            at = len(answers[number]) - 3
            raise RecordError(f"part {seq} stands where part {number} belongs", at)
        data += part
    if first is None or frame is None:
        raise RecordError("no answers at all", 0)
    version = version_of(first.control)
    records = read_records(version, di, data, 0, _more(frame))
    return _telegram(frame, di, 0, records)


def read_records(version: int, di: int, data: bytes, offset: int, more: bool) -> "list[Record]":
    """The records in the data behind an identifier; the first byte of it is number `offset`.

    `more`: the data goes on in another frame, so that its end may be cut.
    """
    found = layout(version, di)
    if isinstance(found, str):
        return [_raw(offset, data, found)] if data else []
    end = len(data)
    if version == VERSION_1997 and found.block and end and data[end - 1] == _BLOCK_END and not more:
        end -= 1
    problem = _length_problem(version, di, found, end, more)
    if problem:
        return [_raw(offset, data, problem)] if data else []
    records: list[Record] = []
    at = 0
    for storage, tariff, items in found.groups:
        if at + sum([item.size for item in items]) > end:
            break
        for item in items:
            value = data[at : at + item.size]
            reading = read_value(item, value, storage, tariff)
            records.append(Record(offset + at, item.size, value, reading))
            at += item.size
    if at < end:
        reason = "cut off, its rest is in the next part" if more else "too short for another value"
        records.append(_raw(offset + at, data[at:end], reason))
    return records


def _length_problem(version: int, di: int, known: "Layout", size: int, more: bool) -> str:
    """Why `size` bytes can't be this layout's data; "" when they can."""
    whole = sum([sum([item.size for item in items]) for _, _, items in known.groups])
    if more and size <= whole:
        return ""
    if size == whole or (known.open and size < whole):
        return ""
    return f"{di_text(version, di)} has {whole} bytes of data, {size} came"


def _function(frame: "Frame") -> int:
    at = frame.start + CONTROL_AT
    if not frame.control & FROM_METER:
        raise FrameError(f"C {frame.control:02X} is a master's command, not an answer", at)
    function = frame.control & FUNCTION_MASK
    if function not in _READ_FUNCTIONS and function != READ_ADDRESS:
        raise FrameError(f"C {frame.control:02X} answers no read", at)
    return function


def _divide(frame: "Frame") -> "tuple[int, bytes, int]":
    """Identifier, data behind it, and the number of the part."""
    size = di_bytes(frame.control)
    data = frame.data
    function = frame.control & FUNCTION_MASK
    tail = 1 if function == READ_NEXT else 0
    if len(data) < size + tail:
        reason = f"C {frame.control:02X} needs {size + tail} bytes of data, {len(data)} came"
        raise FrameError(reason, frame.start + DATA_AT + len(data))
    di = int.from_bytes(data[:size], "little")
    if tail:
        return di, data[size : len(data) - 1], data[len(data) - 1]
    return di, data[size:], -1 if function == READ_NEXT_1997 else 0


def _more(frame: "Frame") -> bool:
    return frame.control & MORE_BIT != 0


def _error(frame: "Frame") -> Telegram:
    if not frame.data:
        raise FrameError("an error answer without its error byte", frame.start + DATA_AT)
    # Off the board's heap until one comes.
    from nuan_protocols.dlt645.status import error_names

    error = frame.data[0]
    text = error_names(version_of(frame.control), error)
    reading = Reading("error_flags:answer", error, 0, "1", 0, 0, 0, "instantaneous", "error", text)
    record = Record(frame.start + DATA_AT, len(frame.data), frame.data, reading)
    return _telegram(frame, -1, 0, [record], error)


def _address(frame: "Frame") -> Record:
    at = frame.start + DATA_AT
    if len(frame.data) != ADDRESS_BYTES:
        reason = f"an address has 6 bytes, this one has {len(frame.data)}"
        raise FrameError(reason, at + min(ADDRESS_BYTES, len(frame.data)))
    digits = bcd.digits(frame.data)
    status = "ok" if digits.isdigit() else "unreadable:a digit above 9"
    return Record(at, ADDRESS_BYTES, frame.data, _text("bus_address", status, digits))


def _raw(offset: int, data: bytes, reason: str) -> Record:
    reading = _text("unknown", f"unreadable:{reason}", bcd.digits(data))
    return Record(offset, len(data), data, reading)


def _text(quantity: str, status: str, text: str) -> Reading:
    return Reading(quantity, None, 0, "", 0, 0, 0, "instantaneous", status, text)


def _telegram(
    frame: "Frame", di: int, seq: int, records: "list[Record]", error: int = -1
) -> Telegram:
    return Telegram(
        PROTOCOL,
        version_of(frame.control),
        frame.address,
        frame.control,
        di,
        records,
        _more(frame),
        seq,
        error,
    )
