"""Values in the words of a Modbus answer: exact integers, no floats.

A register is one word, two bytes. The standard sends the high byte first and says nothing of values
that take several words; makers do as they like:

    word order   byte order   1234 5678h is sent as
    big          big          12 34 56 78    ABCD
    little       big          56 78 12 34    CDAB
    big          little       34 12 78 56    BADC
    little       little       78 56 34 12    DCBA
"""

from typing import TYPE_CHECKING

from nuan_protocols import bcd
from nuan_protocols.errors import RecordError
from nuan_protocols.ieee754 import quantised32, quantised64
from nuan_protocols.modbus.rtu import READ_DISCRETE_INPUTS, READ_HOLDING_REGISTERS, data_bytes

if TYPE_CHECKING:
    from nuan_protocols.checksum import Buffer

# Where the data of an RTU answer begins; TCP's header puts it TCP_SHIFT bytes further back.
DATA_AT = 3

# Registers that a value takes; "bit" is one of function 1 or 2. BCD has two digits a byte, F in the
# highest for a minus; bcd24, six digits, doesn't look at the high byte of its two registers.
REGISTERS_OF = {
    "bit": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "float64": 4,
    "bcd16": 1,
    "bcd24": 2,
    "bcd32": 2,
    "bcd48": 3,
}
FLOATS = ("float32", "float64")

_BCD24_BYTES = 3


def registers(response: "Buffer") -> list[int]:
    """All registers of a checked RTU answer to function 3, 4 or 23, as unsigned integers."""
    if response[1] < READ_HOLDING_REGISTERS or response[1] & 0x80:
        raise RecordError(f"an answer to function {response[1]:#04x} holds no registers", 1)
    return [response[at] << 8 | response[at + 1] for at in range(DATA_AT, DATA_AT + response[2], 2)]


def bits(response: "Buffer", count: int) -> list[int]:
    """The first `count` bits (0 or 1) of a checked RTU answer to function 1 or 2."""
    if response[1] > READ_DISCRETE_INPUTS or data_bytes(response[1], count) != response[2]:
        raise RecordError(f"the answer to function {response[1]:#04x} holds not {count} bits", 1)
    return [response[DATA_AT + index // 8] >> index % 8 & 1 for index in range(count)]


def raw_value(
    data: "Buffer", at: int, kind: str, word_order: str = "big", byte_order: str = "big"
) -> int:
    """The integer at byte `at`; for floats and BCD their raw bits. RecordError past the end."""
    words = REGISTERS_OF[kind]
    raw = bytes(data[at : at + 2 * words])
    if len(raw) != 2 * words:
        raise RecordError(f"{kind} takes {2 * words} bytes, there are {len(raw)} left", at)
    if words > 1 and word_order != byte_order:
        raw = b"".join([raw[end - 2 : end] for end in range(2 * words, 0, -2)])
    value = int.from_bytes(raw, "little" if byte_order == "little" else "big")
    if kind[0] == "i" and value >> (16 * words - 1):
        value -= 1 << 16 * words
    return value


def scaled_value(
    data: "Buffer",
    at: int,
    kind: str,
    exponent: int = 0,
    word_order: str = "big",
    byte_order: str = "big",
) -> int | None:
    """The value at byte `at` in units of 10**exponent of the register's own unit.

    An integer or BCD register counts in that unit already; a float is rounded half to even from its
    exact value. None for a float that is no number, and for BCD with digits above 9.
    """
    return number_of(raw_value(data, at, kind, word_order, byte_order), kind, exponent)


def number_of(raw: int, kind: str, exponent: int) -> int | None:
    """The number that raw_value's bits stand for; as scaled_value."""
    if kind == "float32":
        return quantised32(raw, exponent)
    if kind == "float64":
        return quantised64(raw, exponent)
    if kind[0] != "b":
        return raw
    size = _BCD24_BYTES if kind == "bcd24" else 2 * REGISTERS_OF[kind]
    return bcd.integer((raw & ((1 << 8 * size) - 1)).to_bytes(size, "little"))
