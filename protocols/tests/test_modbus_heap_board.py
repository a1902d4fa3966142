"""What the board pays in heap for Modbus: for reading the line, and for values out of an answer."""

import gc
import sys

# Live heap after a collection; the board has 96 KB for everything.
LINE_BYTES_MAX = 16 * 1024
DECODED_BYTES_MAX = 40 * 1024


def on_board():
    # In a browser's MicroPython nothing is collected before a call from outside has ended.
    return sys.implementation.name == "micropython" and sys.platform != "webassembly"


def live():
    gc.collect()
    return gc.mem_alloc()


def forget():
    for name in [name for name in sys.modules if name.startswith("nuan_protocols")]:
        del sys.modules[name]


def answer_of(unit, count):
    from nuan_protocols.modbus.rtu import closed

    data = bytes([index & 0xFF for index in range(2 * count)])
    return closed(bytes((unit, 3, 2 * count)) + data)


def test_1_a_line_is_read_in_16_kb():
    if not on_board():
        return
    forget()
    before = live()
    from nuan_protocols.modbus.master import ReadOut

    readout = ReadOut(1, ((3, 0, 125),))
    assert readout.request()
    readout.feed(answer_of(1, 125))
    used = live() - before
    assert len(readout.exchanges) == 1
    assert used < LINE_BYTES_MAX, used


def test_2_125_registers_are_read_in_40_kb():
    if not on_board():
        return
    forget()
    before = live()
    from nuan_protocols.meters.modbus_readings import modbus_readings
    from nuan_protocols.meters.profile import Limits, Profile, float32, uint16
    from nuan_protocols.modbus.rtu import read_request

    places = tuple([float32(3, address, 0, "power", 0, "W") for address in range(0, 123, 5)])
    places += (uint16(3, 124, "voltage", 0, "V"),)
    meter = Profile(
        name="x",
        title="x",
        protocol="modbus",
        version=1,
        billing=None,
        places=places,
        limits=Limits(125, 3),
    )
    assert meter.reads == ((3, 0, 125),)
    found = modbus_readings(meter, read_request(1, 3, 0, 125), answer_of(1, 125))
    used = live() - before
    assert len(found) == 26
    assert used < DECODED_BYTES_MAX, used


def test_3_receiving_takes_no_heap():
    if not on_board():
        return
    forget()
    from nuan_protocols.modbus.reader import ResponseReader
    from nuan_protocols.modbus.rtu import read_request

    reader = ResponseReader()
    noise = b"\x00\xff\x01\x03\x04\x10\x40" * 20
    question = read_request(1, 3, 0, 2)
    reader.expect(question)
    reader.feed(noise)
    reader.idle()
    before = live()
    for _ in range(50):
        reader.feed(noise)
        reader.idle()
    assert reader.next_frame() is None
    assert live() - before < 64
