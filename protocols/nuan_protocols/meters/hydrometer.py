"""Hydrometer and Diehl SHARKY heat meters (header: manufacturer DFS).

Source      the maker's telegram breakdown, version 46; EN 13757-3:2018
Certainty   one telegram, its checksum right. A value that isn't valid comes twice marked: as a
            "value during error" (DIF 3x) and with nibbles D, B and E where digits should be. Both
            leave the register without a reading, never with a number
Bills from  energy, storage 0, tariff 0, subunit 0, instantaneous; counts in 0.1 kWh
Settlement  storage 1 and 2
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Cost, Profile, Resolution, current, settled
from nuan_protocols.meters.status import MBUS_HEADER

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
_SETTLED = (settled("energy", 1), settled("energy", 2))

PROFILE = Profile(
    name="hydrometer",
    title="Hydrometer, Diehl SHARKY",
    protocol="mbus",
    version=1,
    registers=_ACTUAL + _SETTLED,
    billing=current("energy"),
    resolution=Resolution(1, 2, "Wh"),
    rollover=10**8,
    flags=MBUS_HEADER,
    cost=Cost(0, 0, _SETTLED),
)
