"""Any three-phase electricity meter that follows DL/T 645-2007.

Source      DL/T 645-2007, annex A tables A.1 and A.3, annex C
Certainty   formats sure (public implementations and recorded frames agree); a meter that lacks one
            of the blocks refuses it (D1), which costs the other reads nothing
Bills from  forward active total, 0001 0000; tariffs are sharp, peak, flat, valley
Ratios      behind current transformers a meter counts secondary energy: the ratio belongs to the
            metering point, not to the model
Rollover    999,999.99 kWh
"""

from nuan_protocols.meters.dlt645_common import (
    BILLING,
    ENERGY_TARIFFS,
    FLAGS_2007,
    READ_2007,
    RESOLUTION,
    ROLLOVER,
    STATUS_2007,
)
from nuan_protocols.meters.profile import Profile, current, settled

_ACTUAL = (
    current("energy:backward"),
    settled("energy", 1),
    current("voltage:l1"),
    current("voltage:l2"),
    current("voltage:l3"),
    current("current:l1"),
    current("current:l2"),
    current("current:l3"),
    current("power"),
    current("power_factor"),
)

PROFILE = Profile(
    name="dlt645_2007",
    title="Three-phase electricity meter, DL/T 645-2007",
    protocol="dlt645",
    version=1,
    registers=ENERGY_TARIFFS + _ACTUAL + STATUS_2007,
    billing=BILLING,
    reads=(
        (READ_2007, 0x0001FF00, 0),
        (READ_2007, 0x00020000, 0),
        (READ_2007, 0x00010001, 0),
        (READ_2007, 0x0201FF00, 0),
        (READ_2007, 0x0202FF00, 0),
        (READ_2007, 0x02030000, 0),
        (READ_2007, 0x02060000, 0),
        (READ_2007, 0x040005FF, 0),
    ),
    resolution=RESOLUTION,
    rollover=ROLLOVER,
    flags=FLAGS_2007,
)
