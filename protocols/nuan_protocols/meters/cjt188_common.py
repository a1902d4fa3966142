"""What the profiles of CJ/T 188 meters share: registers, reads, and the standard's status bits.

Source      CJ/T 188-2004, clause on data identifiers and table of the status word ST
Certainty   the status word's first byte is the standard's; its second byte is each maker's own, and
            idle meters on a bench set bits there, so none is named without the maker's document
Step        none is stated: every answer names its unit, kWh, MWh or GJ, m3 or l, as the meter's
            size asks; a register shows 0.01 of it
"""

from nuan_protocols.meters.profile import Cost, Register, Resolution, current, settled
from nuan_protocols.meters.status import ALARM, INFO, NOTICE, RECORD, Flag, bit

READ_DATA = 0x01

# The byte of 901F that goes first differs between makers; a meter ignores the other order.
READ_901F = ((READ_DATA, 0x90, 0x1F),)
READ_1F90 = ((READ_DATA, 0x1F, 0x90),)
READ_911F = ((READ_DATA, 0x91, 0x1F),)

TYPE_COLD_WATER = 0x10
TYPE_COOLING = 0x21
TYPE_HEAT_AND_COOLING = 0x22
TYPE_GAS = 0x30

# Eight BCD digits count to 99999999 and begin again.
ROLLOVER = 10**8
# Eight digits of whole cubic metres and six of their millionths.
ROLLOVER_ML = 10**14
STEP_1_ML = Resolution(1, -6, "m3")
_MONTHS = 12

STANDARD_FLAGS = (
    Flag(RECORD, 0x03, 0x01, "valve closed", INFO),
    Flag(RECORD, 0x03, 0x03, "valve fault", ALARM),
    bit(RECORD, 2, "battery low", NOTICE),
)
# Tiangang, Shida and Chuangzhan: second byte of ST, bits 0 to 3.
PARTS_FLAGS = (
    bit(RECORD, 8, "calculator fault", ALARM),
    bit(RECORD, 9, "supply temperature sensor fault", ALARM),
    bit(RECORD, 10, "return temperature sensor fault", ALARM),
    bit(RECORD, 11, "flow sensor fault", ALARM),
)
METERTECH_FLAGS = (
    bit(RECORD, 8, "temperature sensor short-circuited", ALARM),
    bit(RECORD, 9, "temperature sensor open", ALARM),
    bit(RECORD, 10, "no water, or its wire is broken", NOTICE),
    bit(RECORD, 11, "circuit board fault", ALARM),
    bit(RECORD, 12, "flow above the range", ALARM),
)

_ACTUAL = (
    current("power"),
    current("volume_flow"),
    current("volume"),
    current("flow_temperature"),
    current("return_temperature"),
    current("operating_time"),
    current("datetime"),
)


def months(quantity: str) -> "tuple[Register, ...]":
    """The registers of the last twelve settlement days, the latest first (D120 to D12B)."""
    return tuple([settled(quantity, month) for month in range(1, _MONTHS + 1)])


_ENERGY = (current("energy"),)
_COOLING = (current("energy:cooling"),)
_VOLUME = (current("volume"), current("datetime"))
_MOVING = (current("volume_flow"), current("flow_temperature"))
_ENERGY_MONTHS = months("energy")
_COOLING_MONTHS = months("energy:cooling")
_VOLUME_MONTHS = months("volume")

HEAT = _ENERGY + _ENERGY_MONTHS + _ACTUAL
COOLING = _COOLING + _COOLING_MONTHS + _ACTUAL
HEAT_AND_COOLING = HEAT + _COOLING + _COOLING_MONTHS
VOLUME = _VOLUME + _VOLUME_MONTHS
VOLUME_FRACTION = VOLUME + _MOVING

# No document states how often a battery allows reading; what was missed stands in the history.
HEAT_COST = Cost(0, 0, _ENERGY_MONTHS)
COOLING_COST = Cost(0, 0, _COOLING_MONTHS)
VOLUME_COST = Cost(0, 0, _VOLUME_MONTHS)
