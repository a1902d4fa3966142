"""A Modbus device from a table: which register holds what, in which form and order of words."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from pymodbus.simulator import DataType, SimData

from nuan_emulator.meters.modbus_slave import REGISTERS_MAX, ModbusSlave, RegisterBlock

S = TypeVar("S")
Number = Fraction | int | None
ABSENT: None = None
"""A value the meter doesn't have: every bit of its registers is set."""

FORMS: Mapping[str, str] = {"f32": ">f", "i32": ">i", "u32": ">I", "u16": ">H", "i16": ">h"}
BCD_BYTES = {"bcd4": 2, "bcd12": 6}


class Moment(NamedTuple, Generic[S]):
    """What a register may depend on: the state now, its instant, and the source of all states."""

    state: S
    now_ms: int
    source: Callable[[int], S | None]


class Field(NamedTuple, Generic[S]):
    """Registers from `address` on, in one of FORMS or packed BCD, and the number they hold."""

    address: int
    form: str
    value: Callable[[Moment[S]], Number]


class Model(NamedTuple, Generic[S]):
    """One model's table."""

    name: str
    fields: Sequence[Field[S]]
    functions: tuple[int, ...] = (3,)
    low_word_first: bool = False
    """Numbers of two registers send the lower one first, as CDAB."""
    registers_max: int = REGISTERS_MAX
    holes: int | None = 0
    """What lies between the fields: a word that reads so, or None for exception 2."""


def words_of(form: str, value: Number, *, low_word_first: bool) -> list[int]:
    """The registers of one number; numbers beyond the form's range raise struct.error."""
    size = BCD_BYTES.get(form) or struct.calcsize(FORMS[form])
    if value is None:
        raw = b"\xff" * size
    elif form in BCD_BYTES:
        raw = bytes.fromhex(f"{int(value):0{2 * size}d}"[-2 * size :])
    elif form == "f32":
        raw = struct.pack(FORMS[form], float(value))
    else:
        raw = struct.pack(FORMS[form], int(value))
    words = list(struct.unpack(f">{size // 2}H", raw))
    return words[::-1] if low_word_first and form in FORMS else words


class TableSlave(ModbusSlave, Generic[S]):
    """The device that a model's table describes; read only, as far as its table goes."""

    def __init__(
        self,
        serial: str,
        address: int,
        model: Model[S],
        source: Callable[[int], S | None],
        *,
        identification: Mapping[int, str] | None = None,
    ) -> None:
        """`identification`: texts for function 43/14, which few of these devices know."""
        self.serial = serial
        self.model = model
        self._source = source
        self._spans = _spans(model)
        super().__init__(
            address,
            [
                SimData(start, values=[model.holes or 0] * count, datatype=DataType.REGISTERS)
                for start, count in self._spans
            ],
            measured_functions=model.functions,
            functions=(*model.functions, *((43,) if identification else ())),
            registers_max=model.registers_max,
            identification=identification,
        )

    def measured(self, now_ms: int) -> Sequence[RegisterBlock] | None:
        """Every field's registers at `now_ms`."""
        state = self._source(now_ms)
        if state is None:
            return None
        at = Moment(state, now_ms, self._source)
        low_word_first = self.model.low_word_first
        return [
            (
                field.address,
                words_of(field.form, field.value(at), low_word_first=low_word_first),
            )
            for field in self.model.fields
        ]


def _spans(model: Model[S]) -> list[tuple[int, int]]:
    """(first register, count) of every stretch that can be read in one piece."""
    ends = sorted(
        (field.address, field.address + len(words_of(field.form, 0, low_word_first=False)))
        for field in model.fields
    )
    if model.holes is not None:
        return [(ends[0][0], ends[-1][1] - ends[0][0])]
    spans = [ends[0]]
    for start, end in ends[1:]:
        if start == spans[-1][1]:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return [(start, end - start) for start, end in spans]
