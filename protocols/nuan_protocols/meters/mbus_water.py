"""Any water meter on M-Bus: cold, hot, or with a pulse module.

Source      EN 13757-3:2018: the telegram names its own registers
Certainty   the quantities are the standard's; held against recorded telegrams of eight makers
Bills from  volume, storage 0, tariff 0, subunit 0, instantaneous: the first such record
Settlement  storage 1 is the last due day's with most makers
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Cost, Profile, current, settled
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="mbus_water",
    title="Water meter on M-Bus",
    protocol="mbus",
    version=1,
    registers=(
        current("volume"),
        settled("volume", 1),
        current("volume:backward"),
        current("volume_flow"),
        current("flow_temperature"),
        current("on_time"),
        current("operating_time"),
        current("error_flags"),
    ),
    billing=current("volume"),
    rollover=10**8,
    flags=MBUS_HEADER,
    cost=Cost(0, 0, (settled("volume", 1),)),
)
