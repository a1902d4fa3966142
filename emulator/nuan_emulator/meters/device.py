"""What a line asks of a meter, and what a meter asks of the world behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple, Protocol, runtime_checkable


class Reaction(NamedTuple):
    """How long a device may take before it answers.

    Between `min_bits` bit times of its line plus `min_us`, and `max_bits` plus `extra_us`.
    """

    min_bits: int
    max_bits: int
    extra_us: int
    min_us: int = 0


class Device(Protocol):
    """One device on a line: it sees every frame and answers those meant for it."""

    @property
    def reaction(self) -> Reaction:
        """The window in which the answer begins, counted from the end of the request."""
        ...

    def concerns(self, request: bytes) -> bool:
        """Whether the frame is addressed to this device; says the same for equal bytes."""
        ...

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """The raw answer to a whole request frame, None when silent; `now_ms` is UTC since 1970."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """A device whose baud rate can be set: a line tells it its own before it asks."""

    line_baud: int | None


class Settlement(NamedTuple):
    """The heat register latched at the beginning of a civil day."""

    day: date
    energy_j: int


class HeatState(NamedTuple):
    """What a heat or cooling meter measures at one instant; what is counted never decreases."""

    energy_j: int
    volume_ml: int
    power_w: int
    flow_l_per_h: int
    flow_temperature_cc: int
    """Hundredths of a degree Celsius."""
    return_temperature_cc: int
    """Hundredths of a degree Celsius."""
    on_time_s: int
    settlement: Settlement | None = None
    cooling_j: int = 0
    """What a meter for both heat and cooling counted as cooling."""


class WaterState(NamedTuple):
    """What a water meter measures at one instant."""

    volume_ml: int
    flow_l_per_h: int = 0


class GasState(NamedTuple):
    """What a gas meter measures at one instant; correctors also give volumes at 20 degC, 1 atm."""

    volume_ml: int
    flow_l_per_h: int
    temperature_cc: int = 2000
    """Hundredths of a degree Celsius."""
    pressure_pa: int = 101_325
    """Absolute."""
    standard_volume_ml: int = 0
    standard_flow_l_per_h: int = 0


class ElectricityState(NamedTuple):
    """What a three-phase electricity meter measures at one instant."""

    import_j: int
    export_j: int
    voltage_dv: tuple[int, int, int]
    """Tenths of a volt, phase to neutral."""
    current_ma: tuple[int, int, int]
    power_dw: tuple[int, int, int]
    """Tenths of a watt."""
    reactive_dvar: tuple[int, int, int]
    """Tenths of a var."""
    frequency_chz: int
    """Hundredths of a hertz."""


class RoomState(NamedTuple):
    """What a room sensor measures at one instant."""

    temperature_dc: int
    """Tenths of a degree Celsius."""
    humidity_permille: int


HeatSource = Callable[[int], HeatState | None]
"""Gives the state at a UTC instant in ms; None means the meter is silent then."""
WaterSource = Callable[[int], WaterState | None]
GasSource = Callable[[int], GasState | None]
ElectricitySource = Callable[[int], ElectricityState | None]
RoomSource = Callable[[int], RoomState | None]
