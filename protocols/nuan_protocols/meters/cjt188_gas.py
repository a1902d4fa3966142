"""Gas meter, CJ/T 188.

Source      CJ/T 188-2004, T 30 with the layout of water, L 16
Certainty   layout sure for water; no answer of a gas meter was seen
"""

from nuan_protocols.meters.cjt188_common import (
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
    TYPE_GAS,
    VOLUME,
    VOLUME_COST,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_gas",
    title="Gas meter, CJ/T 188",
    protocol="cjt188",
    version=1,
    registers=VOLUME,
    billing=current("volume"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=VOLUME_COST,
    meter_type=TYPE_GAS,
)
