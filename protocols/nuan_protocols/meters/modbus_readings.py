"""Readings in a Modbus answer: the question says which registers it holds."""

from typing import TYPE_CHECKING

from nuan_protocols.errors import FrameError
from nuan_protocols.ieee754 import quantised32
from nuan_protocols.modbus.exceptions import exception_name
from nuan_protocols.modbus.exchange import check_answer, exception_in, parse_question
from nuan_protocols.modbus.registers import DATA_AT, FLOATS, REGISTERS_OF, number_of, raw_value
from nuan_protocols.modbus.rtu import (
    READ_AND_WRITE,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    REQUEST_BYTES,
)
from nuan_protocols.modbus.tcp import HEADER_BYTES
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.meters.places import ModbusRegister
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.modbus.exchange import Question

    # A register with its byte in the answer, the bit of that byte for function 1 or 2, and for a
    # plain float32, which most are, the byte behind it; else 0.
    Placed: TypeAlias = tuple[int, ModbusRegister, int, int]
    Plan: TypeAlias = tuple[Question, list[Placed]]

PLANS_MAX = 4096
_FLOAT32_BYTES = 4

NOT_A_NUMBER = "unreadable:not a number"
NOT_FITTED = "unreadable:not supported by the meter"

# A meter is asked the same few questions for ever; over TCP with ever new transaction numbers,
# which stand in the header and are left out here.
_plans: "dict[tuple[Profile, bytes], Plan]" = {}


def modbus_readings(meter: "Profile", question: bytes, answer: bytes) -> list[Reading]:
    """Readings of all registers of interest that the question asked for, in the answer's order.

    RTU or TCP, as it was on the wire. An exception answer makes them unreadable, each with the
    reason. Raises FrameError.
    """
    body = question if len(question) == REQUEST_BYTES else question[HEADER_BYTES:]
    plan = _plans.get((meter, body))
    if plan is None:
        plan = _plan(meter, question)
    asked, placed = plan
    check_answer(asked, question, answer)
    code = exception_in(asked, answer)
    if code is not None:
        status = f"unreadable:{exception_name(code)}"
        return [_reading(register, None, status) for _, register, _, _ in placed]
    found: list[Reading] = []
    for at, register, bit, end in placed:
        if end:
            value = quantised32(int.from_bytes(answer[at:end], "big"), register.quantum)
            status = NOT_A_NUMBER if value is None else "ok"
        else:
            value, status = _value(register, answer, at, bit)
        found.append(_reading(register, value, status))
    return found


def registers_in(meter: "Profile", asked: "Question") -> "list[tuple[int, ModbusRegister]]":
    """(byte in the answer, register) of every register of interest that a request covers whole."""
    return [(at, register) for at, register, _, _ in _placed(meter, asked)]


def _plan(meter: "Profile", question: bytes) -> "Plan":
    asked = parse_question(question)
    placed = _placed(meter, asked)
    if len(_plans) >= PLANS_MAX:
        _plans.clear()
    plan = _plans[meter, question[asked.at :]] = asked, placed
    return plan


def _placed(meter: "Profile", asked: "Question") -> "list[Placed]":
    function = READ_HOLDING_REGISTERS if asked.function == READ_AND_WRITE else asked.function
    if function > READ_INPUT_REGISTERS:
        raise FrameError(f"an answer to function {function} holds no registers", asked.at + 1)
    data_at = asked.at + DATA_AT
    inside: list[Placed] = []
    for register in meter.places:
        if register.function != function:
            continue
        if not _is_within(asked, register.address, register.kind):
            continue
        if not all(_is_within(asked, term.address, term.kind) for term in register.terms):
            continue
        words = register.address - asked.start
        if function <= READ_DISCRETE_INPUTS:
            inside.append((data_at + words // 8, register, words % 8, 0))
        else:
            at = data_at + 2 * words
            inside.append((at, register, 0, at + _FLOAT32_BYTES if _is_plain(register) else 0))
    return sorted(inside, key=_position)


def _is_plain(register: "ModbusRegister") -> bool:
    """Whether it is a float32 in the standard's order, with nothing else to look at."""
    orders = (register.word_order, register.byte_order)
    return (
        register.kind == "float32"
        and orders == ("big", "big")
        and register.absent is None
        and not register.terms
        and not register.mask
    )


def _is_within(asked: "Question", address: int, kind: str) -> bool:
    return 0 <= address - asked.start <= asked.span - REGISTERS_OF[kind]


def _position(placed: "Placed") -> tuple[int, int]:
    return placed[0], placed[2]


def _value(
    register: "ModbusRegister", answer: bytes, at: int, bit: int
) -> "tuple[int | None, str]":
    kind = register.kind
    if kind == "bit":
        return answer[at] >> bit & 1, "ok"
    raw = raw_value(answer, at, kind, register.word_order, register.byte_order)
    if raw == register.absent:
        return None, NOT_FITTED
    if register.terms or register.mask:
        value = _combined(register, answer, at, raw)
    else:
        value = number_of(raw, kind, register.quantum)
    return value, NOT_A_NUMBER if value is None else "ok"


def _combined(register: "ModbusRegister", answer: bytes, at: int, raw: int) -> "int | None":
    """The number of a register that is part of its words, or of several places' words together."""
    if register.mask:
        raw &= register.mask
        # The lowest bit of the mask: down to where it counts 1.
        raw //= register.mask & -register.mask
    parts = [(register.kind, register.factor, raw)]
    for term in register.terms:
        term_at = at + 2 * (term.address - register.address)
        words = raw_value(answer, term_at, term.kind, register.word_order, register.byte_order)
        parts.append((term.kind, term.factor, words))
    # Whole numbers beside a fraction count in its steps.
    has_fraction = any(kind in FLOATS for kind, _, _ in parts)
    step = 10**-register.quantum if has_fraction and register.quantum < 0 else 1
    total = 0
    for kind, factor, words in parts:
        number = number_of(words, kind, register.quantum)
        if number is None:
            return None
        total += factor * (number if kind in FLOATS else number * step)
    return total


def _reading(register: "ModbusRegister", value: "int | None", status: str) -> Reading:
    return Reading(
        register.quantity,
        value,
        register.exponent,
        register.unit,
        register.storage,
        register.tariff,
        0,
        "instantaneous",
        status,
        "",
    )
