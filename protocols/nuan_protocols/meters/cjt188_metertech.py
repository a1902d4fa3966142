"""Metertech (Nanjing) and Hangfa (Shenyang) heat meters.

Source      Metertech, heat meter protocol; Hangfa 108
Certainty   layout sure; decimals open: the text says 456 where the standard's decimals give 4.56
Before use  compare one answer with the display; if 100 times off, use cjt188_metertech_whole
Deviates    the first energy counts cooling; W and L/h; address read by 1A, 9A4F
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
    name="cjt188_metertech",
    title="Metertech (Nanjing) and Hangfa (Shenyang) heat meters",
    protocol="cjt188",
    version=1,
    registers=HEAT_AND_COOLING,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS + METERTECH_FLAGS,
    cost=HEAT_COST,
    dialect="cooling_first",
)
