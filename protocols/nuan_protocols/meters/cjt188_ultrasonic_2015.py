"""Ultrasonic heat meter with 99999999 for no value.

Source      ultrasonic heat meter M-Bus protocol for customers, 2015-12-03
Certainty   single: one document, one answer
Deviates    eight nines stand for a value that the meter hasn't got
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT,
    HEAT_COST,
    READ_1F90,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_ultrasonic_2015",
    title="Ultrasonic heat meter with 99999999 for no value",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="nines",
)
