"""What is known about a meter model: how to ask it, and which registers matter.

A model's file declares one PROFILE. An M-Bus telegram names its own registers, so an M-Bus profile
says which of them matter; a Modbus answer is bare words, so a Modbus profile says where each
register stands and what it counts.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class Register(NamedTuple):
        """A register of interest, told apart from a meter's others by all five."""

        quantity: str
        storage: int
        tariff: int
        subunit: int
        function: str

    class ModbusRegister(NamedTuple):
        """A register of interest in a Modbus map.

        function, address   read function (3, 4) and wire address of its first word
        kind, word_order    of modbus/registers.py
        quantum   exponent of the step kept of a float32, in the register's own unit; 0 for integers
        exponent  value = integer * 10**exponent in `unit`
        """

        function: int
        address: int
        kind: str
        word_order: str
        quantum: int
        quantity: str
        exponent: int
        unit: str

    class Resolution(NamedTuple):
        """One step of the billing register: integer * 10**exponent in `unit`."""

        integer: int
        exponent: int
        unit: str

else:
    from collections import namedtuple

    Register = namedtuple("Register", ("quantity", "storage", "tariff", "subunit", "function"))
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
        ),
    )
    Resolution = namedtuple("Resolution", ("integer", "exponent", "unit"))


class Profile:
    """A meter model.

    name        what a site file calls it
    title       what people call it
    protocol    "mbus" | "modbus"
    version     raised whenever a change would read the same bytes differently
    registers   the registers of interest
    places      where they stand in a Modbus meter's map; empty for M-Bus
    billing     the register that bills are made from; None for a model that bills nothing
    reads       Modbus requests (function, start, count); empty for M-Bus
    resolution  one step of the billing register; None: the telegram's own exponent says it
    rollover    steps after which the billing register begins at 0 again; None: not known
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        protocol: str,
        version: int,
        billing: "Register | None",
        registers: "tuple[Register, ...]" = (),
        places: "tuple[ModbusRegister, ...]" = (),
        reads: "tuple[tuple[int, int, int], ...]" = (),
        resolution: "Resolution | None" = None,
        rollover: "int | None" = None,
    ) -> None:
        self.name = name
        self.title = title
        self.protocol = protocol
        self.version = version
        self.registers = registers or tuple(current(place.quantity) for place in places)
        self.places = places
        self.billing = billing
        self.reads = reads
        self.resolution = resolution
        self.rollover = rollover


def current(quantity: str) -> Register:
    """The current total of a quantity: storage 0, tariff 0, main device, instantaneous."""
    return Register(quantity, 0, 0, 0, "instantaneous")


def float32(
    function: int, address: int, quantum: int, quantity: str, exponent: int, unit: str
) -> ModbusRegister:
    """A float32 register, high word first, kept to 10**quantum of what it counts.

    `exponent` is what one of its own units is in `unit`: 3 for kWh in Wh.
    """
    return ModbusRegister(
        function, address, "float32", "big", quantum, quantity, quantum + exponent, unit
    )


def int16(function: int, address: int, quantity: str, exponent: int, unit: str) -> ModbusRegister:
    """A signed 16-bit register that counts 10**exponent of `unit`."""
    return ModbusRegister(function, address, "int16", "big", 0, quantity, exponent, unit)


def uint16(function: int, address: int, quantity: str, exponent: int, unit: str) -> ModbusRegister:
    """An unsigned 16-bit register that counts 10**exponent of `unit`."""
    return ModbusRegister(function, address, "uint16", "big", 0, quantity, exponent, unit)
