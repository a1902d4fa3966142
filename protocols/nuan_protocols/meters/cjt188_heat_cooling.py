"""Heat and cooling meter, CJ/T 188-2018.

Source      CJ/T 188-2018 as one implementation has it: T 22, identifier 911F, L 3E
Certainty   single; the fields add up to L 3E with the widths of 901F only. No answer was seen
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT_AND_COOLING,
    HEAT_COST,
    READ_911F,
    ROLLOVER,
    STANDARD_FLAGS,
    TYPE_HEAT_AND_COOLING,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_heat_cooling",
    title="Heat and cooling meter, CJ/T 188-2018",
    protocol="cjt188",
    version=1,
    registers=HEAT_AND_COOLING,
    billing=current("energy"),
    reads=READ_911F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    meter_type=TYPE_HEAT_AND_COOLING,
)
