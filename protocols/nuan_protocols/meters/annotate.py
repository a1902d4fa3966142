"""Every byte of an exchange with a meter, named with what its model makes of it."""

from typing import TYPE_CHECKING

from nuan_protocols.mbus import annotate as mbus_annotate
from nuan_protocols.meters.modbus_readings import modbus_readings, registers_in
from nuan_protocols.modbus import annotate as modbus_annotate
from nuan_protocols.modbus.registers import REGISTERS_OF
from nuan_protocols.modbus.rtu import exception_code, parse_request

if TYPE_CHECKING:
    from nuan_protocols.meters.profile import Profile
    from nuan_protocols.modbus.annotate import Group


def question_groups(meter: "Profile", question: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of the question. Raises FrameError."""
    if meter.protocol == "mbus":
        return mbus_annotate.byte_groups(question)
    return modbus_annotate.request_groups(question)


def answer_groups(meter: "Profile", question: bytes, answer: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of the answer to a question. Raises FrameError."""
    if meter.protocol == "mbus":
        return mbus_annotate.byte_groups(answer)
    groups = modbus_annotate.byte_groups(question, answer)
    if exception_code(answer) is not None:
        return groups
    _, function, start, count = parse_request(question)
    named: dict[int, Group] = {}
    placed = registers_in(meter, function, start, count)
    readings = modbus_readings(meter, question, answer)
    for index in range(len(placed)):
        at, place = placed[index]
        meaning = f"{place.kind} {place.quantity}: {mbus_annotate.value_text(readings[index])}"
        named[at] = (at, 2 * REGISTERS_OF[place.kind], f"register {place.address:04X}h", meaning)
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
