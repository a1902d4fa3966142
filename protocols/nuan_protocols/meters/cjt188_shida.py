"""Shida heat meter.

Source      Shida, heat meter protocol
Certainty   identifier order and status bits from its document; no answer was seen
Concentratorits channel must be switched before a meter answers; nuan doesn't do that
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT,
    HEAT_COST,
    PARTS_FLAGS,
    READ_1F90,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_shida",
    title="Shida heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS + PARTS_FLAGS,
    cost=HEAT_COST,
)
