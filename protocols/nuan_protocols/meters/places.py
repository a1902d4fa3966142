"""Where a Modbus meter keeps a register, and how its words become an exact integer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class Term(NamedTuple):
        """A further part of a register: its value times `factor` is added.

        function, word order, byte order and quantum are those of the register itself.
        """

        address: int
        kind: str
        factor: int

    class ModbusRegister(NamedTuple):
        """A register of interest in a Modbus map.

        function, address   read function (1..4) and wire address of its first word (or bit)
        kind, word_order    of modbus/registers.py; word_order "big" | "little": high or low first
        quantum   exponent of the step kept of a float, in the register's own unit; 0 for integers
        exponent  value = integer * 10**exponent in `unit`
        byte_order   of the two bytes of each word: "big" as the standard has it | "little"
        factor    the number the words hold counts this often; 1 unless `terms` share a register
        terms     the parts beyond the first: whole number here, fraction there
        absent    the raw words with which a meter says that it has no such register; None: none
        storage, tariff   as in Reading
        mask      bits of an integer's words that are the number, its lowest counting 1; 0: all
        """

        function: int
        address: int
        kind: str
        word_order: str
        quantum: int
        quantity: str
        exponent: int
        unit: str
        byte_order: str
        factor: int
        terms: "tuple[Term, ...]"
        absent: "int | None"
        storage: int
        tariff: int
        mask: int

else:
    from collections import namedtuple

    Term = namedtuple("Term", ("address", "kind", "factor"))
    ModbusRegister = namedtuple(
        "ModbusRegister",
        (
            "function",
            "address",
            "kind",
            "word_order",
            "quantum",
            "quantity",
            "exponent",
            "unit",
            "byte_order",
            "factor",
            "terms",
            "absent",
            "storage",
            "tariff",
            "mask",
        ),
    )


def place(
    function: int,
    address: int,
    kind: str,
    quantity: str,
    exponent: int,
    unit: str,
    *,
    quantum: int = 0,
    word_order: str = "big",
    byte_order: str = "big",
    factor: int = 1,
    terms: "tuple[Term, ...]" = (),
    absent: "int | None" = None,
    storage: int = 0,
    tariff: int = 0,
    mask: int = 0,
) -> ModbusRegister:
    """A register of any kind that counts 10**exponent of `unit`, kept to 10**quantum of that.

    Only a float, and whole numbers with a float among their terms, have a quantum.
    """
    return ModbusRegister(
        function,
        address,
        kind,
        word_order,
        quantum,
        quantity,
        quantum + exponent,
        unit,
        byte_order,
        factor,
        terms,
        absent,
        storage,
        tariff,
        mask,
    )


def float32(
    function: int,
    address: int,
    quantum: int,
    quantity: str,
    exponent: int,
    unit: str,
    word_order: str = "big",
) -> ModbusRegister:
    """A float32 register kept to 10**quantum of what it counts, as it is, high word first.

    `exponent` is what one of its own units is in `unit`: 3 for kWh in Wh.
    """
    return place(
        function,
        address,
        "float32",
        quantity,
        exponent,
        unit,
        quantum=quantum,
        word_order=word_order,
    )


def int16(function: int, address: int, quantity: str, exponent: int, unit: str) -> ModbusRegister:
    """A signed 16-bit register that counts 10**exponent of `unit`."""
    return place(function, address, "int16", quantity, exponent, unit)


def uint16(function: int, address: int, quantity: str, exponent: int, unit: str) -> ModbusRegister:
    """An unsigned 16-bit register that counts 10**exponent of `unit`."""
    return place(function, address, "uint16", quantity, exponent, unit)
