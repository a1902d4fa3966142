"""Electricity meters on M-Bus whose energy stands in tariff 1 and nowhere else.

Source      EN 13757-3:2018: the telegram names its own registers
Certainty   recorded telegrams of Finder 7E.23, Saia ALE3, EMU Professional and Gossen Metrawatt:
            none of them sends a total
Bills from  energy, storage 0, tariff 1, read as the total: for a meter on one tariff. Tariff 2 is
            read beside it; where it moves, one register isn't the whole
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Profile, Register, current
from nuan_protocols.meters.status import MBUS_HEADER

_TARIFF_1 = Register("energy", 0, 1, 0, "instantaneous")

PROFILE = Profile(
    name="mbus_electricity_t1",
    title="Electricity meter on M-Bus, one tariff",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
        _TARIFF_1,
        Register("energy", 0, 2, 0, "instantaneous"),
        current("power"),
        current("power_reactive"),
        current("voltage"),
        current("current"),
        current("frequency"),
        current("on_time"),
        current("operating_time"),
        current("error_flags"),
    ),
    aliases=((_TARIFF_1, current("energy")),),
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
)
