"""Pins that switch or position something."""

from typing import TYPE_CHECKING

import machine
from micropython import const

from nuan_firmware.control.law import DRIVE_POSITION

if TYPE_CHECKING:
    from nuan_firmware.config_zones import Valve

# A motor isn't moved for less, unless to an end.
_STEP = const(30)
_FULL = const(1000)
_DUTY_MAX = const(65535)


class Output:
    """A pin that switches something on or off; an inverted one is low when on."""

    def __init__(self, pin: int, inverted: bool = False) -> None:
        self._inverted = inverted
        self._pin = machine.Pin(pin, machine.Pin.OUT, value=1 if inverted else 0)

    def set(self, on: bool) -> None:
        """Switch."""
        self._pin.value(0 if on == self._inverted else 1)

    def put(self, demand: int, is_open: bool) -> None:  # noqa: ARG002 - as Position has it
        """Open or shut a valve."""
        self.set(is_open)


class Position:
    """A valve that takes any position by the width of a pulse: a servo, or 0-10 V behind a filter.

    Pulses of low_us (shut) to high_us (open) at frequency_hz.
    """

    def __init__(self, valve: "Valve") -> None:
        self._valve = valve
        self._at = 0
        self._pwm = machine.PWM(
            machine.Pin(valve.pin), freq=valve.frequency_hz, duty_u16=self._duty(0)
        )

    def put(self, demand: int, is_open: bool) -> None:  # noqa: ARG002 - as Output has it
        """Go to a position in permille."""
        if demand in (0, _FULL) or abs(demand - self._at) >= _STEP:
            self._at = demand
            self._pwm.duty_u16(self._duty(demand))

    def _duty(self, demand: int) -> int:
        valve = self._valve
        if valve.inverted:
            demand = _FULL - demand
        width_us = valve.low_us + (valve.high_us - valve.low_us) * demand // _FULL
        return min(_DUTY_MAX, width_us * valve.frequency_hz * 41 // 625)


def actuator(valve: "Valve") -> "Output | Position":
    """What moves a valve at a pin; shut to begin with."""
    if valve.drive == DRIVE_POSITION:
        return Position(valve)
    return Output(valve.pin, valve.inverted)
