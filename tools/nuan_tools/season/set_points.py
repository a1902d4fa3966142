"""A heating season of one public room under the node's own controller, on this machine.

The decision code runs as it does on the board; clock, journal and valve are stand-ins that note
what they are told. A plain thermostat of 1 K has the same schedule, setting, sensor and weather.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from nuan_emulator.climate import Climate
from nuan_emulator.public_room import RoomModel, RoomSpec, week_gains_w
from nuan_emulator.weather import BuiltInWeather

# The board's compiler takes `const` out of its files; here it gives back what it gets.
_vm = sys.modules.setdefault("micropython", ModuleType("micropython"))
_vm.__dict__.setdefault("const", int)

from nuan_firmware.config_zones import Control, control  # noqa: E402 - needs the line above
from nuan_firmware.control import schedule  # noqa: E402
from nuan_firmware.control.zones import Zones  # noqa: E402
from nuan_protocols.uplink.body import MODE_FROST, MODE_NORMAL, MODE_UNOCCUPIED  # noqa: E402

if TYPE_CHECKING:
    from nuan_firmware.clock import Clock
    from nuan_firmware.journal import Journal

UTC_OFFSET_S = 8 * 3600
SENSOR_S = 300
OUTDOOR_S = 900
SENSOR_NOISE_C = 0.04
HYSTERESIS_DC = 5
_SENSOR_SLOT = 16
_OUTDOOR_SLOT = 30
_MINUTE_S = 60


@dataclass(frozen=True)
class Trial:
    """One room, one season, one setting; temperatures in tenths of a degree."""

    room: RoomSpec
    seed: int
    start_ms: int
    days: int
    setpoint_dc: int = 200
    unoccupied_dc: int = 150
    drive: str = "pulses"
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    silent: tuple[tuple[int, int], ...] = ()
    """Half-open spans of hours since the start in which the sensor says nothing."""

    def control(self) -> Control:
        """The node's configuration of the room: occupied on weekdays from 8 to 18."""
        document = {
            "programs": [
                {"week": [0, 0, 0, 0, 0, 1, 1], "types": [[[480, 0], [1080, 2]], []]},
            ],
            "outdoor": {"slot": _OUTDOOR_SLOT},
            "zones": [
                {
                    "zone": 1, "slot": _SENSOR_SLOT, "valve_pin": 33, "drive": self.drive,
                    "setpoint_dc": self.setpoint_dc, "setback_dc": self.unoccupied_dc,
                    "unoccupied_dc": self.unoccupied_dc, "program": 0, "exercise_days": 0,
                    **self.more,
                },
            ],
        }  # fmt: skip
        return configured(document, (_SENSOR_SLOT, _OUTDOOR_SLOT))


@dataclass
class Outcome:
    """What came of a trial: K h on the room's true temperature, heat in kWh."""

    heat_kwh: float = 0.0
    cold_kh: float = 0.0
    """Below the setting in occupied time, trapezoid."""
    warm_kh: float = 0.0
    """Above the setting in occupied time, trapezoid."""
    strokes: int = 0
    open_above: int = 0
    """Minutes in which the valve was commanded open though the sensor read above the setting."""
    coldest_c: float = 99.0
    entries: int = 0


class Controller(Protocol):
    """What holds the room."""

    def sense(self, measured_dc: int) -> None:
        """Take the room's temperature."""

    def outdoor(self, measured_dc: int) -> None:
        """Take the weather."""

    def tick(self, now_s: int) -> int:
        """The valve's position in per cent from now on, `now_s` in UTC."""
        ...

    def applied_dc(self) -> int:
        """The setting in force."""
        ...


class Hands:
    """The board's clock, moved by the trial."""

    def __init__(self, now_s: int) -> None:
        self.now_s = self.start_s = now_s

    def uptime(self) -> int:
        """Seconds since boot."""
        return self.now_s - self.start_s

    def now(self) -> int:
        """UTC."""
        return self.now_s

    def quality(self) -> int:
        """Synchronised."""
        return 2


class Book:
    """A journal that counts."""

    def __init__(self) -> None:
        self.entries = 0

    def control(self, *_: object) -> None:
        """A decision."""
        self.entries += 1

    def event(self, *_: object) -> None:
        """An event."""
        self.entries += 1


class Valve:
    """The valve's position as commanded."""

    def __init__(self, drive: str) -> None:
        self._positions = drive == "position"
        self.pct = 0

    def put(self, demand: int, is_open: bool) -> None:
        """Go there."""
        self.pct = demand // 10 if self._positions else 100 * is_open


def _fail(zone: str, problem: Exception | str) -> None:
    raise RuntimeError(f"{zone}: {problem}")


