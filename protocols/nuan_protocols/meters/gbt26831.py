"""Heat meters that follow GB/T 26831, the Chinese form of EN 13757 (header: manufacturer PLO).

Source      GB/T 26831, and a maker's paper on it with a short telegram of high resolution and a
            long one of meter 21000004
Certainty   one paper, its checksums right. The long telegram holds energy and volume twice, told
            apart by nothing: energy 0 and 229 kWh, volume 6.5 and 0 m3. The short one says 229.671
            kWh and 6.50751 m3: bills are made from the second energy, and the first volume is the
            one that belongs to it. What the others count is not written
Bills from  energy: the second of two, or the only one
Rollover    eight decimal digits
"""

from nuan_protocols.meters.profile import Profile, current
from nuan_protocols.meters.status import MBUS_HEADER

PROFILE = Profile(
    name="gbt26831",
    title="Heat meter, GB/T 26831",
    protocol="mbus",
    version=1,
    registers=(
        current("energy"),
        current("volume"),
        current("power"),
        current("volume_flow"),
        current("flow_temperature"),
        current("return_temperature"),
        current("on_time"),
        current("operating_time"),
    ),
    billing=current("energy"),
    rollover=10**8,
    flags=MBUS_HEADER,
    repeats=(
        ("energy", ("energy:first", "energy")),
        ("volume", ("volume", "volume:second")),
    ),
)
