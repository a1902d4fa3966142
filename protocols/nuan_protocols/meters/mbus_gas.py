"""Any gas meter or volume corrector on M-Bus.

Source      EN 13757-3:2018: the telegram names its own registers
Certainty   the quantities are the standard's; few recorded telegrams of gas meters exist
Bills from  volume, storage 0, tariff 0, subunit 0, instantaneous: the first such record. A
            corrector's first volume is the one at base conditions in all telegrams seen
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="mbus_gas",
    title="Gas meter on M-Bus",
    protocol="mbus",
    version=1,
    registers=(
        current("volume"),
        current("volume_flow"),
        current("flow_temperature"),
        current("pressure"),
        current("on_time"),
        current("operating_time"),
        current("error_flags"),
    ),
    billing=current("volume"),
    rollover=10**8,
    flags=MBUS_HEADER,
)
