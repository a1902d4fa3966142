"""What DL/T 645 answers say, on the PC and the board; frames made from the standard's tables."""

from nuan_protocols.dlt645.clock import time_broadcast
from nuan_protocols.dlt645.frame import parse
from nuan_protocols.dlt645.telegram import decode, join
from nuan_protocols.errors import ChecksumError, FrameError, RecordError

ADDRESS = b"\x12\x90\x78\x56\x34\x12"


def frame(control, data):
    body = b"\x68" + ADDRESS + bytes((0x68, control, len(data)))
    body += bytes([(byte + 0x33) & 0xFF for byte in data])
    return body + bytes((sum(body) & 0xFF, 0x16))


def answer(di, data, control=0x91):
    return frame(control, di.to_bytes(4, "little") + data)


def answer_1997(di, data, control=0x81):
    return frame(control, di.to_bytes(2, "little") + data)


def only(raw):
    records = decode(raw).records
    assert len(records) == 1, records
    return records[0].reading


def short(reading):
    return reading.quantity, reading.integer, reading.exponent, reading.unit, reading.status


def test_forward_energy():
    reading = only(answer(0x00010000, b"\x56\x34\x12\x00"))
    assert short(reading) == ("energy", 123456, 1, "Wh", "ok")
    assert (reading.storage, reading.tariff, reading.function) == (0, 0, "instantaneous")


def test_tariff_and_settlement_are_numbers_of_the_reading():
    reading = only(answer(0x0002040C, b"\x01\x00\x00\x00"))
    assert reading.quantity == "energy:backward"
    assert (reading.tariff, reading.storage) == (4, 12)
    reading = only(answer_1997(0x9812, b"\x01\x00\x00\x00"))
    assert (reading.quantity, reading.tariff, reading.storage) == ("energy", 2, 2)
    assert decode(answer(0x0001000D, bytes(4))).records[0].reading.status.startswith("unreadable:")


def test_energies_of_all_kinds():
    for di, quantity in (
        (0x00000000, "energy:combined"),
        (0x00030000, "energy_reactive:combined1"),
        (0x00080000, "energy_reactive:q4"),
        (0x000A0000, "energy_apparent:backward"),
        (0x00150000, "energy:l1"),
        (0x002A0000, "energy:backward:l2"),
        (0x00460000, "energy_apparent:backward:l3"),
        (0x00BC0000, "energy:associated:l3"),
    ):
        assert only(answer(di, b"\x34\x12\x00\x00")).quantity == quantity
        assert only(answer(di, b"\x34\x12\x00\x00")).integer == 1234


def test_only_what_can_be_negative_has_a_sign():
    assert only(answer(0x00000000, b"\x34\x12\x00\x80")).integer == -1234
    assert only(answer(0x00010000, b"\x34\x12\x00\x80")).integer == 80001234
    assert only(answer(0x02020100, b"\x99\x49\x80")).integer == -4999
    assert only(answer(0x02030000, b"\x12\x25\x80")).integer == -2512
    assert only(answer(0x02060000, b"\x01\x85")).integer == -501
    assert only(answer(0x02800007, b"\x55\x80")).integer == -55


def test_a_block_with_fewer_tariffs_and_a_longer_one():
    for count in (1, 3, 5, 49):
        data = b"".join([bytes((index, 0, 0, 0)) for index in range(count) if index < 10])
        data += bytes(4 * count - len(data))
        records = decode(answer(0x0001FF00, data)).records
        assert [record.reading.tariff for record in records] == list(range(count))
        assert records[0].offset == 14
    records = decode(answer(0x000100FF, bytes(52))).records
    assert [record.reading.storage for record in records] == list(range(13))


def test_a_block_that_ends_within_a_value_keeps_the_rest():
    records = decode(answer(0x0001FF00, b"\x01\x00\x00\x00\x02\x00")).records
    assert records[0].reading.integer == 1
    assert records[1].reading.status == "unreadable:too short for another value"
    assert records[1].reading.text == "0002"
    assert records[1].data == b"\x02\x00"


def test_phases_in_a_block():
    records = decode(answer(0x0203FF00, b"\x01\0\0\x02\0\0\x03\0\0\x04\0\0")).records
    assert [one.reading.quantity for one in records] == [
        "power",
        "power:l1",
        "power:l2",
        "power:l3",
    ]
    records = decode(answer(0x0201FF00, b"\x03\x23\xff\xff\xff\xff")).records
    assert short(records[0].reading) == ("voltage:l1", 2303, -1, "V", "ok")
    assert records[1].reading.integer is None
    assert records[1].reading.status == "unreadable:the meter has no such value (FF)"


