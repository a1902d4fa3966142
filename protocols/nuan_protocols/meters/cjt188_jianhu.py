"""Jianhu heat meter.

Source      Jianhu, heat meter commands, u110, 2012-08-16
Certainty   sure: its document, and Lichuang's with the same layout
Deviates    the unit's byte stands before the value
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
    name="cjt188_jianhu",
    title="Jianhu heat meter",
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
