"""Zhenyu ZY-C heat meter.

Source      Zhenyu, a reader's notes on ZY-C
Certainty   single: one answer
Deviates    the clock's century byte is 00: year 0011 is 2011
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT,
    HEAT_COST,
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_zhenyu",
    title="Zhenyu ZY-C heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="century_00",
)
