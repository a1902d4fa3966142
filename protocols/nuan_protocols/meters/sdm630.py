"""Eastron SDM630, three-phase electricity meter on Modbus RTU (9600 8N1, unit 1).

SDM230, SDM220 and SDM72 have the same registers where they measure the same.

Source      Eastron "SDM630-Modbus MID V2" manual, section 1.2, input registers; SDM72D-M manual,
            part 3 (at most 30 parameters, which are 60 registers, in one request)
Certainty   the manuals and several independent readers agree
Bills from  input register 48h, total import in kWh, kept to the display's 0.01 kWh. A float32 steps
            by more than that from 131,072 kWh on. Total energy (156h) is import and export together
Ratios      behind current transformers the meter must know its ratio itself
Rollover    not known
"""

from nuan_protocols.meters.profile import Limits, Profile, Resolution, current, float32

_READ = 4

PROFILE = Profile(
    name="sdm630",
    title="Eastron SDM630",
    protocol="modbus",
    version=1,
    limits=Limits(60, 8),
    places=(
        float32(_READ, 0x00, -1, "voltage:l1", 0, "V"),
        float32(_READ, 0x02, -1, "voltage:l2", 0, "V"),
        float32(_READ, 0x04, -1, "voltage:l3", 0, "V"),
        float32(_READ, 0x06, -3, "current:l1", 0, "A"),
        float32(_READ, 0x08, -3, "current:l2", 0, "A"),
        float32(_READ, 0x0A, -3, "current:l3", 0, "A"),
        float32(_READ, 0x0C, -1, "power:l1", 0, "W"),
        float32(_READ, 0x0E, -1, "power:l2", 0, "W"),
        float32(_READ, 0x10, -1, "power:l3", 0, "W"),
        float32(_READ, 0x34, -1, "power", 0, "W"),
        float32(_READ, 0x3E, -3, "power_factor", 0, "1"),
        float32(_READ, 0x46, -2, "frequency", 0, "Hz"),
        float32(_READ, 0x48, -2, "energy", 3, "Wh"),
        float32(_READ, 0x4A, -2, "energy:backward", 3, "Wh"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, 1, "Wh"),
)
