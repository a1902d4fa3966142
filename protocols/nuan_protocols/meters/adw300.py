"""Acrel ADW300, three-phase electricity meter on Modbus RTU.

Source      register map as evcc's template "acrel-adw300" has it (36 active power, 62 forward and
            64 reverse active energy)
Certainty   one source; Acrel's manual was not seen. Compare with the display before billing
Bills from  register 62, forward active energy in 0.01 kWh
Ratios      behind current transformers compare the steps with the display: the factors depend on
            the model
Rollover    not known
"""

from nuan_protocols.meters.profile import Profile, Resolution, current, place, uint16

_READ = 3

PROFILE = Profile(
    name="adw300",
    title="Acrel ADW300",
    protocol="modbus",
    version=1,
    reads=((_READ, 20, 18), (_READ, 62, 4)),
    places=(
        uint16(_READ, 20, "voltage:l1", -1, "V"),
        uint16(_READ, 21, "voltage:l2", -1, "V"),
        uint16(_READ, 22, "voltage:l3", -1, "V"),
        uint16(_READ, 26, "current:l1", -2, "A"),
        uint16(_READ, 27, "current:l2", -2, "A"),
        uint16(_READ, 28, "current:l3", -2, "A"),
        place(_READ, 30, "int32", "power:l1", 0, "W"),
        place(_READ, 32, "int32", "power:l2", 0, "W"),
        place(_READ, 34, "int32", "power:l3", 0, "W"),
        place(_READ, 36, "int32", "power", 0, "W"),
        place(_READ, 62, "int32", "energy", 1, "Wh"),
        place(_READ, 64, "int32", "energy:backward", 1, "Wh"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, 1, "Wh"),
)
