"""The board: the only module that knows machine, network and esp32.

Pin numbers are GPIO numbers. Everything else in the firmware runs wherever these names exist.
"""

import os
import time
from typing import TYPE_CHECKING

import esp32
import machine
import network
from micropython import const

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Bus

NVS_NAMESPACE = "nuan"
NODE_KEY_BYTES = 32
_SECRET_BYTES_MAX = const(64)
# A telegram has up to 261 bytes, the driver's own default is 256.
_UART_RX_BYTES = const(512)
# The ESP32 counts seconds from 2000, the unix port from 1970; UTC here is always since 1970.
_EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0

_PARITY = {"N": None, "E": 0, "O": 1}


def utc_s() -> int:
    """The chip's clock in seconds since 1970; after a power cut it starts at 2000."""
    return int(time.time()) + _EPOCH_S


def set_utc(seconds: int) -> None:
    """Set the chip's clock, which outlives a reset but no power cut."""
    year, month, day, hour, minute, second, weekday, _ = time.gmtime(seconds - _EPOCH_S)[:8]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


def random_bytes(count: int) -> bytes:
    """Random bytes from the chip's generator."""
    return os.urandom(count)


def node_key() -> bytes:
    """The 32-byte node key. Raises OSError when the node was never provisioned."""
    key = bytearray(NODE_KEY_BYTES)
    esp32.NVS(NVS_NAMESPACE).get_blob("key", key)
    return bytes(key)


def secret(name: str) -> str:
    """A password from the chip's store, empty when there is none."""
    buffer = bytearray(_SECRET_BYTES_MAX)
    try:
        size = esp32.NVS(NVS_NAMESPACE).get_blob(name, buffer)
    except OSError:
        return ""
    return bytes(memoryview(buffer)[:size]).decode()


def reset_cause() -> str:
    """Why the chip started, in a word."""
    causes = {
        machine.PWRON_RESET: "power",
        machine.HARD_RESET: "reset",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "sleep",
        machine.SOFT_RESET: "soft",
    }
    return causes.get(machine.reset_cause(), "unknown")


def reset() -> None:
    """Restart the chip."""
    machine.reset()


class Watchdog:
    """Restarts the chip unless fed every `timeout_ms`; it cannot be stopped."""

    def __init__(self, timeout_ms: int) -> None:
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Start the time anew."""
        self._watchdog.feed()


class Port:
    """A half-duplex serial port, with a direction pin when the bus has one (`de` >= 0)."""

    def __init__(self, bus: "Bus") -> None:
        self._line = (bus.baud, bus.parity)
        self._pins = (bus.tx, bus.rx)
        self._take_over()
        self.uart = machine.UART(bus.uart, bus.baud, **self._options())
        self._direction = machine.Pin(bus.de, machine.Pin.OUT, value=0) if bus.de >= 0 else None

    def set_line(self, baud: int, parity: str) -> None:
        """Baud rate and parity ("N", "E", "O") from now on; the port is touched if they differ."""
        if self._line != (baud, parity):
            self._line = (baud, parity)
            self._take_over()
            self.uart.init(baud, **self._options())

    def _take_over(self) -> None:
        self.baud, parity = self._line
        self.bits = 10 if parity == "N" else 11

    def _options(self) -> "dict[str, Any]":
        baud, parity = self._line
        return {
            "bits": 8,
            "parity": _PARITY[parity],
            "stop": 1,
            "tx": self._pins[0],
            "rx": self._pins[1],
            "rxbuf": _UART_RX_BYTES,
            "timeout": 0,
            # Below one character's time the driver interrupts for every byte, not once a frame.
            "timeout_char": 12000 // baud + 1,
        }

    def bits_ms(self, count: int) -> int:
        """How long `count` bits take on the line."""
        return count * 1000 // self.baud + 1

    def frame_ms(self, count: int) -> int:
        """How long `count` characters take on the line."""
        return count * self.bits * 1000 // self.baud + 1

    def is_driven(self) -> bool:
        """Whether the line must be let go of after sending."""
        return self._direction is not None

    def drive(self, on: bool) -> None:
        """Take or release the line."""
        if self._direction is not None:
            self._direction.value(1 if on else 0)

    def is_sent(self) -> bool:
        """Whether the last character has left."""
        return bool(self.uart.txdone())

    def drain(self, into: memoryview) -> None:
        """Throw away what was received before a question."""
        while self.uart.any():
            self.uart.readinto(into)


class Output:
    """A pin that switches something on or off."""

    def __init__(self, pin: int) -> None:
        self._pin = machine.Pin(pin, machine.Pin.OUT, value=0)

    def set(self, on: bool) -> None:
        """Switch."""
        self._pin.value(1 if on else 0)


class Link:
    """The way to the network: a Wi-Fi station."""

    def __init__(self, ssid: str) -> None:
        self._ssid = ssid
        self._station = network.WLAN(network.STA_IF)

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return bool(self._station.isconnected())

    def raise_up(self) -> None:
        """Start connecting anew; is_up() tells when it has worked."""
        self._station.active(False)
        self._station.active(True)
        self._station.connect(self._ssid, secret("wifi_key"))
