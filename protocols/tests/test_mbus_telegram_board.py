"""Headers, CI fields, dates and frames, on CPython and on the board."""

from nuan_protocols.errors import ChecksumError, FrameError
from nuan_protocols.mbus import telegram
from nuan_protocols.mbus.frame import Frame, long_frame, parse, short_frame

HEADER = bytes.fromhex("785634122d2c010455000000")


def decode(ci, data, control=0x08):
    return telegram.decode(long_frame(control, 1, ci, data))


def refusal(function, *arguments):
    try:
        function(*arguments)
    except FrameError as error:
        return error
    raise AssertionError("accepted")


def refused(ci, data, offset, control=0x08):
    error = refusal(decode, ci, data, control)
    assert error.offset == offset, error


def test_long_header():
    read = decode(0x72, HEADER + b"\x01\x06\x05")
    header = read.header
    assert (header.identification, header.manufacturer) == ("12345678", "KAM")
    assert (header.version, header.medium) == (1, (4, "heat (outlet)"))
    assert (header.access_number, header.status, header.signature) == (0x55, 0, 0)
    assert (read.protocol, read.control, read.address) == ("mbus", 8, 1)
    assert read.records[0].reading.integer == 5


def test_identification_keeps_zeros_and_letters():
    assert decode(0x72, b"\xf1\x03\x00\x0a" + HEADER[4:]).header.identification == "0a0003f1"


def test_short_header_and_none():
    read = decode(0x7A, b"\x07\x10\x00\x00\x01\x06\x05")
    assert (read.header.access_number, read.header.status) == (7, 16)
    assert read.records[0].reading.integer == 5
    read = decode(0x78, b"\x01\x06\x05")
    assert read.header is None
    assert read.records[0].reading.integer == 5


def test_header_cut_off():
    refused(0x72, HEADER[:-1], 18)
    refused(0x7A, b"\x01\x02\x03", 10)
    refused(0x73, bytes(15), 22)
    refused(0x73, bytes(17), 23)
    refused(0x76, bytes(3), 10)


def test_a_masters_command_is_no_answer():
    refused(0x51, b"\x01\x7a\x05", 4, 0x53)


def test_fixed_structure_in_decimal_and_in_binary():
    data = b"\x78\x56\x34\x12\x0a\x00\xe9\x7e\x01\x00\x00\x00\x35\x01\x00\x00"
    read = decode(0x73, data)
    assert read.header.identification == "12345678"
    assert read.header.medium == (7, "water")
    first, second = [record.reading for record in read.records]
    assert (first.quantity, first.integer, first.exponent, first.unit) == ("volume", 1, -3, "m3")
    assert (second.integer, second.exponent, second.storage) == (135, -3, 1)
    binary = data[:5] + b"\x01\x45\x37" + b"\xff\xff\xff\xff\x00\x01\x00\x00"
    first, second = [record.reading for record in decode(0x73, binary).records]
    assert (first.quantity, first.integer, first.exponent) == ("energy", -1, 3)
    assert (second.quantity, second.integer, second.exponent) == ("volume_flow", 256, 2)


def test_units_of_the_fixed_structure():
    for code, quantity, exponent, unit in (
        (0x02, "energy", 0, "Wh"),
        (0x0A, "energy", 8, "Wh"),
        (0x0B, "energy", 3, "J"),
        (0x13, "energy", 11, "J"),
        (0x14, "power", 0, "W"),
        (0x1C, "power", 8, "W"),
        (0x1D, "power", 3, "J/h"),
        (0x25, "power", 11, "J/h"),
        (0x26, "volume", -6, "m3"),
        (0x2E, "volume", 2, "m3"),
        (0x2F, "volume_flow", -6, "m3/h"),
        (0x30, "volume_flow", -5, "m3/h"),
        (0x37, "volume_flow", 2, "m3/h"),
        (0x38, "external_temperature", -3, "degC"),
        (0x39, "heat_cost_units", 0, "1"),
    ):
        data = b"\x78\x56\x34\x12\x0a\x01" + bytes((code, code)) + bytes(8)
        for record in decode(0x73, data).records:
            reading = record.reading
            assert (reading.quantity, reading.exponent, reading.unit) == (quantity, exponent, unit)
    data = b"\x78\x56\x34\x12\x0a\x01\x3a\x00" + bytes(8)
    for record in decode(0x73, data).records:
        assert record.reading.status.startswith("unreadable:unit ")


def test_high_byte_first():
    data = b"\x12\x34\x56\x78\x0a\x00\x7e\xe9\x00\x00\x00\x01\x00\x00\x01\x35"
    read = decode(0x77, data)
    assert read.header.identification == "12345678"
    data = b"\x12\x34\x56\x78\x2c\x2d\x01\x04\x55\x00\x00\x00\x04\x06\x00\x00\x00\x05"
    read = decode(0x76, data)
    assert read.header.identification == "12345678"
    assert read.header.manufacturer == "KAM"
    assert read.records[0].reading.status == "unreadable:records sent high byte first"
    assert read.records[0].data == data[12:]


def test_application_errors_and_other_ci():
    reading = decode(0x70, b"\x08").records[0].reading
    assert (reading.status, reading.text) == ("error", "application busy")
    assert decode(0x70, b"").records[0].reading.text == "unspecified error"
    assert decode(0x70, b"\x63").records[0].reading.text == "application error 63"
    assert decode(0x71, b"\x01").records[0].reading.text == "alarm"
    assert "B0" in decode(0xB0, b"\x01").records[0].reading.status
    record = decode(0x01, b"\x07\x08").records[0]
    assert (record.data, record.reading.status) == (b"\x07\x08", "unreadable:CI 01 is unknown")


