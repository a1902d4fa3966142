"""Chuangzhan Tongcheng heat meter CZTC-C, new series.

Source      Chuangzhan Tongcheng, notes on the new CZTC-C; mechanical double-jet meter protocol
Certainty   sure: an answer of each; the mechanical one checked: 224.9 kW against 228 kW
Mechanical  the double-jet meter has its identifier high byte first: use cjt188_heat
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
    name="cjt188_chuangzhan",
    title="Chuangzhan Tongcheng heat meter CZTC-C, new series",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS + PARTS_FLAGS,
    cost=HEAT_COST,
)
