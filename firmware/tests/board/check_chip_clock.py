"""What the chip's clock is worth after a reset."""

import sys
import time

START = 1793491200
EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0


class Store:
    kept = None
    writes = 0

    def __init__(self, namespace):
        pass

    def get_i32(self, name):
        if name not in Store.kept:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return Store.kept[name]

    def set_i32(self, name, value):
        assert len(name) <= 15
        Store.kept[name] = value
        Store.writes += 1

    def commit(self):
        pass


class Esp32:
    NVS = Store


class Machine:
    s = 0

    class RTC:
        def datetime(self, fields):
            y, month, day, _, h, m, s, _ = fields
            Machine.s = time.mktime((y, month, day, h, m, s, 0, 0))


sys.modules["esp32"] = Esp32
sys.modules["machine"] = Machine

from nuan_firmware.hal import chip  # noqa: E402  # the board's edge comes first

chip.utc_s = lambda: Machine.s + EPOCH_S


def test_a_reset_in_the_middle_of_a_provisional_handshake_leaves_no_false_time():
    Store.kept = {}
    chip.set_utc(START)
    assert chip.kept_utc_s() == START
    assert not Store.writes
    chip.assume_utc(START - 86400)
    assert chip.utc_s() == START - 86400
    # Here the reset comes: what the clock holds is none's word.
    assert chip.kept_utc_s() == 0
    chip.assume_utc(START)
    assert chip.kept_utc_s() == 0
    assert Store.writes == 1
    chip.set_utc(START + 60)
    assert chip.kept_utc_s() == START + 60
    assert Store.writes == 2
