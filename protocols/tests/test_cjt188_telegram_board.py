"""Answers of CJ/T 188 meters read on either runtime; frames put together here."""

from nuan_protocols.cjt188 import commands
from nuan_protocols.cjt188.annotate import byte_groups
from nuan_protocols.cjt188.dialects import DIALECTS, STANDARD
from nuan_protocols.cjt188.frame import make, parse
from nuan_protocols.cjt188.master import Address
from nuan_protocols.cjt188.telegram import decode, find
from nuan_protocols.errors import ProtocolError, RecordError
from nuan_protocols.reading import decimal_text

WIRE = bytes.fromhex("75364959001111")
HEAT = "56040000 05 23010000 05 75040000 17 10930000 35 89070000 2C 045100 614600 908302"
CLOCK = "30240908011320"


def read(data, kind=0x20, control=0x81, dialect=STANDARD):
    return decode(make(kind, WIRE, control, bytes.fromhex(data)), dialect)


def said(telegram):
    found = {}
    for record in telegram.records:
        reading = record.reading
        text = reading.text
        if reading.integer is not None:
            text = decimal_text(reading.integer, reading.exponent) + " " + reading.unit
        elif reading.status != "ok":
            text = reading.status + " " + text
        name = reading.quantity
        if reading.storage:
            name = name + " " + str(reading.storage)
        found[name] = text
    return found


def test_a_heat_answer_is_read_whole():
    telegram = read("901F12" + HEAT + CLOCK + "0408")
    assert (telegram.protocol, telegram.type, telegram.address) == (
        "cjt188",
        0x20,
        "11110059493675",
    )
    assert (telegram.di, telegram.ser, telegram.status) == (0x901F, 0x12, b"\x04\x08")
    assert said(telegram) == {
        "energy 1": "4560 Wh",
        "energy": "1230 Wh",
        "power": "4750 W",
        "volume_flow": "0.9310 m3/h",
        "volume": "7.89 m3",
        "flow_temperature": "51.04 degC",
        "return_temperature": "46.61 degC",
        "operating_time": "102204000 s",
        "datetime": "2013-01-08T09:24:30",
        "error_flags": "2052 1",
    }


def test_the_order_of_the_identifier_changes_nothing():
    assert said(read("1F9000" + HEAT + CLOCK + "0000")) == said(
        read("901F00" + HEAT + CLOCK + "0000")
    )
    assert read("1F9000" + HEAT + CLOCK + "0000").di == 0x901F


def test_cooling_comes_by_type_or_dialect():
    data = "901F12" + HEAT + CLOCK + "0000"
    cooling = said(read(data, 0x21))
    assert (cooling["energy:cooling 1"], cooling["energy:cooling"]) == ("4560 Wh", "1230 Wh")
    both = said(read(data, 0x27, 0x81, DIALECTS["cooling_first"]))
    assert (both["energy:cooling"], both["energy"]) == ("4560 Wh", "1230 Wh")
    whole = said(read(data, 0x20, 0x81, DIALECTS["cooling_first_whole"]))
    assert (whole["energy:cooling"], whole["volume_flow"]) == ("456000 Wh", "9310 m3/h")


def test_heat_and_cooling_of_2018():
    values = "00010000 08 00020000 08 00030000 11 00040000 11 75040000 17 10930000 35 89070000 2C"
    telegram = read("911F01" + values + "045100 614600 500000 400000 908302" + CLOCK + "0000", 0x22)
    found = said(telegram)
    assert (found["energy 1"], found["energy:cooling 1"]) == ("1000000 Wh", "2000000 Wh")
    assert (found["energy"], found["energy:cooling"]) == ("3000000000 J", "4000000000 J")
    assert found["pressure:supply"] == "unreadable:its unit is not known 000050"
    assert found["operating_time"] == "102204000 s"
    assert telegram.status == b"\x00\x00"


def test_water_and_gas_answers():
    for kind in (0x10, 0x13, 0x30):
        found = said(read("901F00 00776655 2C 77665500 29 31012211051520 2184", kind))
        assert (found["volume"], found["volume 1"]) == ("556677.00 m3", "5.56677 m3")
        assert found["datetime"] == "2015-05-11T22:01:31"
    fraction = DIALECTS["water_fraction"]
    found = said(read("901F00 12000000 563400 010000 21 302010 010513 0000", 0x10, 0x81, fraction))
    assert found["volume"] == "12.003456 m3"
    assert found["flow_temperature"] == "21 degC"
    assert found["volume_flow"].startswith("unreadable:its unit and decimals")


