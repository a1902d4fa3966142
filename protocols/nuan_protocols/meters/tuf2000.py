"""TUF-2000 family of ultrasonic heat and flow meters on Modbus RTU (9600 8N1).

Sold as TUF-2000B/F/M, Haifeng, Dalian Xianchao and under many other names.

Source      TUF-2000F user manual, section 5.1.1 "MODBUS registers table" (page 21 and following);
            the Xianchao protocol paper; wire address = register number - 1, low word first
Certainty   addresses, word order and error bits: manual and several independent readers agree;
            two worked examples with checksum. Multipliers and unit codes: the Xianchao paper and
            one more
Bills from  positive heat, a whole number (REG 17) and a fraction (REG 19). The meter's settings say
            what they count: heat = (N + Nf) * 10**(n - 4) GJ with n in REG 1440, when REG 1441 is
            0. This profile takes n = 4 and GJ, volume = (N + Nf) * 10**(n - 3) m3 with n = 3; it
            reads the settings and raises an alarm where a meter is set otherwise. Such a meter
            needs a profile of its own. The single float of REG 121 loses steps above 16.7 million
Rollover    not known
"""

from nuan_protocols.meters.profile import Profile, Resolution, Term, current, float32, place, uint16
from nuan_protocols.meters.status import ALARM, INFO, NOTICE, RECORD, Setting, bit

_READ = 3
_GJ = 9

PROFILE = Profile(
    name="tuf2000",
    title="TUF-2000 ultrasonic heat meter",
    protocol="modbus",
    version=1,
    reads=((_READ, 0, 36), (_READ, 71, 1), (_READ, 1437, 4)),
    places=(
        float32(_READ, 0, -4, "volume_flow", 0, "m3/h", "little"),
        float32(_READ, 2, -5, "power", _GJ, "J/h", "little"),
        place(
            _READ, 8, "int32", "volume", 0, "m3", quantum=-3, word_order="little",
            terms=(Term(10, "float32", 1),),
        ),
        place(
            _READ, 16, "int32", "energy", _GJ, "J", quantum=-4, word_order="little",
            terms=(Term(18, "float32", 1),),
        ),
        float32(_READ, 32, -2, "flow_temperature", 0, "degC", "little"),
        float32(_READ, 34, -2, "return_temperature", 0, "degC", "little"),
        uint16(_READ, 71, RECORD, 0, "1"),
        uint16(_READ, 1437, "parameter_set:volume_unit", 0, "1"),
        uint16(_READ, 1438, "parameter_set:volume_multiplier", 0, "1"),
        uint16(_READ, 1439, "parameter_set:heat_multiplier", 0, "1"),
        uint16(_READ, 1440, "parameter_set:heat_unit", 0, "1"),
    ),
    billing=current("energy"),
    resolution=Resolution(1, _GJ - 4, "J"),
    settings=(
        Setting("parameter_set:heat_unit", 0, "heat is not counted in GJ", ALARM),
        Setting("parameter_set:heat_multiplier", 4, "heat is counted in another step", ALARM),
        Setting("parameter_set:volume_unit", 0, "volume is not counted in m3", NOTICE),
        Setting("parameter_set:volume_multiplier", 3, "volume is counted in another step", NOTICE),
    ),
    flags=(
        bit(RECORD, 0, "no ultrasonic signal", ALARM),
        bit(RECORD, 1, "weak ultrasonic signal", NOTICE),
        bit(RECORD, 2, "poor ultrasonic signal", NOTICE),
        bit(RECORD, 3, "pipe empty", ALARM),
        bit(RECORD, 4, "hardware fault", ALARM),
        bit(RECORD, 5, "gain being adjusted", INFO),
        bit(RECORD, 6, "frequency output over range", INFO),
        bit(RECORD, 7, "current output over range", INFO),
        bit(RECORD, 8, "RAM checksum wrong", ALARM),
        bit(RECORD, 9, "clock fault", NOTICE),
        bit(RECORD, 10, "checksum of the settings wrong", ALARM),
        bit(RECORD, 11, "ROM checksum wrong", ALARM),
        bit(RECORD, 12, "temperature circuit fault", ALARM),
        bit(RECORD, 14, "internal timer overflow", NOTICE),
        bit(RECORD, 15, "analogue input over range", INFO),
    ),
)  # fmt: skip