def test_a_demand_and_its_time():
    value, time = decode(answer(0x01010000, b"\x56\x34\x12\x30\x09\x15\x08\x25")).records
    assert short(value.reading) == ("power", 123456, -1, "W", "ok")
    assert value.reading.function == time.reading.function == "maximum"
    assert (time.reading.quantity, time.reading.text) == ("datetime:power", "2025-08-15T09:30")
    never = decode(answer(0x01010000, bytes(8))).records[1].reading
    assert (never.status, never.text) == ("unreadable:no time is set", "0000000000")
    block = decode(answer(0x0101FF00, bytes(24))).records
    assert [record.reading.tariff for record in block] == [0, 0, 1, 1, 2, 2]


def test_dates_times_texts_and_rates():
    weekday, date = decode(answer(0x04000101, b"\x04\x20\x11\x25")).records
    assert (weekday.reading.integer, date.reading.text) == (4, "2025-11-20")
    assert only(answer(0x04000102, b"\x59\x30\x14")).text == "14:30:59"
    assert only(answer(0x04000B01, b"\x00\x01")).text == "---01T00"
    assert only(answer(0x04000401, ADDRESS)).text == "123456789012"
    assert only(answer(0x04000404, b"V022\0\0")).text == "220V"
    assert only(answer(0x04000703, b"\x08")).integer == 2400
    assert only(answer(0x04000703, b"\x09")).status == "unreadable:no single baud rate"
    assert only(answer(0x04000103, b"\x15")).integer == 900
    for bad in (b"\x59\x30\x24", b"\x60\x00\x00"):
        assert only(answer(0x04000102, bad)).status == "unreadable:no possible time"
    for day, good in ((b"\x29\x02\x24", True), (b"\x29\x02\x25", False), (b"\x31\x04\x25", False)):
        reading = decode(answer(0x04000101, b"\x01" + day)).records[1].reading
        assert (reading.status == "ok") is good


def test_status_words_name_their_bits():
    reading = only(answer(0x04000504, b"\x81\x01"))
    assert (reading.quantity, reading.integer) == ("error_flags:word_4", 0x181)
    assert reading.text == "phase 1 voltage lost, phase 1 phase broken, phase 1 current broken"
    records = decode(answer(0x040005FF, bytes((4, 0, 0, 0, 16, 0)) + bytes(8))).records
    assert len(records) == 7
    assert records[0].reading.text == "clock battery low"
    assert records[2].reading.text == "relay open"
    assert only(answer(0x04000507, b"\x00\x80")).text == "bit 15"
    assert only(answer(0x04000507, b"\xff\xff")).integer is None
    assert only(answer_1997(0xC021, b"\x41")).text == "phase 1 without power, phase 3 overvoltage"


def test_freezes_count_back():
    assert only(answer(0x05060003, b"\x00\x00\x20\x11\x25")).text == "2025-11-20T00:00"
    records = decode(answer(0x05060103, bytes(20))).records
    assert [record.reading.tariff for record in records] == [0, 1, 2, 3, 4]
    assert records[0].reading.quantity == "energy:daily_freeze"
    assert records[0].reading.storage == 3
    assert only(answer(0x0506FF01, bytes(40))).status.startswith("unreadable:the layout of")


def test_events_of_three_phases():
    records = decode(answer(0x03010000, b"\x02\0\0\x03\0\0" + bytes(12))).records
    assert [record.reading.quantity for record in records[:2]] == [
        "count:voltage_lost:l1",
        "duration:voltage_lost:l1",
    ]
    assert (records[1].reading.integer, records[1].reading.unit) == (180, "s")


def test_values_of_1997():
    assert short(only(answer_1997(0xB611, b"\x23\x02"))) == ("voltage:l1", 223, 0, "V", "ok")
    assert short(only(answer_1997(0xB621, b"\x34\x12")))[:3] == ("current:l1", 1234, -2)
    assert short(only(answer_1997(0xB640, b"\x34\x12")))[:3] == ("power_reactive", 1234, 1)
    assert only(answer_1997(0xB010, b"\x30\x09\x15\x08")).text == "--08-15T09:30"
    ended = decode(answer_1997(0x901F, bytes(20) + b"\xaa")).records
    assert [record.reading.status for record in ended] == ["ok"] * 5
    assert len(decode(answer_1997(0xB63F, bytes(12))).records) == 4


