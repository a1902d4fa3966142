"""Every byte of an M-Bus frame, named: what a telegram's bytes mean, one group after the other."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus import frame, header, telegram
from nuan_protocols.mbus.field import Field
from nuan_protocols.mbus.records import meaning_at
from nuan_protocols.mbus.walk import (
    CODE_REAL,
    CODE_VARIABLE,
    DATA_BYTES,
    DIF_MORE_FOLLOWS,
    HEADER_BYTES_OF_CI,
    USER_DATA_AT,
    next_span,
)
from nuan_protocols.reading import value_text

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.records import Record
    from nuan_protocols.mbus.telegram import Telegram
    from nuan_protocols.reading import Reading

    Group: TypeAlias = tuple[int, int, str, str]

CI_NAMES = {
    0x50: "application reset",
    0x51: "data for the meter",
    0x52: "selection of a meter",
    0x70: "application error",
    0x71: "alarm",
    0x72: "records behind a long header",
    0x73: "fixed structure",
    0x76: "records, high byte first",
    0x77: "fixed structure, high byte first",
    0x78: "records without a header",
    0x7A: "records behind a short header",
    0x90: "authentication layer, and a message behind it",
    0xB8: "from now on 300 baud",
    0xB9: "from now on 600 baud",
    0xBA: "from now on 1200 baud",
    0xBB: "from now on 2400 baud",
    0xBC: "from now on 4800 baud",
    0xBD: "from now on 9600 baud",
    0xBE: "from now on 19200 baud",
    0xBF: "from now on 38400 baud",
}

_CONTROL_NAMES = {
    0x40: "SND_NKE, reset of the link",
    0x43: "SND_UD, data for the meter",
    0x4A: "REQ_UD1, request for an alarm",
    0x4B: "REQ_UD2, request for data",
    0x08: "RSP_UD, the meter's data",
}
_FRAME_COUNT_VALID = 0x10
_FUNCTION_AND_DIRECTION = 0x4F

_LONG_FIELDS = (
    (4, "identification"),
    (2, "manufacturer"),
    (1, "version"),
    (1, "medium"),
    (1, "access number"),
    (1, "status"),
    (2, "configuration"),
)
_FIXED_FIELDS = ((4, "identification"), (1, "access number"), (1, "status"), (2, "medium, units"))

_APPLICATION = ("no error", "application busy", "application error", "alarm")
_STATUS_BITS = ((0x04, "power low"), (0x08, "permanent error"), (0x10, "temporary error"))

_CODE_BCD = 0x08
_TAIL_BYTES = 2


def byte_groups(raw: "Buffer") -> "list[Group]":
    """(offset, length, name, meaning) of every byte, in order and without gaps.

    Raises FrameError when `raw` isn't one whole checked frame, or a header is cut off.
    """
    parsed = frame.parse(raw)
    data = parsed.raw
    if parsed.control < 0:
        return [(0, 1, "acknowledge", "received")]
    if parsed.ci < 0:
        groups = [(0, 1, "start", "short frame")]
        groups.extend(_control_and_address(parsed, 1))
    else:
        size = data[1]
        groups = [
            (0, 1, "start", "long frame"),
            (1, 2, "length", f"{size} bytes from C to the checksum, twice"),
            (3, 1, "start", "again"),
        ]
        groups.extend(_control_and_address(parsed, 4))
        groups.append((6, 1, "CI", CI_NAMES.get(parsed.ci, "see the records")))
        groups.extend(_user_data(parsed))
    end = len(data) - _TAIL_BYTES
    groups.append((end, 1, "checksum", "sum of all bytes from C on, modulo 256: right"))
    groups.append((end + 1, 1, "stop", ""))
    return groups


def _control_and_address(parsed: frame.Frame, at: int) -> "list[Group]":
    name = _CONTROL_NAMES.get(parsed.control & _FUNCTION_AND_DIRECTION, "reserved")
    if parsed.control & frame.FROM_MASTER and parsed.control & _FRAME_COUNT_VALID:
        bit = 1 if parsed.control & frame.FRAME_COUNT_BIT else 0
        name = f"{name}, frame count bit {bit}"
    return [(at, 1, "C", name), (at + 1, 1, "A", f"address {parsed.address}")]


def _user_data(parsed: frame.Frame) -> "list[Group]":
    data = parsed.raw
    end = len(data) - _TAIL_BYTES
    if parsed.control & frame.FROM_MASTER:
        return [(USER_DATA_AT, end - USER_DATA_AT, "user data", "")] if end > USER_DATA_AT else []
    decoded = telegram.decode(data)
    groups = _header(decoded)
    at = groups[-1][0] + groups[-1][1] if groups else USER_DATA_AT
    for record in decoded.records:
        groups.extend(_fillers(at, record.offset))
        groups.extend(_record(data, record))
        at = record.offset + record.length
    groups.extend(_fillers(at, end))
    return groups


def _header(decoded: "Telegram") -> "list[Group]":
    head = decoded.header
    if head is None:
        return []
    fields: tuple[tuple[int, str], ...] = _FIXED_FIELDS if head.signature < 0 else _LONG_FIELDS
    if HEADER_BYTES_OF_CI.get(decoded.ci) == header.SHORT_HEADER_BYTES:
        fields = _LONG_FIELDS[4:]
    code, name = head.medium
    said = {
        "identification": head.identification,
        "manufacturer": head.manufacturer,
        "version": str(head.version),
        "medium": f"{code:02X}, {name}",
        "medium, units": f"{name}; the units of both counters",
        "access number": str(head.access_number),
        "status": _status_text(head.status),
        "configuration": f"{head.signature & 0xFFFF:04X}",
    }
    groups: list[Group] = []
    at = USER_DATA_AT
    for size, field in fields:
        groups.append((at, size, field, said[field]))
        at += size
    return groups


def _fillers(start: int, end: int) -> "list[Group]":
    return [(at, 1, "filler", "") for at in range(start, end)]


def _record(data: bytes, record: "Record") -> "list[Group]":
    reading = record.reading
    at = record.offset
    if not record.vib:
        groups: list[Group] = []
        if record.dib:
            more = record.dib[0] == DIF_MORE_FOLLOWS
            meaning = (
                "manufacturer's data, another telegram follows" if more else ("manufacturer's data")
            )
            groups.append((at, 1, "DIF", meaning))
        if record.data:
            name = "counter" if reading.integer is not None else "data"
            where = at + len(record.dib)
            groups.append((where, len(record.data), name, _whole_text(reading)))
        return groups
    span = next_span(data, at, len(data) - _TAIL_BYTES)
    field = Field(record.dib, meaning_at(data, span))
    groups = [
        (at, len(record.dib), "DIF, DIFE" if len(record.dib) > 1 else "DIF", _dib_text(field)),
        (span.vib, len(record.vib), "VIF, VIFE" if len(record.vib) > 1 else "VIF", _vib(field)),
    ]
    if record.data:
        groups.append((span.data, len(record.data), "data", value_text(reading)))
    return groups


def _whole_text(reading: "Reading") -> str:
    if reading.integer is not None:
        return f"{reading.quantity} {value_text(reading)}"
    return value_text(reading)


def _dib_text(field: Field) -> str:
    text = f"{field.function} value, {_coding(field.code)}"
    for name, number in (
        ("storage", field.storage),
        ("tariff", field.tariff),
        ("subunit", field.subunit),
    ):
        if number:
            text += f", {name} {number}"
    return text


def _coding(code: int) -> str:
    if code in (0, _CODE_BCD):
        return "no data"
    if code == CODE_VARIABLE:
        return "data that says its own length"
    if code == CODE_REAL:
        return "32-bit real"
    size = DATA_BYTES[code]
    return f"{2 * size} digits" if code > _CODE_BCD else f"{8 * size}-bit integer"


def _vib(field: Field) -> str:
    if not field.unit:
        return field.quantity
    scale = f" x 10^{field.exponent}" if field.exponent else ""
    if field.factor != 1:
        scale = f" x {field.factor}{scale}"
    return f"{field.quantity} in {field.unit}{scale}"


def _status_text(status: int) -> str:
    """What a header's status byte says: "no error", or all complaints."""
    said = [_APPLICATION[status & 3]] if status & 3 else []
    said.extend([name for bit, name in _STATUS_BITS if status & bit])
    if status & 0xE0:
        said.append(f"manufacturer bits {status >> 5}")
    return ", ".join(said) if said else _APPLICATION[0]
