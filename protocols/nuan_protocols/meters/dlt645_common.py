"""What all DL/T 645 meter models share: registers by tariff, status bits, step and rollover.

Bills from the forward active total, tariff 0, XXXXXX.XX kWh (0001 0000, 1997: 9010). The combined
active energy (0000 0000) is forward plus or minus reverse, as a setting of the meter decides, and
may fall: no bill is made from it.
"""

from typing import TYPE_CHECKING

from nuan_protocols.dlt645.status import flag_name
from nuan_protocols.meters.profile import Register, Resolution, current
from nuan_protocols.meters.status import ALARM, INFO, NOTICE, bit

if TYPE_CHECKING:
    from nuan_protocols.meters.status import Flag

READ_2007 = 0x11
READ_1997 = 0x01

# Sharp, peak, flat, valley.
TARIFFS = 4
# The total, tariff 0, comes first.
ENERGY_TARIFFS = tuple(
    Register("energy", 0, tariff, 0, "instantaneous") for tariff in range(TARIFFS + 1)
)
BILLING = current("energy")
# XXXXXX.XX kWh, counted in 10 Wh.
RESOLUTION = Resolution(1, 1, "Wh")
ROLLOVER = 10**8

# Status word, its bits from 0 on: "A" alarm, "N" notice, "I" info, "." not explained.
_SEVERITIES = {"A": ALARM, "N": NOTICE, "I": INFO}
_WORDS_2007 = (
    ("word_1", ".INNNI"),
    ("word_2", "NNN.III"),
    ("word_3", "IINII"),
    ("word_4", "ANNANNAAA"),
    ("word_5", "ANNANNAAA"),
    ("word_6", "ANNANNAAA"),
    ("word_7", "AANNNNNNN"),
)
_WORDS_1997 = (("meter", "IIN.NI"), ("grid", "AAA.NNN"))


def _flags(words: "tuple[tuple[str, str], ...]") -> "tuple[Flag, ...]":
    return tuple(
        bit("error_flags:" + word, number, flag_name(word, number), _SEVERITIES[severities[number]])
        for word, severities in words
        for number in range(len(severities))
        if severities[number] != "."
    )


FLAGS_2007 = _flags(_WORDS_2007)
FLAGS_1997 = _flags(_WORDS_1997)
STATUS_2007 = tuple(current("error_flags:" + word) for word, _ in _WORDS_2007)
STATUS_1997 = tuple(current("error_flags:" + word) for word, _ in _WORDS_1997)
