"""What holds rooms to their set-points: zones, weekly programs, the calendar, the law, the weather.

Bounds are the firmware's (config_zones.py). Temperatures are tenths of a degree Celsius. Chinese
holidays and make-up working days come from the `holidays` package, whose table ends with the last
year the State Council has announced; site.toml's own days are added to them, and stand above them.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import holidays as holiday_tables
from pydantic import AfterValidator, Field

from nuan_gateway.settings import NodeId
from nuan_gateway.toml_source import Many, Section

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EPOCH = date(1970, 1, 1)
YEARS_AHEAD = 2
DAYS_MAX = 200
DAY_TYPES_MAX = 4
SWITCH_POINTS_MAX = 12
ROM_DIGITS = 16
WIRES_MAX = 4
PROGRAMS_MAX = 4
LEVELS = ("occupied", "setback", "unoccupied", "frost")
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_POINT = re.compile(r"([01]\d|2[0-3]):([0-5]\d) ([a-z]+)")
_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){2,12}")


def _point(text: str) -> str:
    found = _POINT.fullmatch(text)
    if not found or found[3] not in LEVELS:
        raise ValueError(f'{text!r} is no switch point; write one such as "08:00 {LEVELS[0]}"')
    return text


def _month_day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(f'{text!r} is no day of the year; write month and day such as "11-01"')
    return text


def _record(text: str) -> str:
    if text and not _HEX.fullmatch(text):
        raise ValueError(f"{text!r} is no record; write its DIF and VIF bytes in hex, as '025A'")
    return text.upper()


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
Setting = Annotated[int, Field(ge=50, le=350)]
Slot = Annotated[int, Field(ge=1, le=65535)]
GpioPin = Annotated[int, Field(ge=0, le=48)]
Record = Annotated[str, AfterValidator(_record)]
MonthDay = Annotated[str, AfterValidator(_month_day)]
SwitchPoint = Annotated[str, AfterValidator(_point)]
Day = Annotated[Many[SwitchPoint], Field(max_length=SWITCH_POINTS_MAX)]
RestSeconds = Annotated[int, Field(ge=0, le=3600)]
Drive = Literal["on_off", "pulses", "position"]


class Wire(Section):
    """A one-wire pin of a board, for DS18B20 probes: meters whose bus it is."""

    name: Annotated[Name, Field(max_length=16)]
    pin: GpioPin

    @property
    def protocol(self) -> str:
        """As a bus has it."""
        return "onewire"

    @property
    def connect(self) -> str:
        """Nowhere: the board's own pin."""
        return ""


class Exemption(Section):
    """The paper that lets a zone's setting be above the law's, and the last day it holds."""

    document: Annotated[str, Field(min_length=1, max_length=120)]
    until: date


class Clamp(Section):
    """The highest setting the law allows in this building, and which law that is."""

    max_dc: Annotated[int, Field(ge=100, le=350)] = 200
    legal_basis: Annotated[str, Field(max_length=200)] = ""


class Outdoor(Section):
    """A board's weather: an outdoor sensor, or a heat meter's flow temperature.

    Without a room sensor a valve opens for full_pct of the time at full_dc, not at all at none_dc.
    """

    node: NodeId
    slot: Slot
    read: Annotated[int, Field(ge=0, le=15)] = 0
    offset: Annotated[int, Field(ge=0, le=255)] = 0
    record: Record = ""
    kind: Literal["outdoor", "flow"] = "outdoor"
    full_dc: Annotated[int, Field(ge=-400, le=1200)] | None = None
    none_dc: Annotated[int, Field(ge=-400, le=1200)] | None = None
    full_pct: Annotated[int, Field(ge=1, le=100)] = 80

    def config(self) -> dict[str, Any]:
        """As the node takes it."""
        more = self.model_dump(exclude={"node", "kind"}, exclude_defaults=True)
        return {"slot": self.slot, **more, **({"is_flow": True} if self.kind == "flow" else {})}


class Program(Section):
    """A week: switch points "HH:MM level" of each day, the last of which holds on until the next.

    `workday` and `weekend` stand for the days not named, `holiday` for days off (as Sunday).
    A make-up working day goes as Monday.
    """

    name: Name
    workday: Day = ()
    weekend: Day | None = None
    monday: Day | None = None
    tuesday: Day | None = None
    wednesday: Day | None = None
    thursday: Day | None = None
    friday: Day | None = None
    saturday: Day | None = None
    sunday: Day | None = None
    holiday: Day | None = None

    def days(self) -> list[tuple[str, ...]]:
        """The points of Monday to Sunday, and of a holiday."""
        found: list[tuple[str, ...]] = []
        for position, name in enumerate(WEEK):
            own: tuple[str, ...] | None = getattr(self, name)
            usual = self.workday if position < 5 or self.weekend is None else self.weekend
            found.append(usual if own is None else own)
        return [*found, found[6] if self.holiday is None else self.holiday]

    def config(self) -> dict[str, Any]:
        """As the node takes it: each different day once."""
        days = self.days()
        types = list(dict.fromkeys(days))
        numbers = [types.index(day) for day in days]
        packed = [[_switch(point) for point in day] for day in types]
        return {"week": numbers[:7], "holiday": numbers[7], "types": packed}


