"""Every byte of an exchange with a meter, named with what its model makes of it."""

from typing import TYPE_CHECKING

from nuan_protocols.reading import value_text

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.meters.profile import Profile

    # Offset, length, name, what the bytes mean.
    Group: TypeAlias = tuple[int, int, str, str]


def question_groups(meter: "Profile", question: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of the question. Raises FrameError."""
    if meter.protocol == "modbus":
        from nuan_protocols.modbus.annotate import request_groups

        return request_groups(question)
    if meter.protocol == "onewire":
        from nuan_protocols.meters.onewire_readings import question_bytes

        return question_bytes(question)
    return _frame_groups(meter, question)


def answer_groups(meter: "Profile", question: bytes, answer: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of the answer to a question. Raises FrameError."""
    if meter.protocol == "modbus":
        return _modbus_groups(meter, question, answer)
    if meter.protocol == "onewire":
        from nuan_protocols.meters.onewire_readings import scratchpad_bytes

        return scratchpad_bytes(meter, question, answer)
    return _frame_groups(meter, answer)


def _frame_groups(meter: "Profile", frame: bytes) -> "list[Group]":
    """Of a frame that says by itself what it holds."""
    if meter.protocol == "mbus":
        from nuan_protocols.mbus import annotate as mbus

        return mbus.byte_groups(frame)
    if meter.protocol == "cjt188":
        from nuan_protocols.cjt188 import annotate as cjt188
        from nuan_protocols.cjt188.dialects import DIALECTS

        return cjt188.byte_groups(frame, DIALECTS[meter.dialect])
    from nuan_protocols.dlt645 import annotate as dlt645

    return dlt645.byte_groups(frame)


def _modbus_groups(meter: "Profile", question: bytes, answer: bytes) -> "list[Group]":
    from nuan_protocols.meters.modbus_readings import modbus_readings, registers_in
    from nuan_protocols.modbus.annotate import byte_groups
    from nuan_protocols.modbus.exchange import exception_in, parse_question
    from nuan_protocols.modbus.registers import REGISTERS_OF
    from nuan_protocols.modbus.rtu import READ_DISCRETE_INPUTS

    groups = byte_groups(question, answer)
    asked = parse_question(question)
    # Bits have no bytes of their own.
    if exception_in(asked, answer) is not None or asked.function <= READ_DISCRETE_INPUTS:
        return groups
    named: dict[int, Group] = {}
    placed = registers_in(meter, asked)
    readings = modbus_readings(meter, question, answer)
    for index in range(len(placed)):
        at, place = placed[index]
        name = f"register {place.address:04X}h"
        meaning = f"{place.kind} {place.quantity}: {value_text(readings[index])}"
        named[at] = (at, 2 * REGISTERS_OF[place.kind], name, meaning)
        for term in place.terms:
            further = at + 2 * (term.address - place.address)
            part = f"{term.kind} {place.quantity}, in the value of register {place.address:04X}h"
            size = 2 * REGISTERS_OF[term.kind]
            named[further] = (further, size, f"register {term.address:04X}h", part)
    return _merged(groups, named)


def _merged(groups: "list[Group]", named: "dict[int, Group]") -> "list[Group]":
    """The groups with those of a known register's words replaced by one for the register."""
    merged: list[Group] = []
    end = 0
    for group in groups:
        if group[0] >= end:
            better = named.get(group[0], group)
            merged.append(better)
            end = better[0] + better[1]
    return merged
