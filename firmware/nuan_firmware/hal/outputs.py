"""Pins that switch something."""

import machine


class Output:
    """A pin that switches something on or off."""

    def __init__(self, pin: int) -> None:
        self._pin = machine.Pin(pin, machine.Pin.OUT, value=0)

    def set(self, on: bool) -> None:
        """Switch."""
        self._pin.value(1 if on else 0)
