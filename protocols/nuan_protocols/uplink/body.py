"""Bodies of the four kinds of journal entry; offsets within the body.

    exchange    0 u8 bus | 1 u16 slot | 3 u16 config_version | 5 u8 result | 6 u8 tries
                7 u16 length of the question | 9 question | answer (the rest)
    event       0 u8 code | 1 text, UTF-8
    control     0 u8 zone | 1 i16 requested_dc | 3 i16 applied_dc | 5 i16 measured_dc
                7 u8 valve_pct | 8 u8 mode | 9 u8 reason
    tombstone   0 u32 first | 4 u32 last | 8 u8 reason | 9 chain[32] after `last`

Temperatures are tenths of a degree Celsius (dc). A body ends where its entry ends.
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import UplinkError
from nuan_protocols.uplink.fields import put_bytes, put_int16, put_uint

if TYPE_CHECKING:
    from nuan_protocols.uplink.keys import Buffer

RESULT_OK = 0
RESULT_NO_ANSWER = 1
RESULT_UNREADABLE = 2
RESULT_EXCEPTION = 3

EVENT_BOOT = 1
EVENT_CLOCK_STEP = 2
EVENT_CONFIGURATION = 3
EVENT_FAULT = 4
EVENT_PANIC = 5
EVENT_TIME = 6
EVENT_UPDATE = 7
EVENT_SAFE_MODE = 8
EVENT_LINK = 9
EVENT_CONSOLE = 10
EVENT_OVERRIDE = 11
EVENT_STATISTICS = 12

MODE_NORMAL = 1
MODE_FROST = 2
MODE_FALLBACK = 3
MODE_SETBACK = 4
MODE_WARM_UP = 5
MODE_UNOCCUPIED = 6
MODE_OVERRIDE = 7
MODE_EXERCISE = 8

TOMBSTONE_DROPPED = 1
TOMBSTONE_RESERVED = 2

QUESTION_BYTES_MAX = 300
ANSWER_BYTES_MAX = 600
TEXT_BYTES_MAX = 240
VALVE_PCT_MAX = 100

EXCHANGE_HEAD_BYTES = 9
CONTROL_BYTES = 10
TOMBSTONE_BYTES = 41
NO_MEASUREMENT = -0x8000


def put_exchange(
    buffer: bytearray,
    at: int,
    bus: int,
    slot: int,
    config_version: int,
    result: int,
    tries: int,
    question: "Buffer",
    answer: "Buffer",
) -> int:
    """Write an exchange body at `at`; return the offset behind it."""
    check_lengths(len(question), len(answer), at)
    check_range("result", result, RESULT_OK, RESULT_EXCEPTION, at + 5)
    at = put_uint(buffer, at, 1, bus, "bus")
    at = put_uint(buffer, at, 2, slot, "slot")
    at = put_uint(buffer, at, 2, config_version, "config_version")
    at = put_uint(buffer, at, 1, result, "result")
    at = put_uint(buffer, at, 1, tries, "tries")
    at = put_uint(buffer, at, 2, len(question), "length of the question")
    at = put_bytes(buffer, at, question, "question")
    return put_bytes(buffer, at, answer, "answer")


def put_event(buffer: bytearray, at: int, code: int, text: str) -> int:
    """Write an event body at `at`; return the offset behind it."""
    encoded = text.encode()
    check_range("event code", code, EVENT_BOOT, EVENT_STATISTICS, at)
    check_range("length of the text", len(encoded), 0, TEXT_BYTES_MAX, at + 1)
    return put_bytes(buffer, put_uint(buffer, at, 1, code, "code"), encoded, "text")


def put_control(
    buffer: bytearray,
    at: int,
    zone: int,
    requested_dc: int,
    applied_dc: int,
    measured_dc: "int | None",
    valve_pct: int,
    mode: int,
    reason: int,
) -> int:
    """Write a control body at `at`; return the offset behind it."""
    if measured_dc is None:
        measured_dc = NO_MEASUREMENT
    elif measured_dc == NO_MEASUREMENT:
        raise UplinkError(f"measured_dc {measured_dc} stands for no measurement", at + 5)
    check_range("valve_pct", valve_pct, 0, VALVE_PCT_MAX, at + 7)
    check_range("mode", mode, MODE_NORMAL, MODE_EXERCISE, at + 8)
    at = put_uint(buffer, at, 1, zone, "zone")
    at = put_int16(buffer, at, requested_dc, "requested_dc")
    at = put_int16(buffer, at, applied_dc, "applied_dc")
    at = put_int16(buffer, at, measured_dc, "measured_dc")
    at = put_uint(buffer, at, 1, valve_pct, "valve_pct")
    at = put_uint(buffer, at, 1, mode, "mode")
    return put_uint(buffer, at, 1, reason, "reason")


def put_tombstone(
    buffer: bytearray, at: int, first: int, last: int, reason: int, chain: "Buffer"
) -> int:
    """Write a tombstone body at `at`; return the offset behind it."""
    check_tombstone(first, last, reason, at)
    at = put_uint(buffer, at, 4, first, "first")
    at = put_uint(buffer, at, 4, last, "last")
    at = put_uint(buffer, at, 1, reason, "reason")
    return put_bytes(buffer, at, chain, "chain", 32)


def check_lengths(question: int, answer: int, at: int) -> None:
    """Refuse a question or an answer that is too long."""
    check_range("length of the question", question, 0, QUESTION_BYTES_MAX, at + 7)
    check_range("length of the answer", answer, 0, ANSWER_BYTES_MAX, at + 9 + question)


def check_tombstone(first: int, last: int, reason: int, at: int) -> None:
    """Refuse an empty range, a range below 1 and an unknown reason."""
    if not 1 <= first <= last:
        raise UplinkError(f"the range {first}..{last} is empty or starts before 1", at)
    check_range("tombstone reason", reason, TOMBSTONE_DROPPED, TOMBSTONE_RESERVED, at + 8)


def check_range(name: str, value: int, low: int, high: int, offset: int) -> None:
    """Refuse a value outside low..high."""
    if not low <= value <= high:
        raise UplinkError(f"{name} {value} is not within {low}..{high}", offset)
