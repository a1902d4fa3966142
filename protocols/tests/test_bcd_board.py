"""BCD, checksums, decimal text and errors, on CPython and on the board."""

from nuan_protocols import bcd
from nuan_protocols.checksum import crc16_modbus, sum8
from nuan_protocols.errors import ChecksumError, FrameError, ProtocolError, RecordError, UplinkError
from nuan_protocols.reading import decimal_text


def test_bcd():
    for data, integer, digits in (
        (b"\x78\x56\x34\x12", 12345678, "12345678"),
        (b"\x08\x00", 8, "0008"),
        (b"\x99\x99\x99\x99\x99\x99", 999999999999, "999999999999"),
        (b"\x05\xf0", -5, "F005"),
        (b"\x99\xf9", -999, "F999"),
        (b"\xf0", 0, "F0"),
        (b"\xbd\xeb\xdd\xdd", None, "DDDDEBBD"),
        (b"\x0a\x00", None, "000A"),
        (b"\xff", None, "FF"),
        (b"\xff\xff", None, "FFFF"),
        (b"\x05\xe0", None, "E005"),
        (b"", None, ""),
    ):
        assert bcd.integer(data) == integer, data
        assert bcd.digits(data) == digits, data
        assert bcd.integer(memoryview(data)) == integer


def test_sum8():
    assert sum8(b"") == 0
    assert sum8(b"\x40\x01") == 0x41
    assert sum8(b"\xff\xff") == 0xFE
    assert sum8(b"\x01\x02\x03\x04", 1, 3) == 5
    assert sum8(bytearray(b"\x01\x02\x03"), 1) == 5


def test_crc16_modbus():
    # The specification's own check value, and a read request known from many manuals.
    assert crc16_modbus(b"123456789") == 0x4B37
    assert crc16_modbus(b"\x01\x03\x00\x00\x00\x0a") == 0xCDC5
    assert crc16_modbus(b"") == 0xFFFF
    assert crc16_modbus(b"\xff\x01\x03\x00\x00\x00\x0a\xff", 1, 7) == 0xCDC5


def test_decimal_text():
    for integer, exponent, text in (
        (56108, -2, "561.08"),
        (-5, -3, "-0.005"),
        (5, 3, "5000"),
        (0, 0, "0"),
        (0, -2, "0.00"),
        (-1234, -4, "-0.1234"),
        (100, -2, "1.00"),
        (-100, 0, "-100"),
        (123456789012345678, -9, "123456789.012345678"),
    ):
        assert decimal_text(integer, exponent) == text


def test_errors_name_their_byte():
    error = ChecksumError("the sum is wrong", 7)
    assert (error.reason, error.offset, str(error)) == (
        "the sum is wrong",
        7,
        "the sum is wrong (byte 7)",
    )
    assert isinstance(error, FrameError)
    for kind in (FrameError, RecordError, UplinkError):
        assert issubclass(kind, ProtocolError)
    assert ProtocolError("x").offset == 0
