"""Aoke vortex and precession gas meters on Modbus RTU.

Source      the maker's page "MODBUS-RTU" for precession vortex flow meters: floats from 40001 on,
            high word first; at most 20 registers from the first
Certainty   one source. Whether flow (40007) is per second or per hour is not clear from it, nor how
            the words of the two alarm registers stand: none of them is read
Bills from  volume at base conditions: hundreds in 40009, the rest in 40011; 1234 and 87.89 are
            123487.89 m3
Rollover    not known
"""

from nuan_protocols.meters.profile import Limits, Profile, Resolution, Term, current, float32, place

_READ = 3

PROFILE = Profile(
    name="aoke_vortex",
    title="Aoke vortex gas meter",
    protocol="modbus",
    version=1,
    limits=Limits(20, 2),
    places=(
        float32(_READ, 0, -2, "flow_temperature", 0, "degC"),
        float32(_READ, 2, -3, "pressure", -2, "bar"),
        float32(_READ, 4, -2, "frequency", 0, "Hz"),
        place(
            _READ, 8, "float32", "volume", 0, "m3", quantum=-2, factor=100,
            terms=(Term(10, "float32", 1),),
        ),
    ),
    billing=current("volume"),
    resolution=Resolution(1, -2, "m3"),
)  # fmt: skip
