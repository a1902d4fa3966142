"""Any heat meter that follows EN 1434-3 on M-Bus.

Source      EN 1434-3:2015 and EN 13757-3:2018: the telegram names its own registers
Certainty   the quantities are the standard's; held against two dozen recorded telegrams
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous: the first such record
Floats      a real32 register is the shortest decimal that reads back as the same float
Status      the header's byte; a record of error flags is each maker's own and shown by number
Rollover    eight decimal digits, the width that makers use; a meter with another width needs its
            own file
"""

from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="mbus_heat",
    title="Heat meter, EN 1434 on M-Bus",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
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
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
)
