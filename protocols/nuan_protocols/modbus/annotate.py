"""Every byte of a Modbus request and its answer, named; RTU and TCP, all functions."""

from typing import TYPE_CHECKING

from nuan_protocols.modbus.exceptions import exception_name
from nuan_protocols.modbus.exchange import check_answer, exception_in, parse_question
from nuan_protocols.modbus.functions import WRITE_COILS, WRITE_REGISTER
from nuan_protocols.modbus.identification import (
    CODE_NAMES,
    ENCAPSULATED,
    identification,
    object_name,
)
from nuan_protocols.modbus.rtu import (
    CRC_BYTES,
    READ_AND_WRITE,
    READ_DISCRETE_INPUTS,
    READ_INPUT_REGISTERS,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.modbus.exchange import Question

    Group: TypeAlias = tuple[int, int, str, str]

FUNCTION_NAMES = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
    5: "write one coil",
    6: "write one register",
    15: "write coils",
    16: "write registers",
    23: "read and write registers",
    43: "read device identification",
}

_MORE = 0xFF


def request_groups(request: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of a request. Raises FrameError."""
    asked = parse_question(request)
    at, function = asked.at, asked.function
    groups = _header(request, asked)
    groups.append((at, 1, "unit", _asked_unit(asked)))
    groups.append((at + 1, 1, "function", FUNCTION_NAMES[function]))
    if function == ENCAPSULATED:
        groups.append((at + 2, 1, "type", "device identification"))
        groups.append((at + 3, 1, "read code", CODE_NAMES[asked.start]))
        groups.append((at + 4, 1, "first object", object_name(asked.span)))
    elif READ_INPUT_REGISTERS < function <= WRITE_REGISTER:
        groups.extend(_written_one(request, asked))
    else:
        groups.append((at + 2, 2, "start", _address(asked.start)))
        groups.append((at + 4, 2, "count", f"{asked.span} {_things(function)}"))
        if function > READ_INPUT_REGISTERS:
            groups.extend(_written(request, asked))
    return _closed(groups, request, asked)


def byte_groups(request: bytes, response: bytes) -> "list[Group]":
    """(offset, length, name, meaning) of a whole answer to `request`. Raises FrameError."""
    asked = parse_question(request)
    check_answer(asked, request, response)
    at, function = asked.at, asked.function
    groups = _header(response, asked)
    groups.append((at, 1, "unit", f"meter {asked.unit} answers"))
    code = exception_in(asked, response)
    if code is not None:
        groups.append((at + 1, 1, "function", f"exception to {FUNCTION_NAMES[function]}"))
        groups.append((at + 2, 1, "exception", exception_name(code)))
        return _closed(groups, response, asked)
    groups.append((at + 1, 1, "function", FUNCTION_NAMES[function]))
    if function == ENCAPSULATED:
        groups.extend(_identification(response, asked))
    elif READ_INPUT_REGISTERS < function <= WRITE_REGISTER:
        groups.extend(_written_one(response, asked))
    elif function > READ_INPUT_REGISTERS and function != READ_AND_WRITE:
        groups.append((at + 2, 2, "start", _address(asked.start)))
        groups.append((at + 4, 2, "count", f"{asked.span} {_things(function)} written"))
    else:
        size = response[at + 2]
        groups.append((at + 2, 1, "length", f"{size} data bytes"))
        if function <= READ_DISCRETE_INPUTS:
            groups.append((at + 3, size, "bits", f"{asked.span} from address {asked.start}"))
        else:
            groups.extend(_registers(response, at + 3, asked.start, asked.span))
    return _closed(groups, response, asked)


def _header(frame: bytes, asked: "Question") -> "list[Group]":
    if not asked.at:
        return []
    return [
        (0, 2, "transaction", str(frame[0] << 8 | frame[1])),
        (2, 2, "protocol", "Modbus"),
        (4, 2, "length", f"{len(frame) - asked.at} bytes follow"),
    ]


def _closed(groups: "list[Group]", frame: bytes, asked: "Question") -> "list[Group]":
    if not asked.at:
        groups.append((len(frame) - CRC_BYTES, CRC_BYTES, "crc", "checked, low byte first"))
    return groups


def _registers(frame: bytes, at: int, start: int, count: int) -> "list[Group]":
    return [
        (
            at + 2 * index,
            2,
            f"register {start + index:04X}h",
            str(frame[at + 2 * index] << 8 | frame[at + 2 * index + 1]),
        )
        for index in range(count)
    ]


def _written_one(frame: bytes, asked: "Question") -> "list[Group]":
    at = asked.at
    value = frame[at + 4] << 8 | frame[at + 5]
    meaning = str(value)
    if asked.function != WRITE_REGISTER:
        meaning = "on" if value else "off"
    return [
        (at + 2, 2, "address", _address(asked.start)),
        (at + 4, 2, "value", meaning),
    ]


def _written(request: bytes, asked: "Question") -> "list[Group]":
    """What functions 15, 16 and 23 write, behind the six bytes they begin with."""
    groups: list[Group] = []
    at, start, count = asked.at + 6, asked.start, asked.span
    if asked.function == READ_AND_WRITE:
        start, count = request[at] << 8 | request[at + 1], request[at + 2] << 8 | request[at + 3]
        groups.append((at, 2, "write start", _address(start)))
        groups.append((at + 2, 2, "write count", f"{count} registers"))
        at += 4
    size = request[at]
    groups.append((at, 1, "length", f"{size} data bytes"))
    if asked.function == WRITE_COILS:
        groups.append((at + 1, size, "bits", f"{count} from address {start}"))
    else:
        groups.extend(_registers(request, at + 1, start, count))
    return groups


def _identification(response: bytes, asked: "Question") -> "list[Group]":
    at = asked.at
    found = identification(response, at)
    more = "more follows" if response[at + 5] == _MORE else "nothing follows"
    groups = [
        (at + 2, 1, "type", "device identification"),
        (at + 3, 1, "read code", CODE_NAMES[asked.start]),
        (at + 4, 1, "conformity", f"{CODE_NAMES[response[at + 4] & 3]} identification"),
        (at + 5, 1, "more", more),
        (at + 6, 1, "next object", str(response[at + 6])),
        (at + 7, 1, "objects", str(response[at + 7])),
    ]
    at += 8
    for number, text in found.objects:
        groups.append((at, 1, "object", object_name(number)))
        groups.append((at + 1, 1, "length", f"{len(text)} bytes"))
        if text:
            groups.append((at + 2, len(text), "text", _clear(text)))
        at += 2 + len(text)
    return groups


def _clear(text: bytes) -> str:
    """ASCII as it is, other bytes as question marks: devices send what they like."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in text])


def _asked_unit(asked: "Question") -> str:
    if asked.unit == 0 and not asked.at:
        return "all meters are told"
    return f"meter {asked.unit} is asked"


def _address(start: int) -> str:
    return f"wire address {start} ({start:04X}h)"


def _things(function: int) -> str:
    return "bits" if function in (1, 2, WRITE_COILS) else "registers"
