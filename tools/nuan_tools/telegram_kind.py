"""Which protocol a pasted telegram is in: all but Modbus begin with 68 behind what wakes the line.

M-Bus       68 L L 68 | C A CI .. | sum 16        or 10 C A sum 16, or E5
DL/T 645    68 | A0..A5 | 68 | C L .. | CS 16
CJ/T 188    68 | T | A0..A6 | C L .. | CS 16
"""

from collections.abc import Callable

from nuan_protocols.cjt188.frame import WAKE_UP
from nuan_protocols.errors import FrameError

_START = 0x68
_MBUS_STARTS = (_START, 0x10, 0xE5)
_DLT645_SECOND_AT = 7
_CJT188_LENGTH_AT = 10
_CJT188_OVERHEAD = 13


def kind_of(telegram: bytes) -> str:
    """ "mbus", "cjt188" or "dlt645": whose checks it passes, else whose it looks most like.

    Raises FrameError for what begins as none of them does.
    """
    at = 0
    while at < len(telegram) - 1 and telegram[at] in WAKE_UP:
        at += 1
    if telegram[at] not in _MBUS_STARTS or (at and telegram[at] != _START):
        raise FrameError(
            f"{telegram[at]:02X}h begins no telegram of M-Bus, CJ/T 188 or DL/T 645; for a Modbus "
            "answer give --question",
            at,
        )
    if telegram[at] != _START:
        return "mbus"
    for kind, check in _checks():
        try:
            check(telegram)
        except FrameError:
            continue
        return kind
    return _likeliest(telegram[at:], at)


def _checks() -> tuple[tuple[str, Callable[[bytes], object]], ...]:
    from nuan_protocols.cjt188 import frame as cjt188
    from nuan_protocols.dlt645 import frame as dlt645
    from nuan_protocols.mbus import frame as mbus

    return ("mbus", mbus.parse), ("dlt645", dlt645.parse), ("cjt188", cjt188.parse)


def _likeliest(frame: bytes, woken: int) -> str:
    """Of a broken frame."""
    if len(frame) > 3 and frame[3] == _START and not woken:
        return "mbus"
    if len(frame) > _DLT645_SECOND_AT and frame[_DLT645_SECOND_AT] == _START:
        return "dlt645"
    if len(frame) > _CJT188_LENGTH_AT:
        # One byte more or less: lost on the way, or the vendor's own.
        whole = frame[_CJT188_LENGTH_AT] + _CJT188_OVERHEAD
        if woken or abs(whole - len(frame)) <= 1:
            return "cjt188"
    return "mbus" if not woken else "cjt188"
