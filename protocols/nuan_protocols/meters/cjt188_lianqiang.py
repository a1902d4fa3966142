"""Shandong Lianqiang ultrasonic heat meter.

Source      Lianqiang, ultrasonic heat meter reading protocol, and a reader's notes on one meter
Certainty   sure: two answers
Deviates    a temperature's third byte is no digit: 86 27 9A is 27.86
Power       its unit byte is 00 or 91: the power is not readable, the energy is
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
    name="cjt188_lianqiang",
    title="Shandong Lianqiang ultrasonic heat meter",
    protocol="cjt188",
    version=1,
    registers=HEAT,
    billing=current("energy"),
    reads=READ_901F,
    rollover=ROLLOVER,
    flags=STANDARD_FLAGS,
    cost=HEAT_COST,
    dialect="two_byte_temperatures",
)
