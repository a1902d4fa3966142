"""How makers bend CJ/T 188: each deviation as a value, each known combination under a name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple

    class Dialect(NamedTuple):
        """One way to read DATA.

        name                what profiles and site files call it
        high_first          numbers and clock come with the most significant byte first
        address_high_first  so does the address
        unit_first          the unit's byte stands before the value's
        mask                added to every byte of DATA: 0 or 33h
        temperature_bytes   3, or 2 when the third of the three is no digit of it
        cooling_first       the first energy counts cooling; else it is the settlement day's heat
        century             what a century byte of 00 stands for; 0: it is no year
        no_value            eight nines are no value
        whole               values have no decimals: 456 kWh, not 4.56
        extra_bytes         vendor's bytes between DATA and the checksum
        water               "standard" or "fraction" (whole and fraction apart, one volume)
        di_first            byte of the data identifier that goes first in requests: "high" (90 1F),
                            "low" (1F 90), "" where makers differ
        certainty           "sure" (two sources, or recomputed), "single" (one), "open" (unproven)
        deviates            the deviations in words
        """

        name: str
        high_first: bool
        address_high_first: bool
        unit_first: bool
        mask: int
        temperature_bytes: int
        cooling_first: bool
        century: int
        no_value: bool
        whole: bool
        extra_bytes: int
        water: str
        di_first: str
        certainty: str
        deviates: str

else:
    from collections import namedtuple

    Dialect = namedtuple(
        "Dialect",
        (
            "name",
            "high_first",
            "address_high_first",
            "unit_first",
            "mask",
            "temperature_bytes",
            "cooling_first",
            "century",
            "no_value",
            "whole",
            "extra_bytes",
            "water",
            "di_first",
            "certainty",
            "deviates",
        ),
    )

WATER_STANDARD = "standard"
WATER_FRACTION = "fraction"
_PLUS_33 = 0x33
_CENTURY = 20


def dialect(
    name: str,
    *,
    deviates: str,
    certainty: str = "sure",
    high_first: bool = False,
    unit_first: bool = False,
    mask: int = 0,
    temperature_bytes: int = 3,
    cooling_first: bool = False,
    century: int = 0,
    no_value: bool = False,
    whole: bool = False,
    extra_bytes: int = 0,
    water: str = WATER_STANDARD,
    di_first: str = "",
) -> Dialect:
    """The standard with the deviations that are named. The address follows `high_first`."""
    return Dialect(
        name,
        high_first,
        high_first,
        unit_first,
        mask,
        temperature_bytes,
        cooling_first,
        century,
        no_value,
        whole,
        extra_bytes,
        water,
        di_first,
        certainty,
        deviates,
    )


STANDARD = dialect("standard", deviates="nothing")

# In the order in which they are to be believed: where two read an answer alike, the first one wins.
ALL = (
    STANDARD,
    dialect("cooling_first", deviates="the first energy counts cooling", cooling_first=True),
    dialect(
        "high_first",
        deviates="address, numbers and clock come high byte first",
        high_first=True,
        di_first="high",
    ),
    dialect("unit_first", deviates="units stand before values", unit_first=True, di_first="high"),
    dialect(
        "plus33",
        deviates="33h is added to all data, and units stand before values",
        unit_first=True,
        mask=_PLUS_33,
        di_first="high",
    ),
    dialect(
        "two_byte_temperatures",
        deviates="a temperature's third byte is no digit of it",
        temperature_bytes=2,
        di_first="high",
    ),
    dialect(
        "century_00",
        deviates="the century byte is 00",
        certainty="single",
        century=_CENTURY,
        di_first="high",
    ),
    dialect(
        "nines",
        deviates="eight nines are no value",
        certainty="single",
        no_value=True,
        di_first="low",
    ),
    dialect(
        "cooling_first_whole",
        deviates="the first energy counts cooling, and values have no decimals",
        certainty="open",
        cooling_first=True,
        whole=True,
        di_first="high",
    ),
    dialect(
        "extra_byte",
        deviates="one more byte stands before the checksum",
        certainty="single",
        extra_bytes=1,
    ),
    dialect(
        "water_fraction",
        deviates="a volume comes as whole part and fraction, with flow and temperature",
        certainty="single",
        water=WATER_FRACTION,
    ),
)

DIALECTS: "dict[str, Dialect]" = {each.name: each for each in ALL}
