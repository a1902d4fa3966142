"""A DS3231 on a board's I2C bus, by its data sheet: it runs on while the board is off.

Registers 0 to 6 hold second, minute, hour, weekday, day, century and month, year in BCD, register
15 the status, whose bit 7 says that the oscillator has stood still. Registers between are memory.
"""

from __future__ import annotations

from calendar import timegm
from datetime import UTC, datetime

ADDRESS = 0x68
REGISTERS = 19
_STATUS = 15
_STOPPED = 0x80
_TIME_BYTES = 7


class ClockChip:
    """It gains `drift_ppm` microseconds a second; with a dead battery it stops with the power.

    A new one stands still at the year 2000 until somebody sets it.
    """

    def __init__(self, drift_ppm: int = 0) -> None:
        self.drift_ppm = drift_ppm
        self.has_battery = True
        self._registers = bytearray(REGISTERS)
        self._registers[_STATUS] = _STOPPED
        self._set_s = 946_684_800
        self._set_ms: int | None = None

    def power_lost(self) -> None:
        """The board's power is gone: without a battery the clock stops and starts anew."""
        if not self.has_battery:
            self._registers[_STATUS] |= _STOPPED
            self._set_s, self._set_ms = 946_684_800, None

    def shows(self, now_ms: int) -> int:
        """What it shows at UTC milliseconds, in seconds since 1970."""
        if self._set_ms is None:
            return self._set_s
        passed_ms = now_ms - self._set_ms
        return self._set_s + (passed_ms + passed_ms * self.drift_ppm // 1_000_000) // 1000

    def read(self, register: int, count: int, now_ms: int) -> bytes:
        """Registers as the bus gives them; behind the last one comes the first."""
        self._registers[:_TIME_BYTES] = _bcd(self.shows(now_ms))
        return bytes(self._registers[(register + i) % REGISTERS] for i in range(count))

    def write(self, register: int, data: bytes, now_ms: int) -> None:
        """Write registers; a write to the seconds begins the second anew."""
        self._registers[:_TIME_BYTES] = _bcd(self.shows(now_ms))
        for index, value in enumerate(data):
            self._registers[(register + index) % REGISTERS] = value
        if register < _TIME_BYTES:
            self._set_s, self._set_ms = _seconds(self._registers), now_ms


def _bcd(second: int) -> bytes:
    at = datetime.fromtimestamp(second, UTC)
    century = 0x80 if at.year >= 2100 else 0
    values = (at.second, at.minute, at.hour, at.isoweekday(), at.day, at.month, at.year % 100)
    held = bytearray(int(f"{value:02d}", 16) for value in values)
    held[5] |= century
    return bytes(held)


def _seconds(registers: bytearray) -> int:
    second, minute, hour, _, day, month, year = (
        int(f"{value:02x}") for value in (*registers[:5], registers[5] & 0x1F, registers[6])
    )
    year += 2100 if registers[5] & 0x80 else 2000
    return timegm((year, month, day, hour, minute, second))
