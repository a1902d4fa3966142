"""Meter models on the board: a console shows an installer what it reads. Runs on CPython too."""

from nuan_protocols.checksum import crc16_modbus
from nuan_protocols.meters import dtsu666, mbus_heat, room_rs485
from nuan_protocols.meters.modbus_readings import modbus_readings
from nuan_protocols.modbus.rtu import read_request


def framed(body):
    return body + crc16_modbus(body).to_bytes(2, "little")


def test_a_room_sensor_is_read():
    answer = framed(bytes.fromhex("100404ff330222"))
    found = modbus_readings(room_rs485.PROFILE, read_request(16, 4, 1, 2), answer)
    assert [(r.quantity, r.integer, r.exponent, r.unit) for r in found] == [
        ("room_temperature", -205, -1, "degC"),
        ("relative_humidity", 546, -1, "%"),
    ]


def test_an_electricity_meters_float_is_exact():
    question = read_request(15, *dtsu666.PROFILE.reads[0])
    # 12345.67 as binary32; the board's own floats would do, its decimal printing would not.
    answer = framed(bytes.fromhex("0f0318 4640e6ae") + bytes(20))
    energy, backward = modbus_readings(dtsu666.PROFILE, question, answer)
    assert (energy.quantity, energy.integer, energy.exponent) == ("energy", 1234567, 1)
    assert (backward.quantity, backward.integer) == ("energy:backward", 0)


def test_what_is_unreadable_says_why():
    question = read_request(15, *dtsu666.PROFILE.reads[0])
    for reading in modbus_readings(dtsu666.PROFILE, question, framed(b"\x0f\x83\x02")):
        assert reading.integer is None
        assert reading.status == "unreadable:illegal data address"


def test_a_heat_meter_is_billed_from_its_current_energy():
    assert mbus_heat.PROFILE.billing == ("energy", 0, 0, 0, "instantaneous")
    assert mbus_heat.PROFILE.billing in mbus_heat.PROFILE.registers
