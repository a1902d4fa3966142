"""Heat meters on M-Bus that tell forward energy from backward, and have no plain total.

Source      EN 13757-3:2018, table of orthogonal VIFE: 3Bh counts forward, 3Ch backward
Certainty   recorded telegrams of Sensus PolluStat and of EDC
Bills from  energy forward, storage 0, tariff 0, subunit 0, instantaneous, read as "energy"
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="mbus_heat_forward",
    title="Heat meter on M-Bus, forward and backward",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
        current("energy:forward"),
        current("energy:backward"),
        current("volume"),
        current("power"),
        current("volume_flow"),
        current("flow_temperature"),
        current("return_temperature"),
        current("temperature_difference"),
        current("on_time"),
        current("operating_time"),
        current("error_flags"),
    ),
    aliases=((current("energy:forward"), current("energy")),),
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
)
