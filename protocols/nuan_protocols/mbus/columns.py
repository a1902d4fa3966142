"""All values of a telegram whose layout is known, read column by column instead of one by one.

A record's words never change with the layout; only its number does. So a layout keeps ten columns,
one for each field of a reading, and a telegram fills one of them: all BCD registers are slices of
the frame's hexadecimal text, all integers of 1, 2, 4 and 8 bytes are one struct, and zip puts the
columns together. No step of it is a loop in Python. What has no place in that scheme (dates, reals,
error marks, text) is read by its own Field, as without a plan.

Runs on the PC only: the board has other uses for its heap.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from operator import itemgetter, mul
from struct import Struct
from typing import TYPE_CHECKING, Any, cast, overload
from zlib import adler32

from nuan_protocols.ieee754 import shortest32
from nuan_protocols.mbus.dates import date_text
from nuan_protocols.mbus.header import Header, long_header
from nuan_protocols.mbus.records import Record
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from nuan_protocols.mbus.plan import Place

# Codes of struct by (bytes, signed).
_STRUCT_CODES = {
    (1, True): "b",
    (2, True): "h",
    (4, True): "i",
    (8, True): "q",
    (1, False): "B",
    (2, False): "H",
    (4, False): "I",
    (8, False): "Q",
}
# How the value of a record is come by.
_BCD = 0
_STRUCT = 1
_ODD = 2
_REAL = 3
_DATE = 4
_MOMENT = 5
_SAME = 6
_OTHER = 7

# Days, times of day and reals that are kept: a building's meters tell the same time, and
# temperatures come again.
_SEEN_MAX = 4096
_DATE_BYTES = 2
_MOMENT_BYTES = 4
_HUNDREDS = 0x60
_HOUR = 0x9F
_ANY_DAY = b"\x21\x31"
_DAY_CHARACTERS = len("2026-01-31")
# Header fields remembered: a gateway's meters.
_METERS_MAX = 1 << 14
_HEADER_BYTES = 12
_HEADER_AT = 7
_HEADER = Struct("<8sBBH")
# Stands where every value is valid: no struct gives it.
_NEVER = -(1 << 64)

# A namedtuple from its values at once, three times as fast as calling its type.
_new: "Callable[[type, Iterable[object]], Any]" = getattr(tuple, "__new__")  # noqa: B009


def sum_is_right(raw: bytes) -> bool:
    """Whether the checksum of a long frame is that of its bytes, by compiled code."""
    # Adler's first sum is the plain one plus 1: 252 bytes can't reach its modulus.
    return (adler32(raw[4:-2]) - 1) & 0xFF == raw[-2]


class Columns:
    """The registers of one layout, read from checked telegrams that have it."""

    def __init__(self, places: "Sequence[Place]", size: int) -> None:
        """`size`: bytes of the whole telegram."""
        self._places = places
        first = [place.first for place in places]
        self._heads = tuple(zip(*(record[:4] for record in first), strict=True)) or ((),) * 4
        self._data = _getter([slice(place.data, place.end) for place in places])
        kinds = _sorted_out(places)
        self._digits, self._numbers, self._odd, self._reals = kinds[: _REAL + 1]
        self._texts_of = _getter([_digits_of(places[index], size) for index in self._digits])
        self._shown = [(index, at) for at, index in enumerate(self._digits) if places[index].shown]
        self._struct = _struct([places[index] for index in self._numbers])
        self._invalid = [-places[index].sign or _NEVER for index in self._numbers]
        self._never = frozenset(self._invalid)
        self._dates = [(index, places[index].data) for index in kinds[_DATE]]
        self._moments = [(index, places[index].data) for index in kinds[_MOMENT]]
        self._same = [(index, first[index].reading) for index in kinds[_SAME]]
        self._others = kinds[_OTHER]
        self._written = bool(self._shown or self._dates or self._moments)
        plain = self._digits + self._numbers + self._odd + self._reals
        order = {index: at for at, index in enumerate(plain)}
        self._order = _getter([order.get(index, -1) for index in range(len(places))])
        factors = [places[index].factor for index in plain]
        self._factors = factors if any(factor != 1 for factor in factors) else None
        self._quantities = [place.quantity for place in places]
        self._exponents = [place.tail[0] for place in places]
        tails: list[tuple[object, ...]] = [place.tail[1:-1] for place in places]
        self._tails = tuple(zip(*tails, strict=True)) or ((),) * 6
        self._no_texts = [""] * len(places)

    def readings(self, raw: bytes) -> list[Reading]:
        """What all records of a telegram of this layout say, as records.read_records has it."""
        wrong: list[int] = []
        values: list[Any] = []
        digits: Sequence[str] = ()
        if self._digits:
            digits = self._texts_of(raw[::-1].hex())
            try:
                values = list(map(int, digits))
            except ValueError:
                values = self._digits_one_by_one(digits, wrong)
        if self._struct is not None:
            numbers = self._struct.unpack_from(raw)
            if not self._never.isdisjoint(numbers):
                self._find_invalid(numbers, wrong)
            values.extend(numbers)
        exponents = self._exponents
        if self._odd:
            self._add_odd(raw, values, wrong)
        if self._reals:
            exponents = self._add_reals(raw, values, wrong)
        if self._factors is not None:
            values = list(map(mul, values, self._factors))
        values.append(None)
        texts = self._texts(raw, digits, wrong) if self._written else self._no_texts
        column = zip(self._quantities, self._order(values), exponents, *self._tails, texts)
        readings: list[Reading] = list(map(_new, repeat(Reading), column))
        for index, reading in self._same:
            readings[index] = reading
        for index in chain(self._others, wrong) if wrong else self._others:
            place = self._places[index]
            if place.field is not None:
                readings[index] = place.field.reading(raw[place.data : place.end])
        return readings

    def records(self, raw: bytes, readings: list[Reading]) -> list[Record]:
        """The records around these readings, as records.read_records gives them."""
        rows = zip(*self._heads, self._data(raw), readings, strict=True)
        return list(map(_new, repeat(Record), rows))

    # What is found not to be plain is added to `wrong`, and read by its Field in the end.

    def _digits_one_by_one(self, digits: Sequence[str], wrong: list[int]) -> list[int]:
        values: list[int] = []
        for index, text in zip(self._digits, digits, strict=True):
            decimal = text.isdecimal()
            values.append(int(text) if decimal else 0)
            if not decimal:
                wrong.append(index)
        return values

    def _find_invalid(self, numbers: Sequence[int], wrong: list[int]) -> None:
        for index, number, invalid in zip(self._numbers, numbers, self._invalid, strict=True):
            if number == invalid:
                wrong.append(index)

    def _add_odd(self, raw: bytes, values: list[int], wrong: list[int]) -> None:
        for index in self._odd:
            place = self._places[index]
            value, sign = int.from_bytes(raw[place.data : place.end], "little"), place.sign
            if sign and value >= sign:
                value -= sign << 1
                if value == -sign:
                    wrong.append(index)
            values.append(value)

    def _add_reals(self, raw: bytes, values: list[int], wrong: list[int]) -> list[int]:
        exponents = self._exponents.copy()
        for index in self._reals:
            place = self._places[index]
            value = _shortest(raw[place.data : place.end])
            if value is None:
                value = (0, 0)
                wrong.append(index)
            values.append(value[0])
            exponents[index] += value[1]
        return exponents

    def _texts(self, raw: bytes, digits: Sequence[str], wrong: list[int]) -> list[str]:
        texts = self._no_texts.copy()
        for index, at in self._shown:
            texts[index] = digits[at]
        for index, at in self._dates:
            texts[index] = text = _day(0, raw[at], raw[at + 1])
            if not text:
                wrong.append(index)
        for index, at in self._moments:
            day = _day(raw[at + 1] & _HUNDREDS, raw[at + 2], raw[at + 3])
            clock = _clock(raw[at], raw[at + 1] & _HOUR)
            texts[index] = f"{day}T{clock}"
            if not (day and clock):
                wrong.append(index)
        return texts


@lru_cache(maxsize=_SEEN_MAX)
def _shortest(data: bytes) -> tuple[int, int] | None:
    return shortest32(int.from_bytes(data, "little"))


@lru_cache(maxsize=_SEEN_MAX)
def _day(hundreds: int, low: int, high: int) -> str:
    """A date, or the first half of a moment; "" when it is no day that a calendar has."""
    text, _ = date_text(bytes((0, hundreds, low, high)))
    return "" if "*" in text else text[:_DAY_CHARACTERS]


@lru_cache(maxsize=_SEEN_MAX)
def _clock(minute: int, hour: int) -> str:
    """The second half of a moment; "" when it is no valid time of day that a clock has."""
    text, status = date_text(bytes((minute, hour)) + _ANY_DAY)
    return "" if status != "ok" or "*" in text else text[_DAY_CHARACTERS + 1 :]


@lru_cache(maxsize=_METERS_MAX)
def _identity(head: bytes) -> tuple[object, ...]:
    """The part of the header that is always the same meter's."""
    return tuple(long_header(head + bytes(_HEADER_BYTES), 0))[:4]