def test_all_units():
    energy = (
        ("01", "0.05 J"),
        ("02", "0.05 Wh"),
        ("05", "50 Wh"),
        ("08", "50000 Wh"),
        ("0A", "5000000 Wh"),
        ("0B", "50 J"),
        ("0E", "50000 J"),
        ("11", "50000000 J"),
        ("13", "5000000000 J"),
    )
    for code, text in energy:
        assert said(read("D12000 05000000" + code))["energy 1"] == text
    for code, text in (("29", "0.00005 m3"), ("2C", "0.05 m3")):
        assert said(read("D12B00 05000000" + code, 0x10))["volume 12"] == text
    for code, text in (("14", "4.75 W"), ("17", "4750 W"), ("1A", "4750000 W")):
        heat = HEAT.replace("75040000 17", "75040000" + code)
        assert said(read("901F00" + heat + CLOCK + "0000"))["power"] == text
    for code, text in (("32", "0.0009310 m3/h"), ("35", "0.9310 m3/h")):
        heat = HEAT.replace("10930000 35", "10930000" + code)
        assert said(read("901F00" + heat + CLOCK + "0000"))["volume_flow"] == text


def test_what_cannot_be_read_leaves_its_neighbours():
    good = said(read("901F00" + HEAT + CLOCK + "0000"))
    for was, now, name, text in (
        ("75040000 17", "75040000 91", "power", "unreadable:unit 91 is unknown 00000475"),
        ("75040000 17", "7A040000 17", "power", "unreadable:not a decimal number 0000047A"),
        (
            "75040000 17",
            "75040000 2C",
            "power",
            "unreadable:unit 2C (m3) is none of power 00000475",
        ),
        ("045100", "9A2786", "flow_temperature", "unreadable:not a decimal number 86279A"),
        ("908302", "9083FF", "operating_time", "unreadable:not a decimal number FF8390"),
    ):
        found = said(read("901F00" + HEAT.replace(was, now) + CLOCK + "0000"))
        for each in good:
            assert found[each] == (text if each == name else good[each]), (now, each)
    for clock in ("00000000000000", "30240932011320", "30240930021320", "30600908011320"):
        found = said(read("901F00" + HEAT + clock + "0000"))
        assert found["datetime"].startswith("unreadable:no such date or time")
        assert found["energy"] == good["energy"]
    leap = said(read("901F00" + HEAT + "30240929021220" + "0000"))
    assert leap["datetime"] == "2012-02-29T09:24:30"


def test_an_unknown_length_is_kept_and_never_guessed():
    for data in ("901F00" + HEAT, "901F00" + HEAT + CLOCK + "000000", "D30000 0102"):
        telegram = read(data)
        (record,) = telegram.records
        assert record.reading.status == "unreadable:no layout is known for this answer"
        assert record.data == bytes.fromhex(data)[3:]


def test_history_in_all_its_lengths():
    assert said(read("D12500 33220100 05")) == {"energy 6": "122330 Wh"}
    first = DIALECTS["unit_first"]
    found = said(read("D12000 05 33220100 110316", dialect=first))
    assert found["energy 1"] == "122330 Wh"
    assert found["unknown"] == "unreadable:bytes of the vendor's own 110316"
    found = said(read("D12000 05 33220100 05 11000000 2C 55000000", dialect=first))
    assert found == {"energy 1": "122330 Wh", "energy:cooling 1": "110 Wh", "volume 1": "0.55 m3"}
    assert said(read("D20000 33220100 05")) == {"energy 1": "122330 Wh"}
    frozen = said(read("D30100" + CLOCK + "00010000 2C 10930000 35 045100 300000", 0x10))
    assert frozen["volume:timed_freeze 2"] == "1.00 m3"
    assert frozen["datetime 2"] == "2013-01-08T09:24:30"


def test_address_clock_and_valve_answers():
    telegram = read("810A05", control=0x83)
    assert find(telegram, "bus_address").text == "11110059493675"
    assert read("9A4F05", control=0x9A).records[0].data == WIRE
    assert said(read("907F05" + CLOCK)) == {"datetime": "2013-01-08T09:24:30"}
    valve = read("A01705 0104", control=0x84)
    assert (valve.di, valve.status) == (0xA017, b"\x01\x04")
    assert said(read("810305 25")) == {"any:day_of_month": "25 "}


