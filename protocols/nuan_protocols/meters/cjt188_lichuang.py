"""Lichuang LCR heat meter.

Source      Shandong Lichuang, LCR series protocol and LCR-U test protocol
Certainty   sure: two answers, and Jianhu's document says the same
Deviates    the unit's byte stands before the value; a month's settlement has L 0B or 12
Status      00 E1 comes from an idle meter: its second byte is not named
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
    name="cjt188_lichuang",
    title="Lichuang LCR heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="unit_first",
)
