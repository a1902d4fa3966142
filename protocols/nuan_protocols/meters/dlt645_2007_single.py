"""Any single-phase electricity meter that follows DL/T 645-2007.

Source      DL/T 645-2007, annex A tables A.1 and A.3, annex C
Certainty   formats sure (public implementations and recorded frames agree); which identifiers a
            simple meter has differs: one it lacks it refuses (D1), which costs the others nothing
Bills from  forward active total, 0001 0000; tariffs are sharp, peak, flat, valley
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
    settled("energy", 1),
    current("voltage:l1"),
    current("current:l1"),
    current("power"),
)

PROFILE = Profile(
    name="dlt645_2007_single",
    title="Single-phase electricity meter, DL/T 645-2007",
    protocol="dlt645",
    version=1,
    registers=ENERGY_TARIFFS + _ACTUAL + STATUS_2007,
    billing=BILLING,
    reads=(
        (READ_2007, 0x0001FF00, 0),
        (READ_2007, 0x00010001, 0),
        (READ_2007, 0x02010100, 0),
        (READ_2007, 0x02020100, 0),
        (READ_2007, 0x02030000, 0),
        (READ_2007, 0x04000503, 0),
    ),
    resolution=RESOLUTION,
    rollover=ROLLOVER,
    flags=FLAGS_2007,
)
