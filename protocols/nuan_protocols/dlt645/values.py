"""One value of an answer: bytes, and the item that says what they are -> a reading.

Bytes stand low one first. FF all over is a value that the meter doesn't have. Digits above 9 make
a value unreadable; they are kept as text.
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.dlt645.items import Item

    # Integer, status and text of a reading.
    Value: TypeAlias = tuple[int | None, str, str]

_SIGN_BIT = 0x80
_BAUD_FIRST = 300
_NO_VALUE = "unreadable:the meter has no such value (FF)"
_RAW = "unreadable:kept as bytes"
_BAD_DIGIT = "unreadable:a digit above 9"

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CENTURY = 2000


def read_value(item: "Item", data: bytes, storage: int, tariff: int) -> Reading:
    """The reading of `item` in its bytes; unreadable ones say why and keep the digits."""
    integer, status, text = _value(item, data)
    return Reading(
        item.quantity,
        integer,
        item.exponent,
        item.unit,
        storage,
        tariff,
        0,
        item.function,
        status,
        text,
    )


def _value(item: "Item", data: bytes) -> "Value":
    kind = item.kind
    if kind == "x":
        return (None, _RAW, bcd.digits(data))
    if kind not in "br" and data == b"\xff" * len(data):
        return (None, _NO_VALUE, "")
    if kind in "bfr":
        return _binary(item, data)
    if kind in "us":
        return _number(item, data)
    return _ascii(data) if kind == "a" else _digits(item, data)


def _binary(item: "Item", data: bytes) -> "Value":
    if item.kind == "r":
        return _baud_rate(data[0])
    flags = int.from_bytes(data, "little")
    if item.kind == "b":
        return (flags, "ok", "")
    # Off the board's heap until one comes.
    from nuan_protocols.dlt645.status import flag_names

    return (flags, "ok", flag_names(item.quantity, flags))


def _digits(item: "Item", data: bytes) -> "Value":
    digits = bcd.digits(data)
    if not digits.isdigit():
        return (None, _BAD_DIGIT, digits)
    return (None, "ok", digits) if item.kind == "i" else _time(item, digits)


def _number(item: "Item", data: bytes) -> "Value":
    negative = False
    digits = bcd.digits(data)
    if item.kind == "s" and data[len(data) - 1] & _SIGN_BIT:
        negative = True
        high = data[len(data) - 1] & ~_SIGN_BIT
        digits = bcd.digits(data[: len(data) - 1] + bytes((high,)))
    if not digits.isdigit():
        return (None, _BAD_DIGIT, bcd.digits(data))
    value = int(digits) * item.factor
    return (-value if negative else value, "ok", "")


def _baud_rate(bits: int) -> "Value":
    """One bit is set: bit 1 is 600 Bd, bit 2 is 1200 Bd, up to bit 6."""
    for bit in range(1, 7):
        if bits == 1 << bit:
            return (_BAUD_FIRST << bit, "ok", "")
    return (None, "unreadable:no single baud rate", f"{bits:02X}")


def _ascii(data: bytes) -> "Value":
    text = "".join([chr(data[at - 1]) for at in range(len(data), 0, -1) if data[at - 1]])
    for char in text:
        if not " " <= char <= "~":
            return (None, "unreadable:not plain text", bcd.digits(data))
    return (None, "ok", text.strip())


def _time(item: "Item", digits: str) -> "Value":
    """Dates and times as ISO 8601; without year they begin with --, without month with ---."""
    pairs = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    text = _time_text(item.kind, pairs)
    if text:
        return (None, "ok", text)
    reason = "no possible time" if any(pairs) else "no time is set"
    return (None, "unreadable:" + reason, digits)


def _time_text(kind: str, pairs: "list[int]") -> str:
    """The pairs of digits, the largest unit first, as text; "" when there is no such time."""
    day = ""
    if kind in "td":
        day = _date(pairs[0], pairs[1], pairs[2])
        pairs = pairs[3:]
    elif kind == "m":
        # Any year may be a leap year.
        day = "-" + _date(0, pairs[0], pairs[1])[4:]
        pairs = pairs[2:]
    elif kind == "e":
        day = f"---{pairs[0]:02d}" if 1 <= pairs[0] <= 31 else ""
        pairs = pairs[1:]
    for index in range(len(pairs)):
        if pairs[index] > (59 if index else 23):
            return ""
    clock = ":".join([f"{pair:02d}" for pair in pairs])
    if kind == "h":
        return clock
    if len(day) < 2:
        return ""
    return day + "T" + clock if pairs else day


def _date(year: int, month: int, day: int) -> str:
    """A day of this century, "" when the calendar hasn't got it."""
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return ""
    if month == 2 and day == 29 and year % 4:
        return ""
    return f"{_CENTURY + year}-{month:02d}-{day:02d}"
