"""What the board pays in heap for M-Bus: for reading the line, and for a decoded telegram."""

import gc
import sys

# Live heap after a collection; the board has 96 KB for everything. Of the line's, 5 KB are what
# all protocols share: read-out, errors, checksums, and the copying that takes no memory. A node's
# build joins these modules, and takes less.
LINE_BYTES_MAX = 17 * 1024 + 256
DECODED_BYTES_MAX = 40 * 1024


def on_board():
    # In a browser's MicroPython nothing is collected before a call from outside has ended.
    return sys.implementation.name == "micropython" and sys.platform != "webassembly"


def live():
    gc.collect()
    return gc.mem_alloc()


def test_1_a_line_is_read_in_17_kb():
    if not on_board():
        return
    before = live()
    from nuan_protocols.mbus.master import ReadOut
    from nuan_protocols.mbus.reader import FrameReader

    readout = ReadOut(1, FrameReader())
    used = live() - before
    assert readout.request()
    assert used < LINE_BYTES_MAX, used


def test_2_the_longest_telegram_and_its_decoder_stay_under_40_kb():
    if not on_board():
        return
    records = b""
    for storage in range(30):
        records += bytes((0x84 | (storage & 1) << 6, storage >> 1, 0x06)) + b"\x01\x02\x03\x00"
    records += b"\x0c\x14\x78\x56\x34\x12\x04\x6d\x1e\x0f\x3f\x3c\x0f" + bytes(9)
    body = b"\x08\x01\x72\x78\x56\x34\x12\x2d\x2c\x01\x04\x55\x00\x00\x00" + records
    raw = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    assert len(raw) == 253
    for name in [name for name in sys.modules if name.startswith("nuan_protocols")]:
        del sys.modules[name]
    before = live()
    from nuan_protocols.mbus.telegram import decode

    telegram = decode(raw)
    used = live() - before
    assert len(telegram.records) == 33
    assert used < DECODED_BYTES_MAX, used


def test_3_receiving_takes_no_heap_but_the_frame():
    if not on_board():
        return
    from nuan_protocols.mbus.reader import FrameReader

    reader = FrameReader(1)
    noise = b"\x00\xff\x68\x05\x06\x10\x40" * 20
    reader.feed(noise)
    reader.idle()
    before = live()
    for _ in range(50):
        reader.feed(noise)
        reader.idle()
    assert reader.next_frame() is None
    assert live() - before < 64
