"""SHT20 temperature and humidity transmitters, sold as XY-MD02 and others (9600 8N1, unit 1).

Source      maker's leaflet "XY-MD02", section Modbus protocol, with the examples 0131h = 30.5 degC,
            FF33h = -20.5 degC and 0222h = 54.6 %
Certainty   two copies of the leaflet agree; some sellers' boards answer only the maker's text
            commands until switched over, and some boards begin at input register 0
Bills from  nothing
"""

from nuan_protocols.meters.profile import Profile, int16, uint16

_READ = 4

PROFILE = Profile(
    name="room_rs485",
    title="SHT20 room sensor (XY-MD02)",
    protocol="modbus",
    version=1,
    reads=((_READ, 1, 2),),
    places=(
        int16(_READ, 1, "room_temperature", -1, "degC"),
        uint16(_READ, 2, "relative_humidity", -1, "%"),
    ),
    billing=None,
)
