"""CHINT DTSU666 three-phase meter while it is switched to DL/T 645-2007 (2400 8E1).

Source      DL/T 645-2007, annex A; that the meter can be switched between Modbus and DL/T 645 is
            said by its users
Certainty   single: no recorded frame of this meter was found, so only totals and single values are
            asked for, no blocks; what it lacks it refuses (D1)
Bills from  forward active total, 0001 0000
Ratios      behind current transformers a meter counts secondary energy: the ratio belongs to the
            metering point, not to the model
Rollover    999,999.99 kWh
"""

from nuan_protocols.meters.dlt645_common import BILLING, READ_2007, RESOLUTION, ROLLOVER
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="dlt645_dtsu666",
    title="CHINT DTSU666 in DL/T 645 mode",
    protocol="dlt645",
    version=1,
    registers=(
        BILLING,
        current("energy:backward"),
        current("voltage:l1"),
        current("voltage:l2"),
        current("voltage:l3"),
        current("current:l1"),
        current("current:l2"),
        current("current:l3"),
        current("power"),
        current("frequency"),
    ),
    billing=BILLING,
    reads=(
        (READ_2007, 0x00010000, 0),
        (READ_2007, 0x00020000, 0),
        (READ_2007, 0x02010100, 0),
        (READ_2007, 0x02010200, 0),
        (READ_2007, 0x02010300, 0),
        (READ_2007, 0x02020100, 0),
        (READ_2007, 0x02020200, 0),
        (READ_2007, 0x02020300, 0),
        (READ_2007, 0x02030000, 0),
        (READ_2007, 0x02800002, 0),
    ),
    resolution=RESOLUTION,
    rollover=ROLLOVER,
)
