"""What the board pays in heap for CJ/T 188: for reading the line, and for a decoded answer."""

import gc
import sys

# Live heap after a collection; the board has 96 KB for everything.
LINE_BYTES_MAX = 14 * 1024
DECODED_BYTES_MAX = 40 * 1024

BOTH = (
    "911F12 56040000 05 56040000 05 23010000 05 23010000 05 75040000 17 10930000 35 89070000 2C"
    "045100 614600 000500 000400 908302 30240908011320 0408"
)


def on_board():
    # In a browser's MicroPython nothing is collected before a call from outside has ended.
    return sys.implementation.name == "micropython" and sys.platform != "webassembly"


def live():
    gc.collect()
    return gc.mem_alloc()


def forget():
    for name in [name for name in sys.modules if name.startswith("nuan_protocols")]:
        del sys.modules[name]


def test_1_a_line_is_read_in_14_kb():
    if not on_board():
        return
    before = live()
    from nuan_protocols.cjt188.master import Address, ReadOut
    from nuan_protocols.cjt188.reader import FrameReader

    readout = ReadOut(Address(0x20, b"\xaa" * 7, 0), ((1, 0x90, 0x1F),), 0, FrameReader())
    assert readout.request()
    used = live() - before
    assert used < LINE_BYTES_MAX, used


def test_2_the_longest_answer_and_its_decoder_stay_under_40_kb():
    if not on_board():
        return
    body = b"\x68\x22" + bytes(7) + b"\x81\x3e" + bytes.fromhex(BOTH)
    raw = body + bytes((sum(body) & 0xFF, 0x16))
    forget()
    before = live()
    from nuan_protocols.cjt188.telegram import decode

    telegram = decode(raw)
    used = live() - before
    assert len(telegram.records) == 14
    assert used < DECODED_BYTES_MAX, used


def test_3_receiving_takes_no_heap_but_the_frame():
    if not on_board():
        return
    from nuan_protocols.cjt188.reader import FrameReader

    reader = FrameReader()
    noise = b"\x00\xff\x68\x20\xaa\x16\x68" * 20
    reader.feed(noise)
    reader.idle()
    before = live()
    for _ in range(50):
        reader.feed(noise)
        reader.idle()
    assert reader.next_frame() is None
    assert live() - before < 64
