"""Every byte of a CJ/T 188 frame, named: question or answer, one group after the other."""

from typing import TYPE_CHECKING

from nuan_protocols.cjt188 import layouts, status, telegram
from nuan_protocols.cjt188.dialects import STANDARD, Dialect
from nuan_protocols.cjt188.frame import (
    ABNORMAL,
    ADDRESS_ANY,
    ADDRESS_AT,
    ADDRESS_BYTES,
    ANSWER,
    CONTROL_AT,
    DATA_AT,
    LENGTH_AT,
    TYPE_ANY,
    TYPE_AT,
    Frame,
    parse,
    printed_address,
)
from nuan_protocols.reading import value_text

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.checksum import Buffer

    Group: TypeAlias = tuple[int, int, str, str]

TYPE_NAMES = {
    0x10: "cold water",
    0x11: "hot water",
    0x12: "drinking water",
    0x13: "reclaimed water",
    0x20: "heat",
    0x21: "cooling",
    0x22: "heat and cooling",
    0x25: "heat (Tiangang family)",
    0x26: "cooling (Tiangang family)",
    0x27: "heat and cooling (Tiangang family)",
    0x30: "gas",
    0x40: "other, such as electricity",
    0x55: "heat (Xi'ao)",
    TYPE_ANY: "any",
}
CONTROL_NAMES = {
    0x01: "read data",
    0x03: "read address",
    0x04: "write data",
    0x09: "read key version",
    0x15: "write address",
    0x16: "write motor position",
    0x1A: "read address, vendor's own",
}


def byte_groups(raw: "Buffer", dialect: Dialect = STANDARD) -> "list[Group]":
    """(offset, length, name, meaning) of every byte, in order and without gaps.

    Question or answer. Raises FrameError when `raw` isn't one whole checked frame.
    """
    extra = dialect.extra_bytes if _answers(raw) else 0
    frame = parse(raw, extra)
    at = frame.start
    groups: list[Group] = []
    if at:
        groups.append((0, at, "wake-up", f"{at} bytes"))
    groups.append((at, 1, "start", ""))
    groups.append((at + TYPE_AT, 1, "T", TYPE_NAMES.get(frame.type, "vendor's own")))
    groups.append((at + ADDRESS_AT, ADDRESS_BYTES, "A", _address(frame, dialect)))
    groups.append((at + CONTROL_AT, 1, "C", _control(frame.control)))
    size = len(frame.data)
    groups.append((at + LENGTH_AT, 1, "L", f"{size} bytes of data"))
    groups.extend(_data(frame, dialect))
    end = at + DATA_AT + size
    if extra:
        groups.append((end, extra, "vendor's own", ""))
        end += extra
    groups.append((end, 1, "CS", "sum of all bytes from 68 on, modulo 256: right"))
    groups.append((end + 1, 1, "stop", ""))
    return groups


def _answers(raw: "Buffer") -> bool:
    """Whether a frame's C says answer; False where there is no C."""
    data = bytes(raw)
    at = data.find(b"\x68")
    return at >= 0 and len(data) > at + CONTROL_AT and data[at + CONTROL_AT] & ANSWER != 0


def _address(frame: Frame, dialect: Dialect) -> str:
    if frame.address == ADDRESS_ANY:
        return "any meter, alone on the line"
    return f"meter {printed_address(frame.address, dialect.address_high_first)}"


def _control(control: int) -> str:
    name = CONTROL_NAMES.get(control & ~(ANSWER | ABNORMAL), "vendor's own")
    if not control & ANSWER:
        return name
    return f"{name}, refused" if control & ABNORMAL else f"{name}, answer"


def _data(frame: Frame, dialect: Dialect) -> "list[Group]":
    """DI, SER and the fields; a masked byte is named by what it says without the mask."""
    if not frame.data:
        return []
    at = frame.start + DATA_AT
    data = telegram.unmasked(frame.data, dialect)
    if not frame.control & ANSWER:
        return _question(data, at)
    decoded = telegram.decode(frame.raw, dialect)
    groups: list[Group] = []
    if decoded.di >= 0:
        groups.extend(_head(data, at))
    elif decoded.ser >= 0:
        groups.append((at, 1, "SER", str(decoded.ser)))
    groups.extend([_record(record) for record in decoded.records if record.offset >= at])
    return groups


def _question(data: bytes, at: int) -> "list[Group]":
    if len(data) < telegram.HEAD_BYTES:
        return [(at, len(data), "data", data.hex().upper())]
    groups = _head(data, at)
    rest = data[telegram.HEAD_BYTES :]
    if rest:
        groups.append((at + telegram.HEAD_BYTES, len(rest), "data", rest.hex().upper()))
    return groups


def _head(data: bytes, at: int) -> "list[Group]":
    di = layouts.identifier(data[0], data[1])
    name = layouts.name(di)
    said = f"{di:04X}, {name}" if name else f"{di:04X}"
    return [(at, 2, "DI", said), (at + 2, 1, "SER", str(data[2]))]


def _record(record: "telegram.Record") -> "Group":
    reading = record.reading
    if reading.quantity == "error_flags":
        return record.offset, record.length, "ST", status.text(record.data)
    name = reading.quantity
    if reading.storage:
        name = f"{name}, storage {reading.storage}"
    return record.offset, record.length, name, value_text(reading)
