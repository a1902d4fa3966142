"""Fuxin gas flow computer (S7 block) on Modbus RTU.

Source      the maker's page on the protocol, with a worked example of the whole block: start 000Ah,
            14h registers
Certainty   one source. In its example the totals at base conditions agree, as float and as BCD; the
            gross totals don't (12345686 and 12285686.4222), so gross is read from the float only
Bills from  volume at base conditions, twelve BCD digits, four of them decimals
Rollover    twelve digits
"""

from nuan_protocols.meters.profile import Profile, Resolution, current, float32, place

_READ = 3

PROFILE = Profile(
    name="fuxin_gas",
    title="Fuxin gas flow computer",
    protocol="modbus",
    version=1,
    reads=((_READ, 0x000A, 0x14),),
    places=(
        float32(_READ, 0x0A, -1, "volume:at_working_conditions", 0, "m3"),
        float32(_READ, 0x10, -3, "volume_flow", 0, "m3/h"),
        place(_READ, 0x12, "bcd48", "volume", -4, "m3"),
        float32(_READ, 0x15, -3, "volume_flow:at_working_conditions", 0, "m3/h"),
        float32(_READ, 0x1A, -3, "flow_temperature", 0, "degC"),
        float32(_READ, 0x1C, -3, "pressure", -2, "bar"),
    ),
    billing=current("volume"),
    resolution=Resolution(1, -4, "m3"),
    rollover=10**12,
)