def known_header(raw: bytes) -> Header:
    """The header of a telegram that has one of 12 bytes, quick for a meter met before."""
    head, access_number, status, signature = _HEADER.unpack_from(raw, _HEADER_AT)
    rest = (access_number, status, signature)
    header: Header = _new(Header, _identity(head) + rest)
    return header


class LateRecords(Sequence[Record]):
    """The records of a telegram, made from its readings when somebody looks at the first."""

    __slots__ = ("_made", "_source")

    def __init__(self, columns: Columns, raw: bytes, readings: list[Reading]) -> None:
        self._source = (columns, raw, readings)
        self._made: list[Record] | None = None

    def _all(self) -> list[Record]:
        if self._made is None:
            columns, raw, readings = self._source
            self._made = columns.records(raw, readings)
        return self._made

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._source[2])

    def __iter__(self) -> Iterator[Record]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return (
            self._all() == list(cast("Sequence[object]", other))
            if isinstance(other, Sequence)
            else NotImplemented
        )

    __hash__ = None  # type: ignore[assignment]


def _sorted_out(places: "Sequence[Place]") -> list[list[int]]:
    """The places of each kind."""
    kinds: list[list[int]] = [[] for _ in range(_OTHER + 1)]
    for index, place in enumerate(places):
        kinds[_kind(place)].append(index)
    return kinds


