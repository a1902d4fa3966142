"""Any electricity meter on M-Bus.

Source      EN 13757-3:2018: the telegram names its own registers
Certainty   the quantities are the standard's; held against recorded telegrams of ten meters. Makers
            differ in how they tell phases apart: by VIFE FC 01 to 03, by subunit, or by nothing
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous: the first such record
Tariffs     1 and 2 are read beside the total; a meter without one needs mbus_electricity_t1
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Profile, Register, current
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="mbus_electricity",
    title="Electricity meter on M-Bus",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
        Register("energy", 0, 1, 0, "instantaneous"),
        Register("energy", 0, 2, 0, "instantaneous"),
        current("energy:backward"),
        current("energy_reactive"),
        current("power"),
        current("power_reactive"),
        current("frequency"),
        current("power_factor"),
        current("voltage"),
        current("voltage:l1"),
        current("voltage:l2"),
        current("voltage:l3"),
        current("current"),
        current("current:l1"),
        current("current:l2"),
        current("current:l3"),
        current("power:l1"),
        current("power:l2"),
        current("power:l3"),
        current("on_time"),
        current("operating_time"),
        current("error_flags"),
    ),
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
)
