"""What each VIF code stands for (EN 13757-3): the primary table and the extensions FD and FB.

One row a quantity: first code + number of codes, coding, exponent, quantity, unit. The exponent
grows by one from code to code. A row with several units gives each code its own instead, with the
same exponent. Codes in no row are reserved.

Coding: n number, u unsigned, i identifier (leading zeros count), d date, r raw bytes.

The tables are text because the board reads them seldom and its heap is small: as tuples they would
take four times the room.
"""

NUMBER = "n"
UNSIGNED = "u"
IDENTIFIER = "i"
DATE = "d"
RAW = "r"

# Units that are whole multiples of the base unit a reading carries: name -> (base unit, factor).
MULTIPLES = {
    "min": ("s", 60),
    "h": ("s", 3600),
    "d": ("s", 86400),
    "m3/min": ("m3/h", 60),
    "m3/s": ("m3/h", 3600),
    "gal/min": ("gal/h", 60),
}

PRIMARY = """\
00+08 n -3 energy Wh
08+08 n 0 energy J
10+08 n -6 volume m3
18+08 n -3 mass kg
20+04 n 0 on_time s min h d
24+04 n 0 operating_time s min h d
28+08 n -3 power W
30+08 n 0 power J/h
38+08 n -6 volume_flow m3/h
40+08 n -7 volume_flow m3/min
48+08 n -9 volume_flow m3/s
50+08 n -3 mass_flow kg/h
58+04 n -3 flow_temperature degC
5C+04 n -3 return_temperature degC
60+04 n -3 temperature_difference K
64+04 n -3 external_temperature degC
68+04 n -3 pressure bar
6C+01 d 0 date
6D+01 d 0 datetime
6E+01 n 0 heat_cost_units 1
70+04 n 0 averaging_duration s min h d
74+04 n 0 actuality_duration s min h d
78+01 i 0 fabrication_number 1
79+01 i 0 enhanced_identification 1
7A+01 u 0 bus_address 1
"""

FD = """\
00+04 n -3 credit 1
04+04 n -3 debit 1
08+01 u 0 access_number 1
09+01 u 0 medium 1
0A+01 u 0 manufacturer 1
0B+01 i 0 parameter_set 1
0C+01 i 0 model_version 1
0D+01 i 0 hardware_version 1
0E+01 i 0 firmware_version 1
0F+01 i 0 software_version 1
10+01 i 0 customer_location 1
11+01 i 0 customer 1
12+01 i 0 access_code_user 1
13+01 i 0 access_code_operator 1
14+01 i 0 access_code_system_operator 1
15+01 i 0 access_code_developer 1
16+01 i 0 password 1
17+01 u 0 error_flags 1
18+01 u 0 error_mask 1
19+01 r 0 security_key
1A+01 u 0 digital_output 1
1B+01 u 0 digital_input 1
1C+01 u 0 baud_rate Bd
1D+01 u 0 response_delay bit
1E+01 u 0 retry 1
1F+01 u 0 remote_control 1
20+01 u 0 storage_first 1
21+01 u 0 storage_last 1
22+01 u 0 storage_block_size 1
23+01 r 0 tariff_information
24+06 n 0 storage_interval s min h d month year
2A+01 r 0 operator_data
2B+01 u 0 second_of_minute s
2C+04 n 0 duration_since_readout s min h d
30+01 d 0 tariff_start
31+03 n 0 tariff_duration min h d
34+06 n 0 tariff_period s min h d month year
3A+01 n 0 dimensionless 1
3B+01 r 0 data_container
3C+04 n 0 transmission_period s min h d
40+16 n -9 voltage V
50+16 n -12 current A
60+01 u 0 reset_counter 1
61+01 u 0 cumulation_counter 1
62+01 u 0 control_signal 1
63+01 u 0 day_of_week 1
64+01 u 0 week_number 1
65+01 d 0 day_change
66+01 u 0 parameter_activation_state 1
67+01 i 0 supplier_information 1
68+04 n 0 duration_since_cumulation h d month year
6C+04 n 0 battery_time h d month year
70+01 d 0 battery_change
71+01 n 0 rf_level dBm
72+01 r 0 daylight_saving
73+01 r 0 listening_window
74+01 n 0 battery_remaining d
75+01 u 0 stop_counter 1
76+01 r 0 data_container
"""

FB = """\
00+02 n 5 energy Wh
02+02 n 3 energy_reactive varh
04+02 n 3 energy_apparent VAh
08+02 n 8 energy J
0C+04 n 5 energy cal
10+02 n 2 volume m3
14+04 n 0 power_reactive var
18+02 n 5 mass kg
1A+02 n -1 relative_humidity %
20+01 n 0 volume ft3
21+01 n -1 volume ft3
22+02 n -1 volume gal
24+01 n -3 volume_flow gal/min
25+01 n 0 volume_flow gal/min
26+01 n 0 volume_flow gal/h
28+02 n 5 power W
2A+01 n -1 phase_angle:voltage deg
2B+01 n -1 phase_angle:current deg
2C+04 n -3 frequency Hz
30+02 n 8 power J/h
34+04 n 0 power_apparent VA
58+04 n -3 flow_temperature degF
5C+04 n -3 return_temperature degF
60+04 n -3 temperature_difference degF
64+04 n -3 external_temperature degF
70+04 n -3 temperature_limit degF
74+04 n -3 temperature_limit degC
78+08 n -3 power:cumulated_maximum W
"""


def lookup(table: str, code: int) -> tuple[str, str, int, str] | None:
    """(quantity, unit, exponent, coding) of a VIF code without its extension bit."""
    start = 0
    while start < len(table):
        end = table.find("\n", start)
        step = code - int(table[start : start + 2], 16)
        if 0 <= step < int(table[start + 3 : start + 5]):
            words = table[start:end].split(" ")
            units = words[4:]
            if len(units) > 1:
                return words[3], units[step], int(words[2]), words[1]
            return words[3], units[0] if units else "", int(words[2]) + step, words[1]
        start = end + 1
    return None


def name_of(table: str, code: int) -> str:
    """What stands behind a code at the start of a row, "" when no row starts with it."""
    key = f"{code:02X} "
    at = table.find(key)
    while at > 0 and table[at - 1] != "\n":
        at = table.find(key, at + 1)
    if at < 0:
        return ""
    at += len(key)
    return table[at : table.find("\n", at)]