def test_encrypted_records_are_kept_and_a_signature_is_no_encryption():
    secret = bytes(range(16))
    read = decode(0x72, HEADER[:-2] + b"\x10\x05" + secret + b"\x01\x06\x05")
    assert read.records[0].reading.status == "unreadable:encrypted, mode 5"
    assert read.records[0].data == secret
    assert read.records[1].reading.integer == 5
    for word in (b"\xff\xff", b"\x27\xb6", b"\x00\x05", b"\x20\x05"):
        read = decode(0x72, HEADER[:-2] + word + b"\x04\x06\x05\x00\x00\x00" + bytes(12))
        assert read.records[0].reading.integer == 5, word


def date(year, month, day):
    return bytes((day | (year & 7) << 5, month | year >> 3 << 4))


def test_dates():
    invalid, summer, hundreds = 0x80, 0x80, 0x20
    for data, text, status in (
        (date(25, 12, 31), "2025-12-31", "ok"),
        (date(80, 1, 1), "2080-01-01", "ok"),
        (date(81, 1, 1), "1981-01-01", "ok"),
        (date(127, 1, 1), "*-01-01", "ok"),
        (date(25, 15, 1), "2025-*-01", "ok"),
        (date(127, 15, 0), "*-*-*", "ok"),
        (date(127, 2, 29), "*-02-29", "ok"),
        (date(24, 2, 29), "2024-02-29", "ok"),
        (date(0, 2, 29), "2000-02-29", "ok"),
        (date(25, 2, 29), "", "unreadable:no day 29 in month 2"),
        (date(25, 4, 31), "", "unreadable:no day 31 in month 4"),
        (date(25, 13, 1), "", "unreadable:no month 13"),
        (date(100, 1, 1), "", "unreadable:no year 100 in a century"),
        (date(0, 0, 0), "", "error"),
        (b"\xff\xff", "", "error"),
        (bytes((30, 15)) + date(25, 12, 31), "2025-12-31T15:30", "ok"),
        (bytes((30 | invalid, 15)) + date(25, 12, 31), "2025-12-31T15:30", "error"),
        (bytes((30, 15 | summer)) + date(25, 6, 30), "2025-06-30T15:30", "ok"),
        (bytes((30, 15 | hundreds)) + date(25, 6, 30), "2025-06-30T15:30", "ok"),
        (bytes((30, 15 | 2 * hundreds)) + date(25, 6, 30), "2125-06-30T15:30", "ok"),
        (bytes((0, 24)) + date(24, 12, 1), "2024-12-01T24:00", "ok"),
        (bytes((63, 31)) + date(24, 12, 1), "2024-12-01T*:*", "ok"),
        (bytes((60, 1)) + date(24, 12, 1), "", "unreadable:no such time of day: 3c01013c"),
        (b"\xff\xff\xff\xff", "", "error"),
        (b"\x1e\x0f\x0b", "11:15:30", "ok"),
        (b"\xff\xff\xff", "", "error"),
        (bytes((30, 15, 8)) + date(16, 7, 22) + b"\x1d", "2016-07-22T08:15:30", "ok"),
        (bytes((30, 15 | invalid, 8)) + date(16, 7, 22) + b"\x1d", "2016-07-22T08:15:30", "error"),
        (bytes((63, 63, 31)) + date(127, 15, 0) + b"\x00", "*-*-*T*:*:*", "ok"),
        (b"\xff\xff\xff\xff\xff\xff", "", "error"),
    ):
        code = {2: 2, 3: 3, 4: 4, 6: 6}[len(data)]
        vif = 0x6C if len(data) == 2 else 0x6D
        reading = decode(0x72, HEADER + bytes((code, vif)) + data).records[0].reading
        assert (reading.text, reading.status) == (text, status), (data, reading)
        assert reading.integer is None
        assert reading.quantity == ("date" if vif == 0x6C else "datetime")


def test_frames_refused_with_their_byte():
    good = long_frame(0x08, 1, 0x72, HEADER)
    for raw, offset in (
        (b"", 0),
        (b"\x00", 0),
        (b"\x68\x03\x03", 3),
        (good[:1] + b"\x04" + good[2:], 2),
        (good[:3] + b"\x00" + good[4:], 3),
        (good[:-1], len(good) - 1),
        (good + b"\x00", len(good)),
        (good[:-1] + b"\x17", len(good) - 1),
        (b"\x10\x40\x01\x41", 4),
        (b"\x10\x40\x01\x41\x17", 4),
    ):
        error = refusal(parse, raw)
        assert error.offset == offset, (raw, error)
    error = refusal(parse, good[:-2] + b"\x00\x16")
    assert isinstance(error, ChecksumError)
    assert error.offset == len(good) - 2


def test_frames_made_and_parsed():
    assert short_frame(0x40, 1) == b"\x10\x40\x01\x41\x16"
    assert parse(b"\xe5") == Frame(b"\xe5", -1, -1, -1)
    assert parse(short_frame(0x5B, 254)) == Frame(b"\x10\x5b\xfe\x59\x16", 0x5B, 254, -1)
    control = long_frame(0x53, 1, 0x50)
    assert control == b"\x68\x03\x03\x68\x53\x01\x50\xa4\x16"
    assert parse(control).ci == 0x50
    assert len(long_frame(0x08, 1, 0x72, bytes(252))) == 261
    assert refusal(long_frame, 0x08, 1, 0x72, bytes(253)).offset == 7
