"""Heat meter, CJ/T 188, identifier 1F 90.

Source      documents and answers of Runa, Haina, Zhifang, Yuanda and Delu
Certainty   sure: six answers of three makers, checksums right
Deviates    the identifier goes low byte first; Haina and Runa also count in L and L/h
Status      the second byte is no maker's we know (00 80 comes from an idle meter)
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT,
    HEAT_COST,
    READ_1F90,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_heat_1f90",
    title="Heat meter, CJ/T 188, identifier 1F 90",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_1F90,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
)
