"""Every byte of a Modbus request and its answer, named."""

from typing import TYPE_CHECKING

from nuan_protocols.modbus.rtu import (
    READ_DISCRETE_INPUTS,
    check_response,
    exception_code,
    parse_request,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from nuan_protocols.checksum import Buffer

    Group: TypeAlias = tuple[int, int, str, str]

FUNCTION_NAMES = {
    1: "read coils",
    2: "read discrete inputs",
    3: "read holding registers",
    4: "read input registers",
}

EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still working",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}


def exception_name(code: int) -> str:
    """What an exception code means, in the specification's words."""
    return EXCEPTION_NAMES.get(code, f"unknown exception {code}")


def request_groups(request: "Buffer") -> "list[Group]":
    """(offset, length, name, meaning) of a checked read request. Raises FrameError."""
    unit, function, start, count = parse_request(request)
    return [
        (0, 1, "unit", f"meter {unit} is asked"),
        (1, 1, "function", FUNCTION_NAMES[function]),
        (2, 2, "start", f"wire address {start} ({start:04X}h)"),
        (4, 2, "count", f"{count} {_things(function)}"),
        (6, 2, "crc", "checked, low byte first"),
    ]


def byte_groups(request: "Buffer", response: "Buffer") -> "list[Group]":
    """(offset, length, name, meaning) of a checked answer to `request`. Raises FrameError."""
    unit, function, start, count = parse_request(request)
    check_response(request, response)
    groups: list[Group] = [(0, 1, "unit", f"meter {unit} answers")]
    code = exception_code(response)
    if code is not None:
        groups.append((1, 1, "function", f"exception to {FUNCTION_NAMES[function]}"))
        groups.append((2, 1, "exception", exception_name(code)))
    else:
        groups.append((1, 1, "function", FUNCTION_NAMES[function]))
        groups.append((2, 1, "length", f"{response[2]} data bytes"))
        if function <= READ_DISCRETE_INPUTS:
            groups.append((3, response[2], "bits", f"{count} from address {start}"))
        else:
            groups.extend(_registers(response, start, count))
    groups.append((len(response) - 2, 2, "crc", "checked, low byte first"))
    return groups


def _registers(response: "Buffer", start: int, count: int) -> "list[Group]":
    return [
        (
            3 + 2 * index,
            2,
            f"register {start + index:04X}h",
            str(response[3 + 2 * index] << 8 | response[4 + 2 * index]),
        )
        for index in range(count)
    ]


def _things(function: int) -> str:
    return "bits" if function <= READ_DISCRETE_INPUTS else "registers"
