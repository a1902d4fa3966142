"""DS18B20 temperature probes on a one-wire pin of a board.

Source      maker's data sheet: scratchpad, bytes 0 and 1 in sixteenths of a degree, CRC in byte 8
Certainty   sure; 85.0 degC stands in the scratchpad from power-on to the first conversion, and is
            no measurement
Bills from  nothing
"""

from nuan_protocols.meters.profile import Profile, current

READ_SCRATCHPAD = 0xBE

PROFILE = Profile(
    name="ds18b20",
    title="DS18B20 probe",
    protocol="onewire",
    version=1,
    reads=((READ_SCRATCHPAD, 0, 9),),
    registers=(current("room_temperature"),),
    billing=None,
)
