"""Landis+Gyr ULTRAHEAT 2WR6 (header: manufacturer LUG, version 3).

Source      Landis+Gyr "TKB description of the serial interface 2WR6"; six recorded telegrams
Certainty   the telegrams' records and their checksums; the paper's text was not seen
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous
Settlement  storage 1: energy, volume and hours at the day in the date record
Status      bit 4, temporary error, stands in idle meters: no water in the flow sensor
Missing     hours in error are a record of on_time with function "error"
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Cost, Profile, Register, current, settled
from nuan_protocols.meters.status import MBUS_HEADER

_ACTUAL = (
    current("energy"),
    current("volume"),
    current("power"),
    current("volume_flow"),
    current("flow_temperature"),
    current("return_temperature"),
    current("temperature_difference"),
    current("on_time"),
    Register("on_time", 0, 0, 0, "error"),
)
_SETTLED = (settled("energy", 1), settled("volume", 1))

PROFILE = Profile(
    name="landis_2wr6",
    title="Landis+Gyr ULTRAHEAT 2WR6",
    protocol="mbus",
    version=1,
    registers=_ACTUAL + _SETTLED,
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
    cost=Cost(0, 0, _SETTLED),
)
