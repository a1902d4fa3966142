"""2flow MAG-11, an electromagnetic heat meter on Modbus RTU.

Source      MAG-11 series manual, section 8, register table (pages 46 to 48). The manual's addresses
            are the wire's plus 1
Certainty   one source; its worked example (flow -12.5 m3/h) has a right checksum. How the high and
            the low level of a total combine is not written: the profile takes the low level alone
            and raises an alarm once a high level isn't 0. The alarm codes' table was not seen, so
            their bits are shown by number
Bills from  low level of accumulated heat, in Wh
Rollover    not known
"""

from nuan_protocols.meters.profile import Profile, Resolution, current, float32, place, uint16
from nuan_protocols.meters.status import ALARM, NOTICE, RECORD, Setting

_READ = 3
_FLOW_IN_M3_PER_H = 0x13
_POWER_IN_KW = 0x7F

PROFILE = Profile(
    name="mag11",
    title="2flow MAG-11 electromagnetic heat meter",
    protocol="modbus",
    version=1,
    reads=(
        (_READ, 0x0200, 22),
        (_READ, 0x0400, 10),
        (_READ, 0x0500, 4),
        (_READ, 0x0041, 1),
        (_READ, 0x062D, 1),
    ),
    places=(
        place(_READ, 0x0200, "uint32", "dimensionless:volume_high_level", 0, "1"),
        place(_READ, 0x0202, "uint32", "volume", -3, "m3"),
        place(_READ, 0x0204, "uint32", "dimensionless:heat_high_level", 0, "1"),
        place(_READ, 0x0206, "uint32", "energy", 0, "Wh"),
        place(_READ, 0x0212, "uint32", "dimensionless:cooling_high_level", 0, "1"),
        place(_READ, 0x0214, "uint32", "energy:cooling", 0, "Wh"),
        float32(_READ, 0x0400, -3, "volume_flow", 0, "m3/h"),
        float32(_READ, 0x0402, -2, "flow_temperature", 0, "degC"),
        float32(_READ, 0x0404, -2, "return_temperature", 0, "degC"),
        float32(_READ, 0x0406, -2, "temperature_difference", 0, "K"),
        float32(_READ, 0x0408, -3, "power", 3, "W"),
        uint16(_READ, 0x0503, RECORD, 0, "1"),
        uint16(_READ, 0x0041, "parameter_set:flow_unit", 0, "1"),
        uint16(_READ, 0x062D, "parameter_set:power_unit", 0, "1"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, 0, "Wh"),
    settings=(
        Setting("dimensionless:heat_high_level", 0, "heat has left its low level", ALARM),
        Setting("dimensionless:cooling_high_level", 0, "cooling has left its low level", ALARM),
        Setting("dimensionless:volume_high_level", 0, "volume has left its low level", NOTICE),
        Setting("parameter_set:flow_unit", _FLOW_IN_M3_PER_H, "flow is not in m3/h", NOTICE),
        Setting("parameter_set:power_unit", _POWER_IN_KW, "power is not in kW", NOTICE),
    ),
)
