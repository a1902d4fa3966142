"""CHINT DTSU666 and DSSU666, three-phase electricity meters on Modbus RTU (9600 8N1, unit 1).

Source      user manual ZTY0.464.1448, "DTSU666 series and DSSU666 series three phase electronic
            energy meter", section 5.3, table 11 (page 12 and following)
Certainty   addresses and float format: the manual, and three independent readers agree on them;
            the factors 0.1 V, 0.001 A, 0.1 W, 0.1 var likewise. Some sellers' firmware has its
            energies at 401Eh and 4028h instead, and answers 101Eh with an exception. Power factor
            (202Ah) and frequency (2044h) are left out: they would cost two requests more
Bills from  101Eh, total active import in kWh, kept to the display's 0.01 kWh. A float32 steps by
            more than that from 131,072 kWh on, where a reading is exact to its own step only
Ratios      behind current transformers a meter counts secondary energy: IrAt (0006h) and UrAt
            (0007h) belong to the metering point, not to the model
Rollover    999,999.99 kWh
"""

from nuan_protocols.meters.profile import Profile, Resolution, current, float32

_READ = 3

PROFILE = Profile(
    name="dtsu666",
    title="CHINT DTSU666",
    protocol="modbus",
    version=1,
    reads=((_READ, 0x101E, 12), (_READ, 0x2006, 22)),
    places=(
        float32(_READ, 0x101E, -2, "energy", 3, "Wh"),
        float32(_READ, 0x1028, -2, "energy:backward", 3, "Wh"),
        float32(_READ, 0x2006, 0, "voltage:l1", -1, "V"),
        float32(_READ, 0x2008, 0, "voltage:l2", -1, "V"),
        float32(_READ, 0x200A, 0, "voltage:l3", -1, "V"),
        float32(_READ, 0x200C, 0, "current:l1", -3, "A"),
        float32(_READ, 0x200E, 0, "current:l2", -3, "A"),
        float32(_READ, 0x2010, 0, "current:l3", -3, "A"),
        float32(_READ, 0x2012, 0, "power", -1, "W"),
        float32(_READ, 0x2014, 0, "power:l1", -1, "W"),
        float32(_READ, 0x2016, 0, "power:l2", -1, "W"),
        float32(_READ, 0x2018, 0, "power:l3", -1, "W"),
        float32(_READ, 0x201A, 0, "power_reactive", -1, "var"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, 1, "Wh"),
    rollover=10**8,
)
