"""Water meter, CJ/T 188, identifier 1F 90.

Source      a tutorial's answer, which two sources print with a wrong checksum (08 for 13)
Certainty   sure: layout as cjt188_water, checksum recomputed
"""

from nuan_protocols.meters.cjt188_common import (
    READ_1F90,
    ROLLOVER,
    STANDARD_FLAGS,
    TYPE_COLD_WATER,
    VOLUME,
    VOLUME_COST,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_water_1f90",
    title="Water meter, CJ/T 188, identifier 1F 90",
    protocol="cjt188",
    version=1,
    registers=VOLUME,
    billing=current("volume"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=VOLUME_COST,
    meter_type=TYPE_COLD_WATER,
)
