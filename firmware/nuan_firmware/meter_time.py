"""The clocks of meters, in answers that were read anyway; on the heap only while nobody knows the
time.

    M-Bus         a record of date and time, type F (DIF 04, VIF 6D) or I (DIF 06, VIF 6D)
    CJ/T 188      seven BCD bytes, year to second, in either order, a date in one place only
    DL/T 645      the answer to 0400010C, date and time

Meters keep civil time, badly: the median of several that agree is taken, or none.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.civil import civil, days
from nuan_firmware.masters import CJT188, DLT645, MBUS
from nuan_protocols.mbus import walk

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

WITNESSES_MIN = const(3)
# So far may a meter's clock be from the median and still bear it out.
_AGREE_S = const(600)
_YEAR_FIRST = const(2025)
_YEAR_LAST = const(2055)
_VIF_TIME = const(0x6D)
_DIF_F = const(0x04)
_DIF_I = const(0x06)
_INVALID = const(0x80)
# 68 | type | address 7 | control | length | identifier 2 | serial number | data | checksum | 16
_CJT188_DATA_AT = const(14)
# 68 | address 6 | 68 | control | length | identifier 4 | s m h weekday d m y | checksum | 16
_DLT645_SIGN = b"\x3f\x34\x33\x37"
_DLT645_DATA_AT = const(14)
_CLOCK_BYTES = const(7)


def read(protocol: str, answer: "Buffer") -> int:
    """Seconds since 1970 of the meter's own civil time; 0 when the answer holds none."""
    if protocol == MBUS:
        return _mbus(answer)
    if protocol == CJT188:
        return _cjt188(answer)
    return _dlt645(answer) if protocol == DLT645 else 0


def median(witnesses: "list[int]") -> int:
    """The middle one, when most of at least WITNESSES_MIN are near it; else 0."""
    count = len(witnesses)
    if count < WITNESSES_MIN:
        return 0
    middle = sorted(witnesses)[count // 2]
    near = sum([abs(each - middle) <= _AGREE_S for each in witnesses])
    return middle if near >= WITNESSES_MIN and 2 * near > count else 0


def _mbus(answer: "Buffer") -> int:
    if len(answer) < walk.USER_DATA_AT + 2:
        return 0
    header = walk.HEADER_BYTES_OF_CI.get(answer[6], -1)
    offset, end = walk.USER_DATA_AT + header, len(answer) - 2
    while header >= 0 and offset < end:
        span = walk.next_span(answer, offset, end)
        dif, data = answer[offset], span.data
        if span.kind == walk.RECORD and span.vib == offset + 1 and answer[span.vib] == _VIF_TIME:
            if dif == _DIF_F and not answer[data] & _INVALID:
                # It counts minutes: on the average half of one has passed.
                return _date(answer, data + 2, answer[data + 1] & 0x1F, answer[data] & 0x3F, 30)
            if dif == _DIF_I and not answer[data + 1] & _INVALID:
                second, minute = answer[data] & 0x3F, answer[data + 1] & 0x3F
                return _date(answer, data + 3, answer[data + 2] & 0x1F, minute, second)
        offset = span.end
    return 0


def _date(answer: "Buffer", at: int, hour: int, minute: int, second: int) -> int:
    low, high = answer[at], answer[at + 1]
    year = 2000 + (low >> 5 | high >> 4 << 3)
    return _seconds(year, high & 0x0F, low & 0x1F, hour, minute, second)


def _cjt188(answer: "Buffer") -> int:
    found = 0
    for at in range(_CJT188_DATA_AT, len(answer) - 2 - _CLOCK_BYTES + 1):
        digits = [_two(answer[at + i]) for i in range(_CLOCK_BYTES)]
        for _ in range(2):
            century, year, month, day, hour, minute, second = digits
            seconds = _seconds(100 * century + year, month, day, hour, minute, second)
            if seconds and found and seconds != found:
                return 0
            found = seconds or found
            digits.reverse()
    return found


def _dlt645(answer: "Buffer") -> int:
    # Filler bytes may stand in front.
    start = bytes(answer).find(b"\x68")
    if start < 0:
        return 0
    frame = bytes(answer[start:])
    at = _DLT645_DATA_AT
    if frame[10:at] != _DLT645_SIGN or len(frame) < at + _CLOCK_BYTES + 2:
        return 0
    second, minute, hour, _, day, month, year = [
        _two(frame[at + i] - 0x33 & 0xFF) for i in range(_CLOCK_BYTES)
    ]
    return _seconds(2000 + year, month, day, hour, minute, second)


def _two(bcd: int) -> int:
    """Two decimal digits; 100 when they are none."""
    return (bcd >> 4) * 10 + (bcd & 0x0F) if bcd >> 4 < 10 and bcd & 0x0F < 10 else 100


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    if not _YEAR_FIRST <= year <= _YEAR_LAST or hour > 23 or minute > 59 or second > 59:
        return 0
    since = days(year, month, day)
    if not 1 <= month <= 12 or civil(since) != (year, month, day):
        return 0
    return since * 86400 + hour * 3600 + minute * 60 + second
