"""What a meter says about itself in bits, in words: conditions out of its readings.

A status source is a reading like any other, named by its quantity: "error_flags:header" is the
status byte of an M-Bus header, "error_flags" an M-Bus record, a Modbus register or the two ST bytes
of CJ/T 188, "error_flags:word_3" a status word of DL/T 645. A bit nobody has explained is shown
by its number and never alarmed: idle meters on a bench set some of them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple

    from nuan_protocols.reading import Reading

    class Flag(NamedTuple):
        """What it means when `number & mask == value` for a source's number.

        source     quantity of the reading that holds the bits
        name       the condition, in plain English: "battery low"
        severity   "alarm": registers may be wrong | "notice": somebody should go there, the
                   registers are right | "info": a state, nothing to do
        """

        source: str
        mask: int
        value: int
        name: str
        severity: str

    class Setting(NamedTuple):
        """A reading that must have this value, or the profile reads the meter wrong.

        source     quantity of the reading that holds the setting
        name       the condition when it has another: "heat is not counted in GJ"
        """

        source: str
        value: int
        name: str
        severity: str

    class Condition(NamedTuple):
        """What a meter says of itself: `bits` of `source`, or a setting's value, mean `name`."""

        name: str
        severity: str
        source: str
        bits: int

else:
    from collections import namedtuple

    Flag = namedtuple("Flag", ("source", "mask", "value", "name", "severity"))
    Setting = namedtuple("Setting", ("source", "value", "name", "severity"))
    Condition = namedtuple("Condition", ("name", "severity", "source", "bits"))

ALARM = "alarm"
NOTICE = "notice"
INFO = "info"
SEVERITIES = (ALARM, NOTICE, INFO)

HEADER = "error_flags:header"
RECORD = "error_flags"
_BITS_MAX = 64


def bit(source: str, number: int, name: str, severity: str) -> Flag:
    """A condition that one bit, counted from 0, says by being 1."""
    return Flag(source, 1 << number, 1 << number, name, severity)


# EN 13757-3:2018, 7.5.6, table 19: the status byte of the data header. Bits 5 to 7 are the maker's.
MBUS_HEADER = (
    Flag(HEADER, 0x03, 0x01, "meter busy", INFO),
    Flag(HEADER, 0x03, 0x02, "application error", ALARM),
    Flag(HEADER, 0x03, 0x03, "abnormal condition", ALARM),
    bit(HEADER, 2, "battery low", NOTICE),
    bit(HEADER, 3, "permanent error", ALARM),
    bit(HEADER, 4, "temporary error", NOTICE),
)


def conditions_in(flags: "tuple[Flag, ...]", readings: "Iterable[Reading]") -> "list[Condition]":
    """All conditions the readings' status sources report, in the order of the flags.

    Bits that no flag explains come last, one Condition each, named by number, as "info".
    """
    found: list[Condition] = []
    for reading in readings:
        number = _number(reading)
        if number <= 0:
            continue
        rest = number
        for flag in flags:
            if flag.source == reading.quantity and number & flag.mask == flag.value and flag.value:
                found.append(Condition(flag.name, flag.severity, flag.source, flag.value))
                rest &= ~flag.value
        found.extend(_unexplained(reading.quantity, rest))
    return found


def settings_in(
    settings: "tuple[Setting, ...]", readings: "Iterable[Reading]"
) -> "list[Condition]":
    """A Condition for each setting that a reading shows to be another than the profile's."""
    return [
        Condition(setting.name, setting.severity, setting.source, reading.integer)
        for reading in readings
        for setting in settings
        if setting.source == reading.quantity
        and reading.integer is not None
        and reading.integer != setting.value
    ]


def _number(reading: "Reading") -> int:
    """The bits of a status source; 0 for any other reading."""
    name = reading.quantity
    if name != RECORD and not name.startswith(RECORD + ":"):
        return 0
    if reading.integer is None or reading.exponent:
        return 0
    return reading.integer


def _unexplained(source: str, bits: int) -> "list[Condition]":
    return [
        Condition("bit %d of %s" % (number, source), INFO, source, 1 << number)
        for number in range(_BITS_MAX)
        if bits >> number & 1
    ]
