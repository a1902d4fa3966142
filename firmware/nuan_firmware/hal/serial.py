"""Serial lines to meters, half duplex."""

from typing import TYPE_CHECKING

import machine
from micropython import const

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Bus

# A telegram has up to 261 bytes, the driver's own default is 256.
_UART_RX_BYTES = const(512)
_PARITY = {"N": None, "E": 0, "O": 1}


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
