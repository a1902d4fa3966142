"""What the board pays in heap for DL/T 645: for reading the line, and for a decoded telegram."""

import gc
import sys

LINE_BYTES_MAX = 16 * 1024
DECODED_BYTES_MAX = 40 * 1024


def on_board():
    # In a browser's MicroPython nothing is collected before a call from outside has ended.
    return sys.implementation.name == "micropython" and sys.platform != "webassembly"


def live():
    gc.collect()
    return gc.mem_alloc()


def frame(data):
    body = b"\x68\x12\x90\x78\x56\x34\x12\x68\x91" + bytes((len(data),))
    body += bytes([(byte + 0x33) & 0xFF for byte in data])
    return body + bytes((sum(body) & 0xFF, 0x16))


def test_1_a_line_is_read_in_16_kb():
    if not on_board():
        return
    before = live()
    from nuan_protocols.dlt645.master import ReadOut
    from nuan_protocols.dlt645.reader import FrameReader

    readout = ReadOut("123456789012", ((0x11, 0x0001FF00, 0),), FrameReader())
    used = live() - before
    assert readout.request()
    assert used < LINE_BYTES_MAX, used
    print("line", used)


def test_2_a_long_block_and_its_decoder_stay_under_40_kb():
    if not on_board():
        return
    demands = frame(b"\x00\xff\x01\x01" + b"\x56\x34\x12\x30\x09\x15\x08\x25" * 30)
    energies = frame(b"\x00\xff\x01\x00" + b"\x78\x56\x34\x12" * 49)
    for name in [name for name in sys.modules if name.startswith("nuan_protocols")]:
        del sys.modules[name]
    before = live()
    from nuan_protocols.dlt645.telegram import decode

    telegram = decode(energies)
    used = live() - before
    assert len(telegram.records) == 49
    assert used < DECODED_BYTES_MAX, used
    print("energies", used)
    telegram = decode(demands)
    used = live() - before
    assert len(telegram.records) == 60
    assert used < DECODED_BYTES_MAX, used
    print("demands", used)


def test_3_receiving_takes_no_heap_but_the_frame():
    if not on_board():
        return
    from nuan_protocols.dlt645.reader import FrameReader

    reader = FrameReader("123456789012")
    noise = b"\x00\xff\xfe\x68\x05\x06\x10\x40" * 20
    reader.feed(noise)
    reader.idle()
    before = live()
    for _ in range(50):
        reader.feed(noise)
        reader.idle()
    assert reader.next_frame() is None
    assert live() - before < 64
