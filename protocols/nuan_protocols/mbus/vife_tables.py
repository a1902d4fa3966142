"""What a VIFE adds to the meaning of its VIF (EN 13757-3, combinable VIFE and their extension).

Text for the same reason as vif_tables.py: one row a code, "code name".
"""

# In an answer: why the meter can't give the value.
RECORD_ERRORS = """\
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

# These narrow the quantity and leave the number alone; 20-38 also change the unit.
QUALIFIERS = """\
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

RATES_FIRST = 0x20
RATES_LAST = 0x38

# These turn the record into a point in time of what the VIF names.
TIME_POINTS = """\
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
DURATIONS = (
    "first_lower_exceed",
    "last_lower_exceed",
    "first_upper_exceed",
    "last_upper_exceed",
    "first",
    "last",
)
DURATIONS_FIRST = 0x50
DURATION_FACTORS = (1, 60, 3600, 86400)

COUNTS = {0x41: "lower_exceeds", 0x49: "upper_exceeds"}

# The VIFE behind FC.
EXTENDED = """\
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
EXTENDED_UNSIGNED = (0x11, 0x12)

_RATE_UNITS = """\
per_second /s
per_minute /min
per_hour /h
per_day /d
per_week /week
per_month /month
per_year /year
per_revolution /revolution
per_input_pulse_0 /pulse
per_input_pulse_1 /pulse
per_output_pulse_0 /pulse
per_output_pulse_1 /pulse
per_litre /l
per_m3 /m3
per_kg /kg
per_kelvin /K
per_kwh /kWh
per_gj /GJ
per_kw /kW
per_kelvin_litre /(K*l)
per_volt /V
per_ampere /A
times_second *s
times_second_per_volt *s/V
times_second_per_ampere *s/A
"""


def name_of(table: str, code: int) -> str:
    """The name of a code, "" when the table has none."""
    return _behind(table, f"{code:02X} ")


def rate_unit(qualifier: str) -> str:
    """What a rate appends to the unit: "per_hour" -> "/h"."""
    return _behind(_RATE_UNITS, qualifier + " ")


def _behind(table: str, key: str) -> str:
    at = table.find(key)
    while at > 0 and table[at - 1] != "\n":
        at = table.find(key, at + 1)
    if at < 0:
        return ""
    at += len(key)
    return table[at : table.find("\n", at)]
