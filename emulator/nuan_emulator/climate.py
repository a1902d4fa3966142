"""What comes from outside, step by step: weather, sun, and the heating water of the network."""

from __future__ import annotations

from array import array

from nuan_emulator.weather import Weather

STEP_MS = 300_000
STEP_S = STEP_MS // 1000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

INDOOR_C = 18.0
DESIGN_OUTDOOR_C = -9.0
DESIGN_FLOW_C = 75.0
DESIGN_RETURN_C = 50.0
RADIATOR_EXPONENT = 0.3
LOAD_MIN = 0.1
LOAD_MAX = 1.15

SUN_W_PER_M2 = (
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    40,
    110,
    170,
    210,
    220,
    200,
    150,
    90,
    30,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
)
"""On a south window in winter by civil hour, clouds already taken off."""


def heating_water_c(outdoor_c: float) -> tuple[float, float]:
    """Flow and return of the network at an outdoor temperature, rounded to 0.01 degC.

    Quality regulation: t = t_n + (t_g + t_h - 2 t_n) / 2 * q^(1/(1+b)) +- (t_g - t_h) / 2 * q.
    """
    load = (INDOOR_C - outdoor_c) / (INDOOR_C - DESIGN_OUTDOOR_C)
    load = min(LOAD_MAX, max(LOAD_MIN, load))
    excess = (DESIGN_FLOW_C + DESIGN_RETURN_C) / 2 - INDOOR_C
    middle = INDOOR_C + excess * load ** (1 / (1 + RADIATOR_EXPONENT))
    half = (DESIGN_FLOW_C - DESIGN_RETURN_C) / 2 * load
    return round(middle + half, 2), round(middle - half, 2)


class Climate:
    """Outdoor, flow and return temperature at the beginning of every step since `start_ms`."""

    def __init__(self, weather: Weather, start_ms: int, utc_offset_s: int) -> None:
        """`utc_offset_s`: the site's civil time, for sun and habits."""
        self._weather = weather
        self.start_ms = start_ms
        self._offset_ms = utc_offset_s * 1000
        self.outdoor_c = array("d")
        self.flow_c = array("d")
        self.return_c = array("d")

    def extend(self, steps: int) -> None:
        """Make sure that the first `steps` steps are known."""
        for step in range(len(self.outdoor_c), steps):
            outdoor_c = self._weather.temperature_c(self.start_ms + step * STEP_MS)
            flow_c, return_c = heating_water_c(outdoor_c)
            self.outdoor_c.append(outdoor_c)
            self.flow_c.append(flow_c)
            self.return_c.append(return_c)

    def civil_hour(self, t_ms: int) -> int:
        """Hour of the civil day, 0..23."""
        return (t_ms + self._offset_ms) // HOUR_MS % 24

    def civil_day(self, t_ms: int) -> int:
        """Civil days since 1970; day 0 was a Thursday."""
        return (t_ms + self._offset_ms) // DAY_MS

    def civil_minute(self, t_ms: int) -> int:
        """Minute of the civil day, 0..1439."""
        return (t_ms + self._offset_ms) // 60_000 % 1440