def test_a_refusal_says_its_status():
    telegram = read("05 0408", control=0xC1)
    assert (telegram.di, telegram.ser, telegram.status) == (-1, 5, b"\x04\x08")
    assert find(telegram, "error_flags").integer == 0x0804
    empty = read("", control=0xC1)
    assert (empty.ser, empty.records) == (-1, [])


def test_every_dialect_reads_its_own_order():
    high = "901F00 00000456 05 00000123 05 00000475 17 00009310 35 00000789 2C 005104 004661"
    clock = bytes(reversed(bytes.fromhex(CLOCK))).hex()
    telegram = read(high + "028390" + clock + "0000", dialect=DIALECTS["high_first"])
    standard = read("901F00" + HEAT + CLOCK + "0000")
    assert said(telegram) == said(standard)
    assert telegram.address == "75364959001111"
    first = (
        "901F01 05 56040000 05 23010000 17 75040000 35 10930000 2C 89070000 045100 614600 908302"
    )
    first = first + CLOCK + "0000"
    assert said(read(first, dialect=DIALECTS["unit_first"])) == said(standard)
    masked = bytes([(byte + 0x33) & 0xFF for byte in bytes.fromhex(first)]).hex()
    telegram = read(masked, dialect=DIALECTS["plus33"])
    assert said(telegram) == said(standard)
    assert (telegram.di, telegram.ser) == (0x901F, 1)


def test_bytes_have_names():
    raw = make(0x27, WIRE, 0x81, bytes.fromhex("1F9012" + HEAT + CLOCK + "0408"))
    groups = byte_groups(raw, DIALECTS["cooling_first"])
    assert groups[0] == (0, 4, "wake-up", "4 bytes")
    assert (6, 7, "A", "meter 11110059493675") in groups
    assert (15, 2, "DI", "901F, current data") in groups
    assert (18, 5, "energy:cooling", "4560 Wh") in groups
    assert (59, 2, "ST", "valve open, battery low, vendor's bits 08h in byte 2") in groups
    assert sum([group[1] for group in groups]) == len(raw)
    refusal = byte_groups(make(0x20, WIRE, 0xC1, b"\x05\x01\x00", 0))
    assert (9, 1, "C", "read data, refused") in refusal
    assert (11, 1, "SER", "5") in refusal


def test_commands_are_made_as_makers_show_them():
    danfoss = Address(0x20, bytes.fromhex("12345678901234"), 0)
    raw = commands.set_clock(danfoss, 0x18, "2010-06-02T13:53:09", DIALECTS["high_first"])
    assert raw[4:].hex() == "682012345678901234040aa0151820100602135309f416"
    tiangang = Address(0x20, WIRE, 0)
    raw = commands.set_clock(tiangang, 0xAA, "2014-05-30T08:42:54", STANDARD, True)
    assert raw[4:].hex() == "682075364959001111040a15a0aa54420830051420" + "6b16"
    assert parse(commands.open_valve(tiangang, 1)).data == b"\xa0\x17\x01\x55"
    assert parse(commands.close_valve(tiangang, 1, True)).data == b"\x17\xa0\x01\x99"
    assert parse(commands.set_settlement_day(tiangang, 1, 25)).data == b"\xa0\x11\x01\x25"
    masked = Address(0x20, WIRE, 0x33)
    assert parse(commands.set_reading_day(masked, 1, 9)).data == b"\xd3\x45\x34\x3c"


def test_commands_refuse_what_is_none():
    meter = Address(0x20, WIRE, 0)
    for make_it in (
        lambda: commands.set_settlement_day(meter, 0, 32),
        lambda: commands.set_reading_day(meter, 0, 0),
        lambda: commands.set_clock(meter, 0, "2014-02-30T08:42:53"),
        lambda: commands.set_clock(meter, 0, "2014-02-20"),
    ):
        try:
            make_it()
        except RecordError:
            continue
        raise AssertionError("made")


def test_broken_frames_raise_protocol_errors_only():
    raw = make(0x20, WIRE, 0x81, bytes.fromhex("901F12" + HEAT + CLOCK + "0000"))
    for at in range(4, len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            broken = raw[:at] + bytes((raw[at] ^ flip,)) + raw[at + 1 :]
            try:
                decode(broken)
            except ProtocolError:
                continue
            raise AssertionError((at, flip))