class Calendar(Section):
    """Days off and make-up working days, and the heating season, outside which valves are exercised
    in any room. `country` is a code of the holidays package, "" for none of its days."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = "CN"
    holidays: Many[date] = ()
    workdays: Many[date] = ()
    heating_first: MonthDay = "11-01"
    heating_last: MonthDay = "03-31"

    def config(self, today: date) -> dict[str, Any]:
        """Day numbers of this year and the next, and the season by day of the year."""
        off, work = self.days(today.year)
        return {
            "off": [(day - EPOCH).days for day in off],
            "work": [(day - EPOCH).days for day in work],
            "heating_first": _day_of_year(self.heating_first),
            "heating_last": _day_of_year(self.heating_last),
        }

    def days(self, year: int) -> tuple[list[date], list[date]]:
        """(days off, make-up working days) of `year` and those after, sorted."""
        years = range(year, year + YEARS_AHEAD)
        off, work = set[date](), set[date]()
        if self.country:
            table = holiday_tables.country_holidays(self.country, years=years)
            off = {day for day in table if day.year in years}
            work = {day for day in getattr(table, "weekend_workdays", ()) if day.year in years}
        off = off - set(self.workdays) | set(self.holidays)
        work = work - set(self.holidays) | set(self.workdays)
        return sorted(off - work)[:DAYS_MAX], sorted(work)[:DAYS_MAX]

    def known_until(self) -> int | None:
        """The last year whose make-up days the package knows; None without a table of them."""
        if not self.country:
            return None
        table = holiday_tables.country_holidays(self.country)
        special: dict[int, object] = getattr(table, "special_public_holidays", {})
        return max(special, default=None)


class Zone(Section):
    """A room held to its set-point by a valve.

    `slot` is the sensor's meter slot; `read` and `offset` (Modbus) or `record` (M-Bus: DIF and VIF
    bytes in hex) the place of its value in the answers. The valve is at `valve_pin`, or in the
    CJ/T 188 meter in `valve_slot`, which must allow it.
    """

    zone: Annotated[int, Field(ge=1, le=255)]
    node: NodeId
    slot: Slot
    read: Annotated[int, Field(ge=0, le=15)] = 0
    offset: Annotated[int, Field(ge=0, le=255)] = 0
    record: Record = ""
    valve_pin: GpioPin | None = None
    valve_slot: Slot | None = None
    drive: Drive = "on_off"
    valve_inverted: bool = False
    valve_hz: Annotated[int, Field(ge=50, le=20000)] = 1000
    valve_low_us: Annotated[int, Field(ge=0, le=20000)] = 0
    valve_high_us: Annotated[int, Field(ge=0, le=20000)] | None = None
    setpoint_dc: Setting
    setback_dc: Setting | None = None
    unoccupied_dc: Setting | None = None
    program: Name | None = None
    neighbours: Many[int] = ()
    legal_max_dc: Annotated[int, Field(ge=100, le=350)] = 200
    exempt: bool = False
    exemption: Exemption | None = None
    hysteresis_dc: Annotated[int, Field(ge=1, le=50)] = 5
    # How far the room runs on, by its hot radiators, after the valve has shut.
    overrun_dc: Annotated[int, Field(ge=0, le=49)] = 0
    frost_dc: Annotated[int, Field(ge=20, le=150)] = 50
    min_on_s: RestSeconds = 180
    min_off_s: RestSeconds = 180
    stale_s: Annotated[int, Field(ge=60, le=86400)] = 1800
    fallback_pct: Annotated[int, Field(ge=0, le=100)] = 50
    band_dc: Annotated[int, Field(ge=2, le=100)] | None = None
    reset_s: Annotated[int, Field(ge=600, le=86400)] | None = None
    cycle_s: Annotated[int, Field(ge=600, le=1800)] | None = None
    heat_up_dc_per_h: Annotated[int, Field(ge=1, le=100)] | None = None
    warm_up_s: Annotated[int, Field(ge=0, le=21600)] | None = None
    coast_s: Annotated[int, Field(ge=0, le=14400)] | None = None
    exercise_days: Annotated[int, Field(ge=0, le=60)] | None = None
    exercise_s: Annotated[int, Field(ge=60, le=1800)] | None = None

    def config(self, programs: list[str], clamp: Clamp, zone: ZoneInfo) -> dict[str, Any]:
        """As the node takes it. What the site file doesn't say, and is new, the node chooses."""
        left_out = {"node", "program", "exemption", "neighbours", "record", "drive"} | {
            name for name in _VALVE if name not in self.model_fields_set
        }
        config = self.model_dump(exclude=left_out, exclude_none=True)
        if "legal_max_dc" not in self.model_fields_set:
            config["legal_max_dc"] = clamp.max_dc
        if self.record:
            del config["read"], config["offset"]
            config["record"] = self.record
        if self.drive != "on_off":
            config["drive"] = self.drive
        if self.program is not None:
            config["program"] = programs.index(self.program)
        if self.neighbours:
            config["neighbours"] = list(self.neighbours)
        if self.exemption is not None:
            end = datetime.combine(self.exemption.until + timedelta(days=1), time(), zone)
            config["exempt_until_s"] = int(end.timestamp())
        return config


_VALVE = ("valve_inverted", "valve_hz", "valve_low_us", "valve_high_us")


def _switch(point: str) -> list[int]:
    found = _POINT.fullmatch(point)
    assert found, "checked when the site file was read"
    return [int(found[1]) * 60 + int(found[2]), LEVELS.index(found[3])]


def _day_of_year(month_day: str) -> int:
    """In a leap year, in which every day exists."""
    month, day = (int(part) for part in month_day.split("-"))
    return min((date(2024, month, 1) - date(2024, 1, 1)).days + day, 366)
