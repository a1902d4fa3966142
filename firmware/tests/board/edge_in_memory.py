"""Puts a stand-in for nuan_firmware.hal in place: no board, no line. Import it first."""

import sys

from journal_kit import KEY, START
from serial_port import Uart

import nuan_firmware.hal


class Hal:
    """The board's edge, in memory: nothing is connected to it, and nothing answers."""

    class Link:
        def __init__(self, ssid):
            pass

        def is_up(self):
            return False

        def raise_up(self):
            pass

    class Output:
        def __init__(self, pin):
            pass

        def set(self, on):
            pass

    class Port:
        def __init__(self, bus):
            self.uart = Uart(lambda question: b"")

        def frame_ms(self, count):
            return 1

    @staticmethod
    def node_key():
        return KEY

    @staticmethod
    def utc_s():
        return START

    @staticmethod
    def set_utc(seconds):
        pass

    @staticmethod
    def random_bytes(count):
        return b"r" * count

    @staticmethod
    def secret(name):
        return ""

    @staticmethod
    def reset_cause():
        return "power"


for part in ("chip", "links", "outputs", "serial"):
    sys.modules["nuan_firmware.hal." + part] = Hal
    setattr(nuan_firmware.hal, part, Hal)
