"""Zenner heat meters on M-Bus, as sold in China (header: manufacturer 0000).

Source      the maker's "M-Bus read-out protocol", with two worked telegrams; EN 13757-3:2018
Certainty   one source. A difference below zero is sent as sign and magnitude: 02 61 06 80 is
            -0.06 K beside 27.44 and 27.50 degC, where two's complement would be -327.62 K
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous
Settlement  storage 1 to 4, the latest first
Status      bits 0 and 1 stand in the idle bench meters of both telegrams, so they name nothing here
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Cost, Profile, current, settled
from nuan_protocols.meters.status import HEADER, MBUS_HEADER

_ACTUAL = (
    current("energy"),
    current("volume"),
    current("power"),
    current("volume_flow"),
    current("flow_temperature"),
    current("return_temperature"),
    current("temperature_difference"),
    current("operating_time"),
    current("datetime"),
)
_SETTLED = tuple([settled("energy", storage) for storage in (1, 2, 3, 4)])

PROFILE = Profile(
    name="zenner",
    title="Zenner heat meter",
    protocol="mbus",
    version=1,
    registers=_ACTUAL + _SETTLED,
    billing=current("energy"),
    rollover=10**8,
    flags=tuple([flag for flag in MBUS_HEADER if flag.source == HEADER and flag.mask != 0x03]),
    cost=Cost(0, 0, _SETTLED),
    magnitudes=(("temperature_difference", 16),),
)
