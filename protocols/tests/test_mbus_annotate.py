from nuan_protocols.mbus.annotate import byte_groups, value_text
from nuan_protocols.mbus.frame import long_frame, short_frame
from nuan_protocols.mbus.telegram import decode

HEADER = bytes.fromhex("785634122d2c010455040000")


def named(raw: bytes) -> list[tuple[str, str, str]]:
    groups = byte_groups(raw)
    end = 0
    for offset, length, _, _ in groups:
        assert offset == end
        end += length
    assert end == len(raw)
    return [(raw[each[0] : each[0] + each[1]].hex(), each[2], each[3]) for each in groups]


def test_a_telegram_byte_by_byte() -> None:
    data = bytes.fromhex("2f8c10067856341202fd48ea08426c3f3c0c2bbdebdddd1f0102")
    said = named(long_frame(0x08, 1, 0x72, HEADER + data))
    assert said[:7] == [
        ("68", "start", "long frame"),
        ("2929", "length", "41 bytes from C to the checksum, twice"),
        ("68", "start", "again"),
        ("08", "C", "RSP_UD, the meter's data"),
        ("01", "A", "address 1"),
        ("72", "CI", "records behind a long header"),
        ("78563412", "identification", "12345678"),
    ]
    assert said[7:13] == [
        ("2d2c", "manufacturer", "KAM"),
        ("01", "version", "1"),
        ("04", "medium", "04, heat (outlet)"),
        ("55", "access number", "85"),
        ("04", "status", "power low"),
        ("0000", "configuration", "0000"),
    ]
    assert said[13:] == [
        ("2f", "filler", ""),
        ("8c10", "DIF, DIFE", "instantaneous value, 8 digits, tariff 1"),
        ("06", "VIF", "energy in Wh x 10^3"),
        ("78563412", "data", "12345678000 Wh"),
        ("02", "DIF", "instantaneous value, 16-bit integer"),
        ("fd48", "VIF, VIFE", "voltage in V x 10^-1"),
        ("ea08", "data", "228.2 V"),
        ("42", "DIF", "instantaneous value, 16-bit integer, storage 1"),
        ("6c", "VIF", "date"),
        ("3f3c", "data", "2025-12-31"),
        ("0c", "DIF", "instantaneous value, 8 digits"),
        ("2b", "VIF", "power in W"),
        ("bdebdddd", "data", "error DDDDEBBD"),
        ("1f", "DIF", "manufacturer's data, another telegram follows"),
        ("0102", "data", "unreadable:manufacturer's own data"),
        (said[-2][0], "checksum", "sum of all bytes from C on, modulo 256: right"),
        ("16", "stop", ""),
    ]


def test_a_masters_frames() -> None:
    assert named(b"\xe5") == [("e5", "acknowledge", "received")]
    said = named(short_frame(0x7B, 5))
    assert said[1:3] == [
        ("7b", "C", "REQ_UD2, request for data, frame count bit 1"),
        ("05", "A", "address 5"),
    ]
    assert named(short_frame(0x40, 5))[1][2] == "SND_NKE, reset of the link"
    said = named(long_frame(0x53, 5, 0x51, b"\x01\x7a\x06"))
    assert said[5][2] == "data for the meter"
    assert said[6] == ("017a06", "user data", "")
    assert len(named(long_frame(0x53, 5, 0x50))) == 8


def test_answers_without_records() -> None:
    fixed = bytes.fromhex("785634120a00e97e0100000035010000")
    said = named(long_frame(0x08, 5, 0x73, fixed))
    assert ("e97e", "medium, units", "water; the units of both counters") in said
    assert ("35010000", "counter", "volume 0.135 m3") in said
    assert named(long_frame(0x08, 5, 0x70, b"\x08"))[6][2] == "error application busy"
    assert named(long_frame(0x08, 5, 0x7A, b"\x07\x1c\x00\x00"))[7][2] == (
        "power low, permanent error, temporary error"
    )
    assert named(long_frame(0x08, 5, 0x7A, b"\x07\x23\x00\x00"))[7][2] == (
        "alarm, manufacturer bits 1"
    )


def test_codings_and_scales() -> None:
    data = bytes.fromhex("01230505 5b 0000c8420d7801410006")
    meanings = [each[2] for each in named(long_frame(0x08, 1, 0x78, data))]
    assert "on_time in s x 86400" in meanings
    assert "instantaneous value, 32-bit real" in meanings
    assert "instantaneous value, data that says its own length" in meanings
    assert "instantaneous value, no data" in meanings
    assert "100 degC" in meanings


def test_value_text() -> None:
    data = bytes.fromhex("0c78785634020d78014101fd1b05")
    readings = [each.reading for each in decode(long_frame(0x08, 1, 0x78, data)).records]
    assert [value_text(each) for each in readings] == ["2345678", "A", "5"]
