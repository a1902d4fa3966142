"""Huizhong CRL heat meter.

Source      maker's document, as published with a test bench's software
Certainty   sure: with Danfoss two makers, five answers
Deviates    address, numbers and clock high byte first; addresses may hold FF and F1
Status      00 02 comes from an idle meter: its second byte is not named
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
    name="cjt188_huizhong",
    title="Huizhong CRL heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="high_first",
)
