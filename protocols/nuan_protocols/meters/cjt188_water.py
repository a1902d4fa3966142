"""Water meter, CJ/T 188, identifier 90 1F.

Source      CJ/T 188-2004, data identifier 901F, L 16
Certainty   sure: the standard, two implementations, three answers
T           10 cold, 11 hot, 12 drinking, 13 reclaimed water; answers match whatever T they have
"""

from nuan_protocols.meters.cjt188_common import (
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
    TYPE_COLD_WATER,
    VOLUME,
    VOLUME_COST,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_water",
    title="Water meter, CJ/T 188, identifier 90 1F",
    protocol="cjt188",
    version=1,
    registers=VOLUME,
    billing=current("volume"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=VOLUME_COST,
    meter_type=TYPE_COLD_WATER,
)
