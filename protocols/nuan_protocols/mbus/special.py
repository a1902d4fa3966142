"""Answers that aren't records: fixed structures, application errors and the unreadable rest.

CI 70   application error      CI 73, 77   fixed structure (77: high byte first)
CI 71   alarm                  CI 76       records, high byte first: kept raw
CI 79, 7B, 69-6B, 90, A0-B7 ...    kept raw, with the reason
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.mbus import fixed, header
from nuan_protocols.mbus.records import Record, whole

if TYPE_CHECKING:
    from nuan_protocols.mbus.header import Header

CI_APPLICATION_ERROR = 0x70
CI_ALARM = 0x71
CI_FIXED = 0x73
CI_VARIABLE_HIGH_FIRST = 0x76
CI_FIXED_HIGH_FIRST = 0x77

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
    0x90: "encrypted, behind an authentication layer",
}
_CI_MANUFACTURER_FIRST = 0xA0
_CI_MANUFACTURER_LAST = 0xB7

_DATA_AT = 7
_TAIL_BYTES = 2


def read_special(data: bytes, ci: int) -> "tuple[Header | None, list[Record]]":
    """Header and records of a checked answer with any CI but 72, 78 and 7A.

    Raises FrameError when header or fixed structure is cut off.
    """
    if ci in (CI_FIXED, CI_FIXED_HIGH_FIRST):
        return _fixed(data, ci == CI_FIXED_HIGH_FIRST)
    if ci == CI_VARIABLE_HIGH_FIRST:
        known = header.long_header(data, _DATA_AT, True)
        start = _DATA_AT + header.LONG_HEADER_BYTES
        return known, [_raw(data, start, "records sent high byte first")]
    return None, [_other(data, ci)]


def _fixed(data: bytes, high_first: bool) -> "tuple[Header, list[Record]]":
    end = len(data) - _TAIL_BYTES
    size = end - _DATA_AT
    if size != fixed.FIXED_BYTES:
        reason = f"the fixed structure has 16 bytes, this one has {size}"
        raise FrameError(reason, min(end, _DATA_AT + fixed.FIXED_BYTES))
    known = fixed.fixed_header(data, _DATA_AT, high_first)
    records: list[Record] = []
    at = _DATA_AT + fixed.FIXED_HEADER_BYTES
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
