"""What VIFE add to the meaning of their VIF (EN 13757-3, combinable VIFE and their extension).

The tables are text for the same reason as in vif_tables.py: one row a code, "code name".
"""

from typing import TYPE_CHECKING

from nuan_protocols.mbus.vif_tables import DATE, NUMBER, UNSIGNED, name_of

if TYPE_CHECKING:
    from nuan_protocols.mbus.vib import Meaning

_EXTENSION_BIT = 0x80
_VIFE_STANDARD_CONFORM = 0x1D
_VIFE_COMPACT_PROFILES = (0x13, 0x1E, 0x1F)
_VIFE_FACTORS = 0x70
_VIFE_ADDENDS = 0x78
_VIFE_EXTENDED = 0x7C
_VIFE_THOUSAND = 0x7D
_VIFE_MANUFACTURER = 0x7F

# In an answer: why the meter can't give the value.
_RECORD_ERRORS = """\
01 too_many_DIFE
02 storage_number_not_implemented
03 unit_number_not_implemented
04 tariff_number_not_implemented
05 function_not_implemented
06 data_class_not_implemented
07 data_size_not_implemented
0B too_many_VIFE
0C illegal_VIF_group
0D illegal_VIF_exponent
0E VIF_and_DIF_don't_match
0F action_not_implemented
15 no_data_available
16 data_overflow
17 data_underflow
18 data_error
1C premature_end_of_record
"""

# These narrow the quantity and leave the number alone. A rate keeps the unit of what is counted:
# "volume:per_hour" is in m3, the hour is in the name.
_QUALIFIERS = """\
12 average
20 per_second
21 per_minute
22 per_hour
23 per_day
24 per_week
25 per_month
26 per_year
27 per_revolution
28 per_input_pulse_0
29 per_input_pulse_1
2A per_output_pulse_0
2B per_output_pulse_1
2C per_litre
2D per_m3
2E per_kg
2F per_kelvin
30 per_kwh
31 per_gj
32 per_kw
33 per_kelvin_litre
34 per_volt
35 per_ampere
36 times_second
37 times_second_per_volt
38 times_second_per_ampere
3A uncorrected
3B forward
3C backward
3E base_conditions
40 lower_limit
48 upper_limit
68 at_lower_exceed
69 leakage
6C at_upper_exceed
6D overflow
7E future
"""


# These turn the record into a point in time of what the VIF names.
_TIME_POINTS = """\
39 start
42 begin_of_first_lower_exceed
43 end_of_first_lower_exceed
46 begin_of_last_lower_exceed
47 end_of_last_lower_exceed
4A begin_of_first_upper_exceed
4B end_of_first_upper_exceed
4E begin_of_last_upper_exceed
4F end_of_last_upper_exceed
6A begin_of_first
6B end_of_first
6E begin_of_last
6F end_of_last
"""

# 50-67, in fours (s, min, h, d): durations of what the VIF names.
_DURATIONS = (
    "first_lower_exceed",
    "last_lower_exceed",
    "first_upper_exceed",
    "last_upper_exceed",
    "first",
    "last",
)
_DURATIONS_FIRST = 0x50
_DURATION_FACTORS = (1, 60, 3600, 86400)

_COUNTS = {0x41: "lower_exceeds", 0x49: "upper_exceeds"}

# The VIFE behind FC.
_EXTENDED = """\
01 l1
02 l2
03 l3
04 neutral
05 l1_l2
06 l2_l3
07 l3_l1
08 q1
09 q2
0A q3
0B q4
0C import_less_export
10 absolute
13 to_meter
14 from_meter
"""
_EXTENDED_UNSIGNED = (0x11, 0x12)


def apply_chain(found: "Meaning", chain: bytes, at: int) -> None:
    """Add to `found` what the VIFE from chain[at] on say."""
    while at < len(chain):
        code = chain[at] & ~_EXTENSION_BIT
        if code == _VIFE_MANUFACTURER:
            found.quantity += ":manufacturer"
            return
        if code == _VIFE_EXTENDED:
            at += 1
            _apply_extended(found, chain[at] & ~_EXTENSION_BIT if at < len(chain) else 0)
        elif code >= _VIFE_FACTORS:
            _apply_correction(found, code)
        else:
            _apply(found, code)
        at += 1


def _apply_extended(found: "Meaning", code: int) -> None:
    if code in _EXTENDED_UNSIGNED:
        found.coding = UNSIGNED
    else:
        qualifier = name_of(_EXTENDED, code)
        if qualifier:
            found.quantity += ":" + qualifier
        else:
            found.problem = f"VIFE FC {code:02X} is reserved"


def _apply_correction(found: "Meaning", code: int) -> None:
    if code < _VIFE_ADDENDS:
        found.exponent += code - _VIFE_FACTORS - 6
    elif code < _VIFE_EXTENDED:
        found.addend = code - _VIFE_ADDENDS - 3
    elif code == _VIFE_THOUSAND:
        found.exponent += 3
    else:
        found.quantity += ":" + name_of(_QUALIFIERS, code)


def _apply(found: "Meaning", code: int) -> None:
    if code in (0, _VIFE_STANDARD_CONFORM):
        return
    if code in _VIFE_COMPACT_PROFILES:
        found.problem = "a compact profile"
        return
    qualifier = name_of(_QUALIFIERS, code)
    if qualifier:
        found.quantity += ":" + qualifier
        return
    error = name_of(_RECORD_ERRORS, code)
    if error:
        found.error = error.replace("_", " ")
    elif not _apply_turn(found, code):
        found.problem = f"VIFE {code:02X} is reserved"


def _apply_turn(found: "Meaning", code: int) -> bool:
    qualifier = name_of(_TIME_POINTS, code)
    if qualifier:
        _turn(found, "datetime", qualifier, "", DATE)
        return True
    if code in _COUNTS:
        _turn(found, "count", _COUNTS[code], "1", UNSIGNED)
        return True
    duration = code - _DURATIONS_FIRST
    if 0 <= duration < 4 * len(_DURATIONS):
        _turn(found, "duration", _DURATIONS[duration >> 2], "s", NUMBER)
        found.factor = _DURATION_FACTORS[duration & 3]
        return True
    return False


def _turn(found: "Meaning", quantity: str, qualifier: str, unit: str, coding: str) -> None:
    """The record is no longer about the VIF's number but about something of it."""
    found.quantity = f"{quantity}:{qualifier}:of_{found.quantity}"
    found.unit = unit
    found.coding = coding
    found.exponent = 0
    found.factor = 1
    found.addend = None
