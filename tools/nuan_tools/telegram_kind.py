"""Which protocol a pasted telegram is in: all but Modbus begin with 68 behind what wakes the line.

M-Bus       68 L L 68 | C A CI .. | sum 16        or 10 C A sum 16, or E5
DL/T 645    68 | A0..A5 | 68 | C L .. | CS 16
CJ/T 188    68 | T | A0..A6 | C L .. | CS 16
"""

from collections.abc import Callable
from functools import partial

from nuan_protocols.cjt188.frame import WAKE_UP
from nuan_protocols.errors import FrameError

_START = 0x68
_MBUS_STARTS = (_START, 0x10, 0xE5)
_MBUS_SECOND_AT = 3
_DLT645_SECOND_AT = 7
_DLT645_LENGTH_AT = 9
_DLT645_OVERHEAD = 12
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
    from nuan_protocols.cjt188.dialects import ALL
    from nuan_protocols.dlt645 import frame as dlt645
    from nuan_protocols.mbus import frame as mbus

    found: list[tuple[str, Callable[[bytes], object]]] = []
    found += [("mbus", mbus.parse), ("dlt645", dlt645.parse)]
    for extra_bytes in sorted({each.extra_bytes for each in ALL}):
        found.append(("cjt188", partial(cjt188.parse, extra_bytes=extra_bytes)))
    return tuple(found)


def _likeliest(frame: bytes, woken: int) -> str:
    """Of a broken frame: whose length byte fits, else whose start bytes stand where they should."""
    if len(frame) > _MBUS_SECOND_AT and frame[_MBUS_SECOND_AT] == _START and not woken:
        return "mbus"
    lengths = (
        ("dlt645", _DLT645_LENGTH_AT, _DLT645_OVERHEAD),
        ("cjt188", _CJT188_LENGTH_AT, _CJT188_OVERHEAD),
    )
    second = len(frame) > _DLT645_SECOND_AT and frame[_DLT645_SECOND_AT] == _START
    for kind, at, overhead in lengths:
        if len(frame) > at and frame[at] + overhead == len(frame) and (second or kind == "cjt188"):
            return kind
    if second:
        return "dlt645"
    return "cjt188" if woken else "mbus"
