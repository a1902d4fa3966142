"""Danfoss UHM-1000 heat meter (Tianjin, 2011).

Source      Danfoss Tianjin, heat meter protocol with examples, 2011-11-04
Certainty   sure: four answers, one of them checked: 6.48 kW against 6.5 kW
Deviates    address, numbers and clock high byte first
Status      00 02 comes from an idle meter: its second byte is not named
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
    name="cjt188_danfoss",
    title="Danfoss UHM-1000 heat meter (Tianjin, 2011)",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="high_first",
)
