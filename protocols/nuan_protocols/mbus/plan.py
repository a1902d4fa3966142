"""Layouts remembered: a meter's next telegram differs from its last one only in its values.

A plan holds every byte of a telegram that decides the layout (lengths, CI, configuration word,
DIF, VIF, plain text, LVAR, fillers) as one number under a mask, and where each value stands. A
telegram that matches a plan needs neither division into records nor tables. Matching is one AND
over the whole frame, which CPython does in a fraction of a microsecond.

The board has other uses for its heap: there nothing is remembered.
"""

import sys
from typing import TYPE_CHECKING

from nuan_protocols.mbus.field import Field
from nuan_protocols.mbus.records import Record, may_be_encrypted, meaning_at, read_record
from nuan_protocols.mbus.walk import (
    CODE_VARIABLE,
    FILLER,
    MANUFACTURER,
    RECORD,
    next_span,
    text_is_settled,
)
from nuan_protocols.reading import Reading

if TYPE_CHECKING or sys.implementation.name == "cpython":
    from nuan_protocols.mbus.columns import Columns, sum_is_right

if TYPE_CHECKING:
    from nuan_protocols.mbus.walk import Span

    def _new_reading(kind: type[Reading], values: tuple[object, ...]) -> Reading: ...

else:
    # A namedtuple from its values at once, three times as fast as calling its type.
    _new_reading = getattr(tuple, "__new__", None)

# Plans for telegrams of one length, the oldest goes first; there are 253 lengths.
PLANS_PER_LENGTH = 16

_REMEMBER = sys.implementation.name == "cpython"

_CI_VARIABLE = 0x72
_SIGNATURE_AT = 17
_RECORDS_AT = 19
_TAIL_BYTES = 2
_FROM_MASTER = 0x40

_plans: "dict[int, list[Plan]]" = {}


class Place:
    """Where one record stands in every telegram of a layout, and all of it that never changes."""

    def __init__(self, first: Record, data: int, field: Field | None) -> None:
        reading = first.reading
        self.first = first
        self.data = data
        self.end = first.offset + first.length
        # None: manufacturer's data, which always reads the same.
        self.field = field
        self.sign = 0 if field is None else field.sign
        self.factor = 1 if field is None else field.factor
        self.bcd = field is not None and field.plain_bcd
        self.real = field is not None and field.is_real
        # Of an identifier the digits themselves are kept, with leading zeros.
        self.shown = field is not None and field.shows_digits
        exponent = 0 if field is None or field.is_date else field.exponent
        self.quantity = reading.quantity
        self.tail = (
            exponent,
            reading.unit,
            reading.storage,
            reading.tariff,
            reading.subunit,
            reading.function,
            "ok",
            "",
        )


class Plan:
    """The layout of one checked CI 72 telegram.

    usable   False when the layout hangs on bytes that may be values: then nothing is gained
    """

    def __init__(self, raw: bytes) -> None:
        end = len(raw) - _TAIL_BYTES
        mask = bytearray(len(raw))
        for index in (0, 1, 2, 3, 6, _SIGNATURE_AT, _SIGNATURE_AT + 1, end + 1):
            mask[index] = 0xFF
        mask[4] = _FROM_MASTER
        signature = raw[_SIGNATURE_AT] | raw[_SIGNATURE_AT + 1] << 8
        self.usable = not may_be_encrypted(signature)
        self.places: list[Place] = []
        self.more = False
        offset = _RECORDS_AT
        while offset < end and self.usable:
            span = next_span(raw, offset, end)
            self._add(raw, span, mask, end)
            offset = span.end
        # Made when the layout is met again: many are met once.
        self.columns: Columns | None = None
        self.mask = int.from_bytes(mask, "little")
        self.fixed = int.from_bytes(raw, "little") & self.mask

    def _add(self, raw: bytes, span: "Span", mask: bytearray, end: int) -> None:
        fixed_end = span.data
        if span.kind == RECORD:
            # Where a plain-text unit stands may be judged by bytes that are values.
            self.usable = text_is_settled(raw, span, end)
            fixed_end += raw[span.offset] & 0x0F == CODE_VARIABLE
            field: Field | None = Field(raw[span.offset : span.vib], meaning_at(raw, span))
        elif span.kind in (FILLER, MANUFACTURER):
            self.more = raw[span.offset] == 0x1F
            field = None
        else:
            self.usable = False
            return
        for index in range(span.offset, fixed_end):
            mask[index] = 0xFF
        if span.kind != FILLER:
            self.places.append(Place(read_record(raw, span), span.data, field))


def reading_at(place: Place, data: bytes) -> Reading:
    """The reading of these data bytes, as place.field gives it, with the common codings inlined."""
    sign = place.sign
    if sign:
        integer = int.from_bytes(data, "little")
        if integer >= sign:
            integer -= sign << 1
        if integer != -sign:
            head = (place.quantity, integer * place.factor)
            return _new_reading(Reading, head + place.tail)
    elif place.bcd:
        try:
            # Fails for A-F, the minus sign included.
            text = f"{int.from_bytes(data, 'little'):0{2 * len(data)}x}"
            integer = int(text)
        except ValueError:
            pass
        else:
            head = (place.quantity, integer * place.factor)
            shown = (text if place.shown else "",)
            return _new_reading(Reading, head + place.tail[:-1] + shown)
    return place.first.reading if place.field is None else place.field.reading(data)


def columns_of(plan: Plan, raw: bytes) -> Columns:
    """The columns of a telegram that has this layout."""
    if plan.columns is None:
        plan.columns = Columns(plan.places, len(raw))
    return plan.columns


def match(raw: bytes) -> Plan | None:
    """The plan of this telegram's layout, when it is known and the checksum is right."""
    plans = _plans.get(len(raw))
    if plans is None:
        return None
    number = int.from_bytes(raw, "little")
    for plan in plans:
        if number & plan.mask == plan.fixed:
            return plan if sum_is_right(raw) else None
    return None


def remember(raw: bytes) -> None:
    """Keep the layout of a telegram that was checked and has CI 72."""
    if not _REMEMBER:
        return
    plan = Plan(raw)
    if plan.usable:
        plans = _plans.setdefault(len(raw), [])
        if len(plans) == PLANS_PER_LENGTH:
            plans.pop(0)
        plans.append(plan)


def forget() -> None:
    """Drop all layouts, as a process that has just started."""
    _plans.clear()
