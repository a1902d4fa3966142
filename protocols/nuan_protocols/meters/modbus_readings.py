"""Readings in a Modbus answer: the question says which registers it holds."""

from typing import TYPE_CHECKING

from nuan_protocols.modbus.annotate import exception_name
from nuan_protocols.modbus.registers import DATA_AT, REGISTERS_OF, scaled_value
from nuan_protocols.modbus.rtu import check_answer, exception_code, parse_request
from nuan_protocols.reading import Reading

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.meters.profile import ModbusRegister, Profile

    # Unit, function, count, and each register with its byte in the answer.
    Plan: TypeAlias = tuple[int, int, int, list[tuple[int, ModbusRegister]]]

PLANS_MAX = 4096

# A meter is asked the same few questions for ever.
_plans: "dict[tuple[str, bytes], Plan]" = {}


def modbus_readings(meter: "Profile", question: bytes, answer: bytes) -> list[Reading]:
    """Readings of all registers of interest that the question asked for, in the answer's order.

    An exception answer makes them unreadable, each with the reason. Raises FrameError.
    """
    key = (meter.name, question)
    plan = _plans.get(key)
    if plan is None:
        plan = _plan(meter, question)
        if len(_plans) >= PLANS_MAX:
            _plans.clear()
        _plans[key] = plan
    unit, function, count, registers = plan
    check_answer(unit, function, count, answer)
    code = exception_code(answer)
    if code is not None:
        status = f"unreadable:{exception_name(code)}"
        return [_reading(register, None, status) for _, register in registers]
    found: list[Reading] = []
    for at, register in registers:
        value = scaled_value(answer, at, register.kind, register.quantum, register.word_order)
        status = "ok" if value is not None else "unreadable:not a number"
        found.append(_reading(register, value, status))
    return found


def registers_in(
    meter: "Profile", function: int, start: int, count: int
) -> "list[tuple[int, ModbusRegister]]":
    """(byte in the answer, register) of every register of interest that a request covers whole."""
    inside: list[tuple[int, ModbusRegister]] = []
    for register in meter.places:
        words = register.address - start
        if register.function == function and 0 <= words <= count - REGISTERS_OF[register.kind]:
            inside.append((DATA_AT + 2 * words, register))
    return sorted(inside, key=_position)


def _plan(meter: "Profile", question: bytes) -> "Plan":
    unit, function, start, count = parse_request(question)
    return unit, function, count, registers_in(meter, function, start, count)


def _position(placed: "tuple[int, ModbusRegister]") -> int:
    return placed[0]


def _reading(register: "ModbusRegister", value: "int | None", status: str) -> Reading:
    return Reading(
        register.quantity,
        value,
        register.exponent,
        register.unit,
        0,
        0,
        0,
        "instantaneous",
        status,
        "",
    )
