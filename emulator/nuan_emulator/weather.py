"""Outdoor temperature: a built-in climate like Yangquan's, or a typical year from an EPW file.

Values are rounded to hundredths of a degree once an hour, so that neither the mathematics library
nor the machine can change a run: what follows uses only exactly rounded operations.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Protocol

from nuan_emulator.epw import read_epw

HOUR_MS = 3_600_000
LOCAL_OFFSET_MS = 8 * HOUR_MS

# Two harmonics fitted to monthly normals of the Yangquan basin (January -3.6, July 24.2 degC).
ANNUAL_MEAN_C = 11.6
ANNUAL_C = ((-13.6, -2.35), (-0.98, -0.48))
DAILY_AMPLITUDE_C = 4.5
WARMEST_HOUR = 15
NOISE_C = 2.8
NOISE_KEPT = 0.97
"""Share of the deviation that is left after an hour: warm and cold spells of one to three days."""


class Weather(Protocol):
    """Outdoor temperature as a function of time."""

    def temperature_c(self, now_ms: int) -> float:
        """Degrees Celsius at a UTC instant in ms since 1970, linear between whole hours."""
        ...


class BuiltInWeather:
    """Yearly and daily course plus hourly noise from the seed; the same at any order of asking."""

    def __init__(self, seed: int) -> None:
        """`seed` chooses the spells, not the climate."""
        self._seed = seed
        self._noise: dict[int, list[float]] = {}
        self._hours: dict[int, float] = {}

    def temperature_c(self, now_ms: int) -> float:
        """Degrees Celsius at a UTC instant in ms since 1970, linear between whole hours."""
        hour, rest_ms = divmod(now_ms, HOUR_MS)
        before = self._at_hour(hour)
        if not rest_ms:
            return before
        return before + (self._at_hour(hour + 1) - before) * rest_ms / HOUR_MS

    def _at_hour(self, hour: int) -> float:
        known = self._hours.get(hour)
        if known is None:
            known = round(self._course_c(hour) + self._noise_c(hour), 2)
            self._hours[hour] = known
        return known

    def _course_c(self, hour: int) -> float:
        local = datetime.fromtimestamp(hour * 3600, UTC) + timedelta(milliseconds=LOCAL_OFFSET_MS)
        day = local.timetuple().tm_yday - 1 + local.hour / 24
        angle = 2 * math.pi * day / 365.25
        course = ANNUAL_MEAN_C
        for order, (cosine, sine) in enumerate(ANNUAL_C, 1):
            course += cosine * math.cos(order * angle) + sine * math.sin(order * angle)
        turn = 2 * math.pi * (local.hour - WARMEST_HOUR) / 24
        return course + DAILY_AMPLITUDE_C * math.cos(turn)

    def _noise_c(self, hour: int) -> float:
        """First-order autoregression, begun anew each 1 July so that any hour can be asked for."""
        at = datetime.fromtimestamp(hour * 3600, UTC)
        year = at.year if at.month >= 7 else at.year - 1
        chain = self._noise.get(year)
        if chain is None:
            chain = self._noise_chain(year)
            self._noise[year] = chain
        return chain[hour - int(datetime(year, 7, 1, tzinfo=UTC).timestamp()) // 3600]

    def _noise_chain(self, year: int) -> list[float]:
        rng = Random(f"{self._seed}/weather/{year}")  # noqa: S311 - a simulation, not a secret
        drive = NOISE_C * math.sqrt(1 - NOISE_KEPT**2)
        value = rng.gauss(0, NOISE_C)
        chain: list[float] = []
        for _ in range(366 * 24):
            chain.append(value)
            value = NOISE_KEPT * value + rng.gauss(0, drive)
        return chain


class EpwWeather:
    """A typical year from an EnergyPlus weather file, repeated for every year."""

    def __init__(self, path: Path) -> None:
        """Reads the file; EpwError names the line that cannot be read."""
        self._year = read_epw(path)

    def temperature_c(self, now_ms: int) -> float:
        """Degrees Celsius at a UTC instant in ms since 1970, linear between whole hours."""
        hour, rest_ms = divmod(now_ms, HOUR_MS)
        before = self._year.at_hour(hour)
        return before + (self._year.at_hour(hour + 1) - before) * rest_ms / HOUR_MS


def open_weather(seed: int, epw: Path | None = None) -> Weather:
    """The EPW file's weather when one is named, else the built-in one."""
    return BuiltInWeather(seed) if epw is None else EpwWeather(epw)