def _kind(place: "Place") -> int:
    field = place.field
    if field is None:
        return _SAME
    if place.bcd:
        return _BCD
    if place.sign or field.is_unsigned:
        return _STRUCT if (place.end - place.data, place.sign > 0) in _STRUCT_CODES else _ODD
    if field.is_date:
        return {_DATE_BYTES: _DATE, _MOMENT_BYTES: _MOMENT}.get(place.end - place.data, _OTHER)
    return _REAL if place.real else _OTHER


def _digits_of(place: "Place", size: int) -> slice:
    """Where the digits stand in the hexadecimal text of the whole frame turned around."""
    return slice(2 * (size - place.end), 2 * (size - place.data))


def _struct(places: "Sequence[Place]") -> Struct | None:
    """All integers of a telegram, the bytes between them skipped."""
    if not places:
        return None
    layout = "<"
    at = 0
    for place in places:
        code = _STRUCT_CODES[place.end - place.data, place.sign > 0]
        layout += f"{place.data - at}x{code}"
        at = place.end
    return Struct(layout)


def _getter(keys: Sequence[object]) -> "Callable[[Any], Sequence[Any]]":
    """As operator.itemgetter, which gives a bare item for one key and takes no empty list."""
    if len(keys) > 1:
        return cast("Callable[[Any], Sequence[Any]]", itemgetter(*keys))
    if not keys:
        return _no_items
    return lambda items: (items[keys[0]],)


def _no_items(items: object) -> Sequence[object]:
    del items
    return ()
