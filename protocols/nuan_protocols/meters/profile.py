"""What is known about a meter model: how to ask it, which registers matter, what its bits mean.

A model's file declares one PROFILE. An M-Bus telegram names its own registers, so an M-Bus profile
says which of them matter; a Modbus answer is bare words, so a Modbus profile says where each
register stands and what it counts. How to add a model: README.md beside this file.
"""

from typing import TYPE_CHECKING

from nuan_protocols.meters.places import ModbusRegister, Term, float32, int16, place, uint16

if TYPE_CHECKING:
    from typing import NamedTuple

    from nuan_protocols.meters.status import Flag, Setting
    from nuan_protocols.quantity import Unit

    class Register(NamedTuple):
        """A register of interest, told apart from a meter's others by all five."""

        quantity: str
        storage: int
        tariff: int
        subunit: int
        function: str

    class Resolution(NamedTuple):
        """One step of the billing register: integer * 10**exponent in `unit`."""

        integer: int
        exponent: int
        unit: str

    class Cost(NamedTuple):
        """What a reading costs a meter with a battery. 0: the maker doesn't say.

        interval_s   least time between two readings; a sooner one it leaves unanswered
        per_day      readings a day that the battery's stated life allows
        settlement   registers it stores by itself, for whoever can't read it often
        """

        interval_s: int
        per_day: int
        settlement: "tuple[Register, ...]"

    class ShortTelegram(NamedTuple):
        """An M-Bus meter's second telegram, which costs less: without totals, as a rule.

        reset        application reset sub-code that selects it
        interval_s   least time between two readings of it; 0: the maker doesn't say
        billing      whether it holds the billing register
        """

        reset: int
        interval_s: int
        billing: bool

    class Limits(NamedTuple):
        """What one Modbus request to the device may span.

        words   registers in one request
        gap     registers nobody wants that may be read along to save a request; 0: none, for a
                device that refuses a request touching an address it doesn't have
        """

        words: int
        gap: int

else:
    from collections import namedtuple

    Register = namedtuple("Register", ("quantity", "storage", "tariff", "subunit", "function"))
    Resolution = namedtuple("Resolution", ("integer", "exponent", "unit"))
    Cost = namedtuple("Cost", ("interval_s", "per_day", "settlement"))
    ShortTelegram = namedtuple("ShortTelegram", ("reset", "interval_s", "billing"))
    Limits = namedtuple("Limits", ("words", "gap"))

PROTOCOLS = ("mbus", "modbus", "cjt188", "dlt645", "onewire")
T_HEAT = 0x20

__all__ = (
    "PROTOCOLS",
    "T_HEAT",
    "Cost",
    "Limits",
    "ModbusRegister",
    "Profile",
    "Register",
    "Resolution",
    "ShortTelegram",
    "Term",
    "current",
    "float32",
    "int16",
    "place",
    "settled",
    "uint16",
)


class Profile:
    """A meter model.

    name        what a site file calls it
    title       what people call it
    protocol    "mbus" | "modbus" | "cjt188" | "dlt645" | "onewire"
    version     raised whenever a change would read the same bytes differently
    registers   the registers of interest
    places      where they stand in a Modbus meter's map; empty for the others
    billing     the register that bills are made from; None for a model that bills nothing
    reads       what to ask for: Modbus (function, start, count), CJ/T 188 (control, di0, di1) in
                wire order, DL/T 645 (control, di, 0), one-wire (command, first byte, bytes);
                empty for M-Bus. A Modbus profile that names none gets the fewest that cover its
                places within `limits`
    resolution  one step of the billing register; None: the telegram's own exponent says it
    rollover    steps after which the billing register begins at 0 again; None: not known
    flags       what status bits mean (status.py); other bits are shown by number
    settings    what the profile takes for granted of the meter's settings; status() says where not
    units       the maker's own units, beyond those of quantity.py
    cost        what reading costs; None: not known to cost anything
    reset       M-Bus: application reset sub-code to send before each reading; None: send none
    short       M-Bus: the telegram to ask for where a reading costs too much; None: no such one
    limits      what one Modbus request may span
    dialect     CJ/T 188: name of a dialect of cjt188/dialects.py to begin with
    meter_type  CJ/T 188: T of the question
    aliases     M-Bus: (register as the telegram names it, register as it is read)
    repeats     M-Bus: (quantity, new names in order) of registers a telegram holds several times
                without telling them apart
    magnitudes  M-Bus: (quantity, bits) of integers sent as sign and magnitude
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
        flags: "tuple[Flag, ...]" = (),
        settings: "tuple[Setting, ...]" = (),
        units: "tuple[Unit, ...]" = (),
        cost: "Cost | None" = None,
        reset: "int | None" = None,
        short: "ShortTelegram | None" = None,
        limits: "Limits | None" = None,
        dialect: str = "standard",
        meter_type: int = T_HEAT,
        aliases: "tuple[tuple[Register, Register], ...]" = (),
        repeats: "tuple[tuple[str, tuple[str, ...]], ...]" = (),
        magnitudes: "tuple[tuple[str, int], ...]" = (),
    ) -> None:
        self.name = name
        self.title = title
        self.protocol = protocol
        self.version = version
        self.registers = registers or tuple(
            Register(p.quantity, p.storage, p.tariff, 0, "instantaneous") for p in places
        )
        self.places = places
        self.billing = billing
        self.reads = reads or _covering(places, limits)
        self.resolution = resolution
        self.rollover = rollover
        self.flags = flags
        self.settings = settings
        self.units = units
        self.cost = cost
        self.reset = reset
        self.short = short
        self.limits = limits
        self.dialect = dialect
        self.meter_type = meter_type
        self.aliases = aliases
        self.repeats = repeats
        self.magnitudes = magnitudes

    def own_unit(self, quantity: str, unit: str) -> "Unit | None":
        """The maker's own unit of that name for a quantity; None where it is one of quantity.py."""
        # The vocabulary itself stays off the board's heap.
        name = quantity.split(":", 1)[0]
        for own in self.units:
            if own.name == unit and own.quantity == name:
                return own
        return None


def _covering(
    places: "tuple[ModbusRegister, ...]", limits: "Limits | None"
) -> "tuple[tuple[int, int, int], ...]":
    if not places:
        return ()
    from nuan_protocols.modbus.blocks import block_reads
    from nuan_protocols.modbus.registers import REGISTERS_OF
    from nuan_protocols.modbus.rtu import REGISTERS_MAX

    spans: list[tuple[int, int, int]] = []
    for one in places:
        start, end = one.address, one.address + REGISTERS_OF.get(one.kind, 1)
        for term in one.terms:
            start = min(start, term.address)
            end = max(end, term.address + REGISTERS_OF.get(term.kind, 1))
        spans.append((one.function, start, end - start))
    if limits is None:
        return block_reads(spans, REGISTERS_MAX, 0)
    return block_reads(spans, limits.words, limits.gap)


def current(quantity: str) -> Register:
    """The current total of a quantity: storage 0, tariff 0, main device, instantaneous."""
    return Register(quantity, 0, 0, 0, "instantaneous")


def settled(quantity: str, storage: int) -> Register:
    """What a meter stored of a quantity on a settlement day, tariff 0, main device."""
    return Register(quantity, storage, 0, 0, "instantaneous")
