"""Values in the registers of a Modbus answer: exact integers, no floats.

A register is two bytes, the high one first. Which of two registers holds the high word differs by
maker: "big" (high word first, ABCD) or "little" (low word first, CDAB).
"""

from typing import TYPE_CHECKING

from nuan_protocols.errors import RecordError
from nuan_protocols.ieee754 import quantised32
from nuan_protocols.modbus.rtu import READ_HOLDING_REGISTERS, data_bytes

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

DATA_AT = 3

REGISTERS_OF = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2}


def registers(response: "Buffer") -> list[int]:
    """All registers of a checked answer to function 3 or 4, as unsigned 16-bit integers."""
    if response[1] < READ_HOLDING_REGISTERS or response[1] & 0x80:
        raise RecordError(f"an answer to function {response[1]:#04x} holds no registers", 1)
    return [response[at] << 8 | response[at + 1] for at in range(DATA_AT, DATA_AT + response[2], 2)]


def bits(response: "Buffer", count: int) -> list[int]:
    """The first `count` bits (0 or 1) of a checked answer to function 1 or 2."""
    if response[1] >= READ_HOLDING_REGISTERS or data_bytes(response[1], count) != response[2]:
        raise RecordError(f"the answer to function {response[1]:#04x} holds not {count} bits", 1)
    return [response[DATA_AT + index // 8] >> index % 8 & 1 for index in range(count)]


def raw_value(data: "Buffer", at: int, kind: str, word_order: str = "big") -> int:
    """The integer at byte `at`; for "float32" its 32 raw bits."""
    value = data[at] << 8 | data[at + 1]
    if REGISTERS_OF[kind] == 1:
        return value - 0x10000 if kind == "int16" and value & 0x8000 else value
    other = data[at + 2] << 8 | data[at + 3]
    value = value << 16 | other if word_order == "big" else other << 16 | value
    return value - 0x1_0000_0000 if kind == "int32" and value & 0x8000_0000 else value


def scaled_value(
    data: "Buffer", at: int, kind: str, exponent: int = 0, word_order: str = "big"
) -> int | None:
    """The value at byte `at` in units of 10**exponent of the register's own unit.

    An integer register counts in that unit already; a float32 is rounded half to even from its
    exact value. None for a float that is no number.
    """
    raw = raw_value(data, at, kind, word_order)
    return quantised32(raw, exponent) if kind == "float32" else raw
