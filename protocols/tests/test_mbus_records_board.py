"""Every coding, unit and qualifier of a record, one line each, on CPython and on the board."""

from nuan_protocols.mbus.frame import long_frame
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.reading import decimal_text

HEADER = bytes.fromhex("785634122d2c010455000000")

# record -> quantity, value, unit, text
VALUES = (
    ("01 13 05", "volume", "0.005", "m3", ""),
    ("01 13 ff", "volume", "-0.001", "m3", ""),
    ("02 2b ffff", "power", "-1", "W", ""),
    ("03 13 ffffff", "volume", "-0.001", "m3", ""),
    ("04 06 d2040000", "energy", "1234000", "Wh", ""),
    ("04 0e d2040000", "energy", "1234000000", "J", ""),
    ("04 07 01000000", "energy", "10000", "Wh", ""),
    ("06 06 ffffffffff7f", "energy", "140737488355327000", "Wh", ""),
    ("07 03 feffffffffffffff", "energy", "-2", "Wh", ""),
    ("09 06 42", "energy", "42000", "Wh", ""),
    ("0a 5a 4506", "flow_temperature", "64.5", "degC", ""),
    ("0a 5a 45f6", "flow_temperature", "-64.5", "degC", ""),
    ("0b 3b 563412", "volume_flow", "123.456", "m3/h", ""),
    ("0c 14 78563412", "volume", "123456.78", "m3", ""),
    ("0e 06 120090785634", "energy", "345678900012000", "Wh", ""),
    ("0c 7b 01000000", "unknown", None, "", ""),
    ("05 2e b1d12ebe", "power", "-170.72178", "W", ""),
    ("05 3e cdcccc3d", "volume_flow", "0.1", "m3/h", ""),
    ("05 5b 00000080", "flow_temperature", 0, "degC", ""),
    ("04 40 01000000", "volume_flow", "0.0000060", "m3/h", ""),
    ("04 48 01000000", "volume_flow", "0.000003600", "m3/h", ""),
    ("04 53 01000000", "mass_flow", "1", "kg/h", ""),
    ("04 1b 01000000", "mass", "1", "kg", ""),
    ("04 33 01000000", "power", "1000", "J/h", ""),
    ("02 62 0100", "temperature_difference", "0.1", "K", ""),
    ("02 66 0100", "external_temperature", "0.1", "degC", ""),
    ("02 6a 0100", "pressure", "0.1", "bar", ""),
    ("01 6e 07", "heat_cost_units", "7", "1", ""),
    ("01 20 02", "on_time", "2", "s", ""),
    ("01 21 02", "on_time", "120", "s", ""),
    ("01 22 02", "on_time", "7200", "s", ""),
    ("01 27 02", "operating_time", "172800", "s", ""),
    ("01 72 18", "averaging_duration", "86400", "s", ""),
    ("01 75 02", "actuality_duration", "120", "s", ""),
    ("0c 78 78563402", "fabrication_number", "2345678", "1", "02345678"),
    ("0c 79 78563412", "enhanced_identification", "12345678", "1", "12345678"),
    ("04 78 ffffffff", "fabrication_number", "4294967295", "1", ""),
    ("01 7a ff", "bus_address", "255", "1", ""),
    ("01 7f 05", "manufacturer_specific", "5", "", ""),
    ("02 ff 21 0500", "manufacturer_specific", "5", "", ""),
    ("01 fd 17 ff", "error_flags", "255", "1", ""),
    ("02 fd 1b 0180", "digital_input", "32769", "1", ""),
    ("02 fd 48 ea08", "voltage", "228.2", "V", ""),
    ("04 fd 59 e8030000", "current", "1.000", "A", ""),
    ("01 fd 0e 12", "firmware_version", "18", "1", ""),
    ("01 fd 28 02", "storage_interval", "2", "month", ""),
    ("01 fd 31 02", "tariff_duration", "120", "s", ""),
    ("01 fd 6c 02", "battery_time", "7200", "s", ""),
    ("01 fd 6f 02", "battery_time", "2", "year", ""),
    ("02 fd 74 0a00", "battery_remaining", "864000", "s", ""),
    ("01 fd 71 b5", "rf_level", "-75", "dBm", ""),
    ("01 fd 3a 07", "dimensionless", "7", "1", ""),
    ("01 fb 00 02", "energy", "200000", "Wh", ""),
    ("01 fb 03 02", "energy_reactive", "20000", "varh", ""),
    ("01 fb 09 02", "energy", "2000000000", "J", ""),
    ("01 fb 0d 02", "energy", "2000000", "cal", ""),
    ("01 fb 10 02", "volume", "200", "m3", ""),
    ("01 fb 18 02", "mass", "200000", "kg", ""),
    ("01 fb 1a 02", "relative_humidity", "0.2", "%", ""),
    ("01 fb 21 02", "volume", "0.2", "ft3", ""),
    ("01 fb 25 02", "volume_flow", "120", "gal/h", ""),
    ("01 fb 29 02", "power", "2000000", "W", ""),
    ("01 fb 2e 05", "frequency", "0.5", "Hz", ""),
    ("01 fb 31 02", "power", "2000000000", "J/h", ""),
    ("01 fb 34 02", "power_apparent", "2", "VA", ""),
    ("01 fb 76 02", "temperature_limit", "0.2", "degC", ""),
    ("01 fb 79 02", "power:cumulated_maximum", "0.02", "W", ""),
    # VIFE: factors, addends, qualifiers, rates, and what turns the record into something else
    ("01 93 74 05", "volume", "0.00005", "m3", ""),
    ("01 93 7d 05", "volume", "5", "m3", ""),
    ("01 93 79 05", "volume", "0.015", "m3", ""),
    ("01 93 f4 79 05", "volume", "0.01005", "m3", ""),
    ("01 93 7b 05", "volume", "1.005", "m3", ""),
    ("01 86 3b 05", "energy:forward", "5000", "Wh", ""),
    ("01 86 3c 05", "energy:backward", "5000", "Wh", ""),
    ("01 93 22 05", "volume:per_hour", "0.005", "m3", ""),
    ("01 93 2c 05", "volume:per_litre", "0.005", "m3", ""),
    ("01 ab 40 05", "power:lower_limit", "5", "W", ""),
    ("01 ab 49 05", "count:upper_exceeds:of_power", "5", "1", ""),
    ("04 be 50 71bbb000", "duration:first_lower_exceed:of_volume_flow", "11582321", "s", ""),
    ("01 be 5e 02", "duration:last_upper_exceed:of_volume_flow", "7200", "s", ""),
    ("02 ab 6f 3f3c", "datetime:end_of_last:of_power", None, "", "2025-12-31"),
    (
        "04 ab 4a 1e0f 3f3c",
        "datetime:begin_of_first_upper_exceed:of_power",
        None,
        "",
        "2025-12-31T15:30",
    ),
    ("02 fd c8 fc 01 ea08", "voltage:l1", "228.2", "V", ""),
    ("02 fd c8 fc 05 ea08", "voltage:l1_l2", "228.2", "V", ""),
    ("02 fd d9 fc 83 74 0100", "current:l3", "0.00001", "A", ""),
    ("01 ab fc 10 05", "power:absolute", "5", "W", ""),
    ("01 ab fc 11 ff", "power", "255", "W", ""),
    ("01 ab 7e 05", "power:future", "5", "W", ""),
    ("01 ab ff 33 05", "power:manufacturer", "5", "W", ""),
    ("01 ab 00 05", "power", "5", "W", ""),
    # data that says its own length
    ("0d 78 03 434241", "fabrication_number", None, "1", "ABC"),
    ("0d fd 0c 00", "model_version", None, "1", ""),
    ("0d 06 c3 563412", "energy", "123456000", "Wh", ""),
    ("0d 06 d3 563412", "energy", "-123456000", "Wh", ""),
    ("0d 06 e2 ffff", "energy", "-1000", "Wh", ""),
    ("0d 06 e9 010000000000000000", "energy", "1000", "Wh", ""),
    ("0d 06 f0 01000000000000000000000000000000", "energy", "1000", "Wh", ""),
    # plain-text units: with VIF 7C, and with FC in the old and in the new place
    ("02 7c 03 48522a d411", "text_unit", "4564", "*RH", ""),
    ("02 fc 03 485225 74 d411", "text_unit", "45.64", "%RH", ""),
    ("02 fc 74 03 485225 d411", "text_unit", "45.64", "%RH", ""),
    ("02 fc f4 3b 03 485225 d411", "text_unit:forward", "45.64", "%RH", ""),
)

