"""The board's status lamp."""

import machine
from micropython import const

# A pin with this added lights when it is low.
LIT_LOW = const(256)


class Light:
    """The lamp at a pin: its GPIO number, plus LIT_LOW when it lights at 0; dark at first."""

    def __init__(self, number: int) -> None:
        self._low = 1 if number & LIT_LOW else 0
        self._pin = machine.Pin(number & (LIT_LOW - 1), machine.Pin.OUT, value=self._low)

    def set(self, lit: int) -> None:
        """1: light it, 0: put it out."""
        self._pin.value(lit ^ self._low)
