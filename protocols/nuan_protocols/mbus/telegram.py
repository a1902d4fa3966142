"""What a meter's answer says: header and records (EN 13757-3).

    68 L L 68 C A | CI | header | record, record, ... | sum 16

    record   DIF DIFE* VIF VIFE* data      see walk.py for its bounds, field.py for its value

Nothing is dropped: a record that can't be understood is kept with its bytes and the reason, and the
records around it are read. Only bytes that make the rest impossible to divide (a reserved DIF, a
record that is longer than the telegram) swallow what follows them, as one last record.
Layouts are remembered (plan.py), so that the same meter's next telegram is read at once.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import fixed, frame, header, plan
from nuan_protocols.mbus.records import Record, read_records, whole
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.checksum import Buffer
    from nuan_protocols.mbus.header import Header

    class Telegram(NamedTuple):
        """One answer. `header` is None where the CI has none; `more`: another telegram follows."""

        protocol: str
        control: int
        address: int
        ci: int
        header: Header | None
        records: list[Record]
        more: bool

else:
    from collections import namedtuple

    Telegram = namedtuple(
        "Telegram", ("protocol", "control", "address", "ci", "header", "records", "more")
    )

CI_APPLICATION_ERROR = 0x70
CI_ALARM = 0x71
CI_VARIABLE = 0x72
CI_FIXED = 0x73
CI_VARIABLE_HIGH_FIRST = 0x76
CI_FIXED_HIGH_FIRST = 0x77
CI_NO_HEADER = 0x78
CI_SHORT_HEADER = 0x7A

PROTOCOL = "mbus"

APPLICATION_ERRORS = (
    "unspecified error",
    "unimplemented CI",
    "buffer too long",
    "too many records",
    "premature end of record",
    "too many DIFE",
    "too many VIFE",
    "reserved",
    "application busy",
    "too many readouts",
)

_RAW_CI = {
    0x69: "a format frame",
    0x6A: "a format frame",
    0x6B: "a format frame",
    0x6E: "an application error of the selected application",
    0x6F: "an application error of the selected application",
    0x74: "an alarm of the selected application",
    0x75: "an alarm of the selected application",
    0x79: "a compact frame, whose format was sent apart",
    0x7B: "a compact frame, whose format was sent apart",
}
_CI_MANUFACTURER_FIRST = 0xA0
_CI_MANUFACTURER_LAST = 0xB7

_DATA_AT = 7
_TAIL_BYTES = 2


def decode(raw: "Buffer") -> Telegram:
    """Read one whole frame that a meter sent.

    Raises FrameError, naming the byte, when it isn't a whole checked answer with user data.
    """
    layout = plan.match(raw)
    if layout is not None:
        return _from_plan(bytes(raw), layout)
    parsed = frame.parse(raw)
    if parsed.ci < 0:
        raise FrameError("no user data: only long frames carry any", 0)
    if parsed.control & frame.FROM_MASTER:
        raise FrameError(f"C {parsed.control:02X} is a master's command, not an answer", 4)
    data = parsed.raw
    known = None
    more = False
    if parsed.ci in (CI_VARIABLE, CI_NO_HEADER, CI_SHORT_HEADER):
        known, start = _header(data, parsed.ci)
        signature = -1 if known is None else known.signature
        records, more = read_records(data, start, signature)
        if parsed.ci == CI_VARIABLE:
            plan.remember(data)
    elif parsed.ci in (CI_FIXED, CI_FIXED_HIGH_FIRST):
        known, records = _fixed(data, parsed.ci == CI_FIXED_HIGH_FIRST)
    elif parsed.ci == CI_VARIABLE_HIGH_FIRST:
        _need(data, header.LONG_HEADER_BYTES, "the header")
        known = header.long_header(data, _DATA_AT, True)
        start = _DATA_AT + header.LONG_HEADER_BYTES
        records = [_raw(data, start, "records sent high byte first")]
    else:
        records = [_other(data, parsed.ci)]
    return Telegram(PROTOCOL, parsed.control, parsed.address, parsed.ci, known, records, more)


def find(
    telegram: Telegram,
    quantity: str,
    storage: int = 0,
    tariff: int = 0,
    subunit: int = 0,
    function: str = "instantaneous",
) -> Reading | None:
    """The first reading that is exactly this register; None when the telegram has none."""
    for record in telegram.records:
        reading = record.reading
        if (
            reading.quantity == quantity
            and reading.storage == storage
            and reading.tariff == tariff
            and reading.subunit == subunit
            and reading.function == function
        ):
            return reading
    return None


def _from_plan(raw: bytes, layout: plan.Plan) -> Telegram:
    known = header.long_header(raw, _DATA_AT)
    records = [place.record(raw) for place in layout.places]
    return Telegram(PROTOCOL, raw[4], raw[5], raw[6], known, records, layout.more)


def _header(data: bytes, ci: int) -> "tuple[Header | None, int]":
    if ci == CI_NO_HEADER:
        return None, _DATA_AT
    if ci == CI_SHORT_HEADER:
        _need(data, header.SHORT_HEADER_BYTES, "the header")
        return header.short_header(data, _DATA_AT), _DATA_AT + header.SHORT_HEADER_BYTES
    _need(data, header.LONG_HEADER_BYTES, "the header")
    return header.long_header(data, _DATA_AT), _DATA_AT + header.LONG_HEADER_BYTES


def _fixed(data: bytes, high_first: bool) -> "tuple[Header, list[Record]]":
    _need(data, fixed.FIXED_BYTES, "the fixed structure")
    end = len(data) - _TAIL_BYTES
    if end != _DATA_AT + fixed.FIXED_BYTES:
        reason = f"the fixed structure has 16 bytes, this one has {end - _DATA_AT}"
        raise FrameError(reason, _DATA_AT + fixed.FIXED_BYTES)
    known = header.fixed_header(data, _DATA_AT, high_first)
    records: list[Record] = []
    at = _DATA_AT + header.FIXED_HEADER_BYTES
    for reading in fixed.readings(data, _DATA_AT, high_first):
        counter = data[at : at + fixed.COUNTER_BYTES]
        records.append(Record(at, fixed.COUNTER_BYTES, b"", b"", counter, reading))
        at += fixed.COUNTER_BYTES
    return known, records


def _other(data: bytes, ci: int) -> Record:
    if ci == CI_APPLICATION_ERROR:
        code = data[_DATA_AT] if len(data) > _DATA_AT + _TAIL_BYTES else 0
        known = code < len(APPLICATION_ERRORS)
        text = APPLICATION_ERRORS[code] if known else f"application error {code:02X}"
        return whole(data, _DATA_AT, "error_flags", "error", text)
    if ci == CI_ALARM:
        return whole(data, _DATA_AT, "error_flags", "error", "alarm")
    if _CI_MANUFACTURER_FIRST <= ci <= _CI_MANUFACTURER_LAST:
        return _raw(data, _DATA_AT, f"CI {ci:02X} is the manufacturer's own")
    return _raw(data, _DATA_AT, _RAW_CI.get(ci, f"CI {ci:02X} is unknown"))


def _raw(data: bytes, start: int, reason: str) -> Record:
    return whole(data, start, "unknown", f"unreadable:{reason}", "")


def _need(data: bytes, size: int, what: str) -> None:
    end = len(data) - _TAIL_BYTES
    if end < _DATA_AT + size:
        raise FrameError(f"the telegram ends inside {what}, which has {size} bytes", end)