# record -> status, text
NO_VALUES = (
    ("0c 2b bdebdddd", "error", "DDDDEBBD"),
    ("0a 5a ffff", "error", "FFFF"),
    ("02 5a 0080", "error", ""),
    ("04 06 00000080", "error", ""),
    ("05 5b 0000c07f", "error", ""),
    ("05 5b 000080ff", "error", ""),
    ("01 86 15 05", "error", "no data available"),
    ("00 86 16", "error", "data overflow"),
    ("00 06", "unreadable:no data", ""),
    ("08 06", "unreadable:no data", ""),
    ("0d 06 e0", "unreadable:no data", ""),
    ("0d 06 01 41", "unreadable:text instead of a number", "A"),
    ("01 6f 05", "unreadable:VIF 6F is reserved", ""),
    ("01 7b 05", "unreadable:VIF 7B is reserved", ""),
    ("01 7e 05", "unreadable:VIF 7E names no quantity", ""),
    ("01 ef 00 05", "unreadable:VIF EF is reserved", ""),
    ("01 fd 7c 05", "unreadable:VIF FD 7C is reserved", ""),
    ("01 fb 40 05", "unreadable:VIF FB 40 is reserved", ""),
    ("01 ab 44 05", "unreadable:VIFE 44 is reserved", ""),
    ("01 ab fc 20 05", "unreadable:VIFE FC 20 is reserved", ""),
    ("04 ab 1f 00000000", "unreadable:a compact profile", ""),
    ("01 fd 19 05", "unreadable:kept as raw bytes", ""),
    ("01 6c 05", "unreadable:no type of date has 1 bytes", ""),
    ("0d 6d e5 0102030405", "unreadable:a date of variable length (type M)", ""),
    ("0a 6c 0512", "unreadable:a date that isn't coded as an integer", ""),
)

