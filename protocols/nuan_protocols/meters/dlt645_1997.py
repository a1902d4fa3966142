"""Any electricity meter that follows DL/T 645-1997.

Source      DL/T 645-1997, annex A
Certainty   9010 and B611 sure (recorded frames); the others single: the standard's tables as
            public documents repeat them. A meter refuses what it lacks (C1)
Bills from  forward active total, 9010; storage 1 is the month before (9410). Tariffs (901F) are
            left out: simple meters have none
Rollover    999,999.99 kWh
"""

from nuan_protocols.meters.dlt645_common import (
    BILLING,
    FLAGS_1997,
    READ_1997,
    RESOLUTION,
    ROLLOVER,
    STATUS_1997,
)
from nuan_protocols.meters.profile import Profile, current, settled

_ACTUAL = (
    BILLING,
    settled("energy", 1),
    current("voltage:l1"),
    current("current:l1"),
    current("power"),
)

PROFILE = Profile(
    name="dlt645_1997",
    title="Electricity meter, DL/T 645-1997",
    protocol="dlt645",
    version=1,
    registers=_ACTUAL + STATUS_1997,
    billing=BILLING,
    reads=(
        (READ_1997, 0x9010, 0),
        (READ_1997, 0x9410, 0),
        (READ_1997, 0xB611, 0),
        (READ_1997, 0xB621, 0),
        (READ_1997, 0xB630, 0),
        (READ_1997, 0xC020, 0),
        (READ_1997, 0xC021, 0),
    ),
    resolution=RESOLUTION,
    rollover=ROLLOVER,
    flags=FLAGS_1997,
)
