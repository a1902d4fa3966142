"""Metertech heat meter whose values have no decimals.

Source      Metertech, heat meter protocol: the text of its example
Certainty   open: never seen; probing chooses it only if flow, difference and power agree so
Deviates    as cjt188_metertech, and 456 is 456
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT_AND_COOLING,
    HEAT_COST,
    METERTECH_FLAGS,
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_metertech_whole",
    title="Metertech heat meter whose values have no decimals",
    protocol="cjt188",
    version=1,
    registers=HEAT_AND_COOLING,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS + METERTECH_FLAGS,
    cost=HEAT_COST,
    dialect="cooling_first_whole",
)
