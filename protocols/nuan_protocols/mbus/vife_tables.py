"""What a VIFE adds to the meaning of its VIF (EN 13757-3, combinable VIFE and their extension)."""

# VIFE 01-1C in an answer: why the meter can't give the value.
RECORD_ERRORS = {
    0x01: "too many DIFE",
    0x02: "storage number not implemented",
    0x03: "unit number not implemented",
    0x04: "tariff number not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFE",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF and DIF don't match",
    0x0F: "action not implemented",
    0x15: "no data available",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}

# VIFE 20-38: qualifier and what it appends to the unit.
RATES = (
    ("per_second", "/s"),
    ("per_minute", "/min"),
    ("per_hour", "/h"),
    ("per_day", "/d"),
    ("per_week", "/week"),
    ("per_month", "/month"),
    ("per_year", "/year"),
    ("per_revolution", "/revolution"),
    ("per_input_pulse_0", "/pulse"),
    ("per_input_pulse_1", "/pulse"),
    ("per_output_pulse_0", "/pulse"),
    ("per_output_pulse_1", "/pulse"),
    ("per_litre", "/l"),
    ("per_m3", "/m3"),
    ("per_kg", "/kg"),
    ("per_kelvin", "/K"),
    ("per_kwh", "/kWh"),
    ("per_gj", "/GJ"),
    ("per_kw", "/kW"),
    ("per_kelvin_litre", "/(K*l)"),
    ("per_volt", "/V"),
    ("per_ampere", "/A"),
    ("times_second", "*s"),
    ("times_second_per_volt", "*s/V"),
    ("times_second_per_ampere", "*s/A"),
)
RATES_FIRST = 0x20

# VIFE that narrow the quantity and leave unit and number alone.
QUALIFIERS = {
    0x12: "average",
    0x3A: "uncorrected",
    0x3B: "forward",
    0x3C: "backward",
    0x3E: "base_conditions",
    0x40: "lower_limit",
    0x48: "upper_limit",
    0x68: "at_lower_exceed",
    0x69: "leakage",
    0x6C: "at_upper_exceed",
    0x6D: "overflow",
    0x7E: "future",
}

# VIFE that turn the record into a point in time of what the VIF names.
TIME_POINTS = {
    0x39: "start",
    0x42: "begin_of_first_lower_exceed",
    0x43: "end_of_first_lower_exceed",
    0x46: "begin_of_last_lower_exceed",
    0x47: "end_of_last_lower_exceed",
    0x4A: "begin_of_first_upper_exceed",
    0x4B: "end_of_first_upper_exceed",
    0x4E: "begin_of_last_upper_exceed",
    0x4F: "end_of_last_upper_exceed",
    0x6A: "begin_of_first",
    0x6B: "end_of_first",
    0x6E: "begin_of_last",
    0x6F: "end_of_last",
}

# VIFE 50-67, in fours (s, min, h, d): durations of what the VIF names.
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
EXTENDED = {
    0x01: "l1",
    0x02: "l2",
    0x03: "l3",
    0x04: "neutral",
    0x05: "l1_l2",
    0x06: "l2_l3",
    0x07: "l3_l1",
    0x08: "q1",
    0x09: "q2",
    0x0A: "q3",
    0x0B: "q4",
    0x0C: "import_less_export",
    0x10: "absolute",
    0x13: "to_meter",
    0x14: "from_meter",
}
EXTENDED_UNSIGNED = (0x11, 0x12)
