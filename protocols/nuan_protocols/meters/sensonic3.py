"""ista sensonic 3, a heat meter with a battery.

Source      ista "M-Bus telegram specification sensonic 3", August 2009, as users quote it
Certainty   one user's report of it: the standard telegrams once in 69 minutes, the short one, which
            an application reset with sub-code 50h selects, every 5 minutes. What both hold is
            EN 13757-3's business: the telegram names its own registers
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous, of the standard telegram. The
            short one is for controls: instantaneous values
Settlement  storage 1, the due day's
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Cost, Profile, ShortTelegram, current, settled
from nuan_protocols.meters.status import MBUS_HEADER

_STANDARD_INTERVAL_S = 69 * 60
_SHORT_INTERVAL_S = 5 * 60
_INSTANTANEOUS_VALUES = 0x50

PROFILE = Profile(
    name="sensonic3",
    title="ista sensonic 3",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
        settled("energy", 1),
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
    cost=Cost(_STANDARD_INTERVAL_S, 0, (settled("energy", 1),)),
    short=ShortTelegram(_INSTANTANEOUS_VALUES, _SHORT_INTERVAL_S, billing=False),
)
