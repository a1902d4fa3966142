"""Cooling meter, CJ/T 188.

Source      CJ/T 188-2004, T 21 with the layout of 901F, L 2E
Certainty   layout sure for heat; no answer of a T 21 meter was seen
"""

from nuan_protocols.meters.cjt188_common import (
    COOLING,
    COOLING_COST,
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
    TYPE_COOLING,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_cooling",
    title="Cooling meter, CJ/T 188",
    protocol="cjt188",
    version=1,
    registers=COOLING,
    billing=current("energy:cooling"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=COOLING_COST,
    meter_type=TYPE_COOLING,
)
