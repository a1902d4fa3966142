"""Xi'ao heat meter.

Source      one document; no answer was seen
Certainty   single; that CS counts the extra byte is open
Deviates    T 55, and one more byte (XOR) between data and checksum
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
    name="cjt188_xiao",
    title="Xi'ao heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="extra_byte",
    meter_type=0x55,
)
