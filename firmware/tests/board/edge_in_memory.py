"""Puts a stand-in for nuan_firmware.hal in place: no board, no line. Import it first."""

import sys

from journal_kit import KEY, START
from serial_port import Uart

import nuan_firmware.hal


class Hal:
    """The board's edge, in memory: nothing is connected to it, and nothing answers."""

    @staticmethod
    def blob(name):
        return b""

    @staticmethod
    def open_link(kind, options):
        raise AssertionError("there are no links here")

    class Terminal:
        async def read(self):
            return -1

    class Output:
        def __init__(self, pin):
            pass

        def set(self, on):
            pass

        def put(self, demand, is_open):
            pass

    @staticmethod
    def actuator(valve):
        return Hal.Output(valve.pin)

    class Port:
        def __init__(self, bus):
            self.uart = Uart(lambda question: b"")

        def frame_ms(self, count):
            return 1

    NVS_NOT_FOUND = -4354

    @staticmethod
    def node_key():
        return KEY

    @staticmethod
    def utc_s():
        return START

    @staticmethod
    def kept_utc_s():
        return START

    @staticmethod
    def set_utc(seconds):
        pass

    @staticmethod
    def assume_utc(seconds):
        pass

    @staticmethod
    def random_bytes(count):
        return b"r" * count

    @staticmethod
    def secret(name):
        return ""

    numbers = {}  # noqa: RUF012  # a board has no typing at run time
    resets = 0

    @staticmethod
    def number(name, default):
        return Hal.numbers.get(name, default)

    @staticmethod
    def set_number(name, value):
        Hal.numbers[name] = value

    @staticmethod
    def reset():
        Hal.resets += 1

    @staticmethod
    def restart():
        Hal.resets += 1

    @staticmethod
    def reset_cause():
        return "power"


for part in ("chip", "console", "links", "outputs", "serial"):
    sys.modules["nuan_firmware.hal." + part] = Hal
    setattr(nuan_firmware.hal, part, Hal)
# What is loaded on demand comes back as it is: it finds a chip that tells nothing of itself.
sys.modules["esp32"] = Hal