class Node:
    """The node's controller."""

    def __init__(self, trial: Trial, folder: Path) -> None:
        self.clock = Hands(trial.start_ms // 1000)
        self.book = Book()
        self.valve = Valve(trial.drive)
        clock: Clock = self.clock  # type: ignore[assignment]
        journal: Journal = self.book  # type: ignore[assignment]
        self.zones = Zones(
            trial.control(),
            journal,
            clock,
            lambda _: self.valve,
            _fail,
            str(folder / "control.json"),
        )

    def sense(self, measured_dc: int) -> None:
        """As the sensor's Modbus answer."""
        self.zones.take(_SENSOR_SLOT, 0, _answer(measured_dc))

    def outdoor(self, measured_dc: int) -> None:
        """As the outdoor sensor's Modbus answer."""
        self.zones.take(_OUTDOOR_SLOT, 0, _answer(measured_dc))

    def tick(self, now_s: int) -> int:
        """As the supervisor's beat."""
        self.clock.now_s = now_s
        self.zones.tick(self.clock.uptime())
        return self.valve.pct

    def applied_dc(self) -> int:
        """The law's; frost protection stands above it."""
        law = self.zones.laws[0]
        return 1000 if law.mode == MODE_FROST else law.applied_dc


class Thermostat:
    """Open below the setting less 0.5 K, shut above it plus 0.5 K.

    `lead_min` begins every occupied time so much earlier.
    """

    def __init__(self, trial: Trial, lead_min: int = 0) -> None:
        control = trial.control()
        self._program, self._calendar = control.programs[0], control.calendar
        self._lead_s = lead_min * _MINUTE_S
        self._setpoints = (trial.setpoint_dc, trial.unoccupied_dc)
        self._applied_dc = self._setpoints[0]
        self._measured_dc: int | None = None
        self._is_open = False

    def sense(self, measured_dc: int) -> None:
        """Take the room's temperature."""
        self._measured_dc = measured_dc

    def outdoor(self, measured_dc: int) -> None:
        """It has no use for the weather."""

    def tick(self, now_s: int) -> int:
        """Open or shut."""
        mode, begins_s = schedule.now(self._program, self._calendar, now_s + UTC_OFFSET_S)
        is_low = mode == MODE_UNOCCUPIED and begins_s > self._lead_s
        self._applied_dc = self._setpoints[is_low]
        if self._measured_dc is not None:
            above_dc = self._measured_dc - self._applied_dc
            if above_dc >= HYSTERESIS_DC:
                self._is_open = False
            elif above_dc <= -HYSTERESIS_DC:
                self._is_open = True
        return 100 * self._is_open

    def applied_dc(self) -> int:
        """The program's."""
        return self._applied_dc


def run(trial: Trial, controller: Controller) -> Outcome:
    """Simulate the season minute by minute."""
    climate = Climate(BuiltInWeather(trial.seed), trial.start_ms, UTC_OFFSET_S)
    climate.extend(trial.days * 288 + 1)
    room = RoomModel(trial.room, climate, valve_pct=0)
    gains = week_gains_w(trial.room)
    noise = Random(f"{trial.seed}/sensor")  # noqa: S311
    outcome = Outcome()
    program = trial.control()
    lower_c = min(trial.setpoint_dc, program.zones[0].legal_max_dc) / 10
    measured_dc, before_c, was_open = 0, trial.room.start_c, False
    for minute in _minutes(trial):
        now_ms = trial.start_ms + minute * 60_000
        now_s = now_ms // 1000
        room.advance(now_ms, gains)
        room_c = room.temperatures_cc[minute] / 100
        if minute * _MINUTE_S % SENSOR_S == 0 and not _is_silent(trial, minute // 60):
            measured_dc = round(10 * (room_c + noise.gauss(0, SENSOR_NOISE_C)))
            controller.sense(measured_dc)
        if minute * _MINUTE_S % OUTDOOR_S == 0:
            controller.outdoor(round(10 * climate.outdoor_c[minute // 5]))
        pct = controller.tick(now_s)
        room.valve_pct = pct
        outcome.open_above += pct > 0 and measured_dc > controller.applied_dc()
        outcome.strokes += pct > 0 and not was_open
        was_open = pct > 0
        mode, _ = schedule.now(program.programs[0], program.calendar, now_s + UTC_OFFSET_S)
        if mode == MODE_NORMAL:
            mean_c = (room_c + before_c) / 2
            outcome.cold_kh += max(0.0, lower_c - mean_c) / 60
            outcome.warm_kh += max(0.0, mean_c - lower_c) / 60
        before_c = room_c
        outcome.coldest_c = min(outcome.coldest_c, room_c)
    outcome.heat_kwh = room.heat_j.at(room.heat_j.end_ms) / 3.6e6
    return outcome


def _minutes(trial: Trial) -> Iterator[int]:
    return iter(range(trial.days * 1440))


def _is_silent(trial: Trial, hour: int) -> bool:
    return any(first <= hour < end for first, end in trial.silent)


def _answer(value_dc: int) -> bytes:
    return b"\x02\x04\x02" + (value_dc & 0xFFFF).to_bytes(2, "big") + b"\x00\x00"


def configured(document: dict[str, Any], slots: tuple[int, ...]) -> Control:
    """The control part of a node's configuration, with Modbus sensors in these slots."""
    from nuan_firmware.config import Bus, Meter, Section, Way

    bus = Bus("rs485", "modbus", 2, 25, 26, 27, 9600, "N", 300)
    way = Way(((4, 0, 1),), None, -1)
    meters = tuple(Meter(slot, 0, slot, 300, way) for slot in slots)
    found = control(Section(document, ""), meters, (bus,))
    if found is None:
        raise ValueError("no zone")
    return found
