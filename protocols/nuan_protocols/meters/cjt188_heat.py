"""Heat meter, CJ/T 188, identifier 90 1F.

Source      CJ/T 188-2004, data identifier 901F, L 2E, high byte of the identifier first
Certainty   sure: the standard, six makers' documents and a physics check of two answers
Bills from  energy, storage 0: the current heat; storage 1 is the settlement day's
Step        the unit byte says it: 0.01 of what the meter counts in (kWh, MWh, GJ)
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
    name="cjt188_heat",
    title="Heat meter, CJ/T 188, identifier 90 1F",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
)
