"""Weihai Tiangang heat and cooling meter.

Source      Tiangang, heat meter protocol V1.0d for customers, V1.00
Certainty   sure: two answers, one of them checked: 4.75 kW against 4.80 kW
Deviates    the first energy counts cooling; answers with T 25, 26 or 27
Bills from  energy, storage 0; energy:cooling where cooling is billed
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT_AND_COOLING,
    HEAT_COST,
    PARTS_FLAGS,
    READ_1F90,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_tiangang",
    title="Weihai Tiangang heat and cooling meter",
    protocol="cjt188",
    version=1,
    registers=HEAT_AND_COOLING,
    billing=current("energy"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS + PARTS_FLAGS,
    cost=HEAT_COST,
    dialect="cooling_first",
)
