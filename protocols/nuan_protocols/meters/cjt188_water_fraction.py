"""Ultrasonic water meter with a volume in two parts.

Source      one maker's page (huaxinqs.com)
Certainty   single; no answer was seen. That both parts are BCD is open
Deviates    volume 4, fraction 3, flow 3, temperature 1, time 3, date 3, status 2 bytes
"""

from nuan_protocols.meters.cjt188_common import (
    READ_901F,
    ROLLOVER_ML,
    STANDARD_FLAGS,
    STEP_1_ML,
    TYPE_COLD_WATER,
    VOLUME_COST,
    VOLUME_FRACTION,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_water_fraction",
    title="Ultrasonic water meter with a volume in two parts",
    protocol="cjt188",
    version=1,
    registers=VOLUME_FRACTION,
    billing=current("volume"),
    reads=READ_901F,
    resolution=STEP_1_ML,
    rollover=ROLLOVER_ML,
    flags=STANDARD_FLAGS,
    cost=VOLUME_COST,
    dialect="water_fraction",
    meter_type=TYPE_COLD_WATER,
)