def test_digits_above_nine_are_kept():
    reading = only(answer(0x00010000, b"\x5a\x34\x12\x00"))
    assert (reading.integer, reading.status, reading.text) == (
        None,
        "unreadable:a digit above 9",
        "0012345A",
    )
    records = decode(answer(0x0001FF00, b"\x01\0\0\0\xdd\0\0\0\x03\0\0\0")).records
    assert [record.reading.integer for record in records] == [1, None, 3]


def test_what_is_unknown_is_kept_raw():
    for di, reason in (
        (0x06000001, "data identifier 06000001 is unknown"),
        (0x0001FFFF, "the order within block 0001FFFF isn't known"),
        (0x02010400, "data identifier 02010400 is unknown"),
        (0x00FF0000, "data identifier 00FF0000 is unknown"),
    ):
        reading = only(answer(di, b"\x01\x02"))
        assert (reading.status, reading.text) == ("unreadable:" + reason, "0201")
    reading = only(answer(0x02010100, b"\x01\x02\x03"))
    assert reading.status == "unreadable:02010100 has 2 bytes of data, 3 came"


def test_errors_are_named():
    telegram = decode(frame(0xD1, b"\x42"))
    assert telegram.error == 0x42
    reading = telegram.records[0].reading
    assert (reading.status, reading.text) == ("error", "no such data, too many tariffs")
    assert decode(frame(0xC1, b"\x02")).records[0].reading.text == "wrong data identifier"
    assert decode(frame(0xD1, b"\x80")).records[0].reading.text == "bit 7"


def test_an_address_answer():
    telegram = decode(frame(0x93, ADDRESS))
    assert telegram.records[0].reading.text == "123456789012"
    assert (telegram.version, telegram.di) == (2007, -1)


def test_parts_of_a_long_answer_are_read_together():
    data = b"".join([bytes((index, 0, 0, 0)) for index in range(1, 10)])
    first = answer(0x0001FF00, data[:14], 0xB1)
    second = answer(0x0001FF00, data[14:30] + b"\x01", 0xB2)
    third = answer(0x0001FF00, data[30:] + b"\x02", 0x92)
    telegram = decode(first)
    assert telegram.more
    assert telegram.records[3].reading.status == "unreadable:cut off, its rest is in the next part"
    alone = decode(second)
    assert (alone.seq, alone.more) == (1, True)
    assert alone.records[0].reading.status == (
        "unreadable:part 1 of 0001FF00 is read only together with those before it"
    )
    whole = join([first, second, third])
    assert [record.reading.integer for record in whole.records] == list(range(1, 10))
    assert not whole.more
    for wrong in ([], [second], [first, third], [first, first], [first, second, second]):
        try:
            join(wrong)
        except RecordError:
            continue
        raise AssertionError(wrong)
    old = [answer_1997(0x901F, data[:6], 0xA1), answer_1997(0x901F, data[6:8], 0x82)]
    assert [record.reading.integer for record in join(old).records] == [1, 2]


def test_what_is_wrong_is_named_with_its_byte():
    good = answer(0x00010000, b"\x56\x34\x12\x00")
    for raw, offset in (
        (b"", 0),
        (b"\xfe\xfe", 2),
        (b"\x00" + good, 0),
        (good[:11], 11),
        (good[:7] + b"\x00" + good[8:], 7),
        (good[:-1], len(good) - 1),
        (good[:-1] + b"\x17", len(good) - 1),
        (frame(0x11, b"\0\0\1\0"), 8),
        (frame(0x9C, b""), 8),
        (frame(0x91, b"\0\0\1"), 13),
        (frame(0xD1, b""), 10),
        (frame(0x93, b"\x01"), 11),
    ):
        for wake in (b"", b"\xfe\xfe"):
            if wake and raw[:1] in (b"", b"\xfe"):
                continue
            found = -1
            try:
                decode(wake + raw)
            except FrameError as error:
                found = error.offset
            assert found == offset + len(wake), raw
    spoilt = bytearray(good)
    spoilt[15] ^= 4
    try:
        decode(bytes(spoilt))
    except ChecksumError as error:
        reason = error.reason
    assert "add up to" in reason


def test_the_broadcast_of_the_time():
    raw = time_broadcast(2017, 6, 5, 10, 22, 51)
    assert raw == b"\xfe\xfe\xfe\xfe" + bytes.fromhex("6899999999999968080684554338394a4b16")
    assert parse(raw).data == b"\x51\x22\x10\x05\x06\x17"
    for bad in ((1999, 1, 1, 0, 0, 0), (2025, 13, 1, 0, 0, 0), (2025, 1, 1, 24, 0, 0)):
        try:
            time_broadcast(*bad)
        except FrameError:
            continue
        raise AssertionError(bad)
