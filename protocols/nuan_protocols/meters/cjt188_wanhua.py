"""Tianjin Wanhua and Guangda Weiye heat meters.

Source      Wanhua, heat meter protocol, 2011-09; Guangda Weiye, heat meter protocol 2003
Certainty   sure: two makers' documents, two answers
Deviates    33h is added to every byte of data, question and answer; units before values
Status      40 55 and 00 5A come from idle meters: the second byte is not named
"""

from nuan_protocols.meters.cjt188_common import (
    HEAT,
    HEAT_COST,
    READ_901F,
    ROLLOVER,
    STANDARD_FLAGS,
)
from nuan_protocols.meters.profile import Profile, current

PROFILE = Profile(
    name="cjt188_wanhua",
    title="Tianjin Wanhua and Guangda Weiye heat meters",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="plus33",
)