# DIF and DIFE -> function, storage, tariff, subunit
BLOCKS = (
    ("01", "instantaneous", 0, 0, 0),
    ("11", "maximum", 0, 0, 0),
    ("21", "minimum", 0, 0, 0),
    ("31", "error", 0, 0, 0),
    ("41", "instantaneous", 1, 0, 0),
    ("81 01", "instantaneous", 2, 0, 0),
    ("c1 01", "instantaneous", 3, 0, 0),
    ("81 10", "instantaneous", 0, 1, 0),
    ("81 30", "instantaneous", 0, 3, 0),
    ("81 40", "instantaneous", 0, 0, 1),
    ("c1 cf 5f", "instantaneous", 511, 4, 3),
    ("81 80 80 80 80 80 80 80 80 80 0f", "instantaneous", 15 << 37, 0, 0),
)


def read(record):
    telegram = decode(long_frame(0x08, 1, 0x72, HEADER + bytes.fromhex(record.replace(" ", ""))))
    assert len(telegram.records) == 1, record
    return telegram.records[0].reading


def value_of(reading):
    return reading.integer and decimal_text(reading.integer, reading.exponent)


def test_values():
    for record, quantity, value, unit, text in VALUES:
        reading = read(record)
        said = value_of(reading)
        assert reading.quantity == quantity, (record, reading)
        assert (said, reading.unit, reading.text) == (value, unit, text), (record, reading)
        assert reading.status == "ok" or value is None, (record, reading)


def test_values_that_cannot_be_told_keep_their_reason():
    for record, status, text in NO_VALUES:
        reading = read(record)
        assert reading.integer is None, (record, reading)
        assert (reading.status, reading.text) == (status, text), (record, reading)


def test_function_storage_tariff_and_subunit():
    for dib, function, storage, tariff, subunit in BLOCKS:
        reading = read(dib + "06 05")
        said = (reading.function, reading.storage, reading.tariff, reading.subunit)
        assert said == (function, storage, tariff, subunit), (dib, said)
        assert reading.integer == 5


def test_neighbours_of_an_unreadable_record_survive():
    data = bytes.fromhex("0106010c2bbdebdddd01fd7c052f2f0113020d06f7")
    records = decode(long_frame(0x08, 1, 0x72, HEADER + data)).records
    assert [record.reading.integer for record in records] == [1, None, None, 2, None]
    assert [record.offset for record in records] == [19, 22, 28, 34, 37]
    assert [record.length for record in records] == [3, 6, 4, 3, 3]
    assert records[4].data == b"\x0d\x06\xf7"
    assert records[4].reading.status == "unreadable:data length F7 is reserved (byte 39)"


def test_manufacturer_data_is_kept_raw_and_says_whether_more_follows():
    for dif, more in ((0x0F, False), (0x1F, True)):
        data = bytes((0x01, 0x06, 0x05, dif, 0x31, 0x32))
        telegram = decode(long_frame(0x08, 1, 0x72, HEADER + data))
        assert telegram.more == more
        assert telegram.records[1].data == b"\x31\x32"
        assert telegram.records[1].reading.quantity == "manufacturer_specific"
