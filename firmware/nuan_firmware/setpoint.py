"""Holds one zone to its set-point with an on-off valve.

Frost protection stands above everything. A fresh sensor decides with hysteresis below the applied
set-point, which is the requested one clamped to the legal maximum unless the zone is exempt; the
valve shuts earlier by what the room runs on afterwards, because its radiators are still hot. A
stale sensor gives way to a fixed duty cycle. Minimum times keep the valve from chattering, but
never hold it open in a room that is too warm already.
"""

from typing import TYPE_CHECKING

from micropython import const

from nuan_protocols.uplink.body import MODE_FALLBACK, MODE_FROST, MODE_NORMAL

if TYPE_CHECKING:
    from nuan_firmware.clock import Clock
    from nuan_firmware.config import Zone
    from nuan_firmware.hal.outputs import Output
    from nuan_firmware.journal import Journal
    from nuan_protocols.uplink.keys import Buffer

REASON_BELOW = const(1)
REASON_ABOVE = const(2)
REASON_BETWEEN = const(3)
REASON_FROST = const(4)
REASON_DUTY_ON = const(5)
REASON_DUTY_OFF = const(6)
REASON_MINIMUM_TIME = const(7)

DUTY_PERIOD_S = const(1800)
_SENSOR_MIN_DC = const(-500)
_SENSOR_MAX_DC = const(1000)
_DATA_AT = const(3)


class Law:
    """The decision alone: sense() what is measured, then decide(); times are uptime seconds."""

    def __init__(self, zone: "Zone") -> None:
        self.zone = zone
        self.requested_dc = zone.setpoint_dc
        self.measured_dc: "int | None" = None
        self.is_open = False
        self.mode = MODE_NORMAL
        self.reason = REASON_BETWEEN
        self._measured_s = 0
        self._changed_s = -max(zone.min_on_s, zone.min_off_s)

    def applied_dc(self) -> int:
        """The set-point in force, tenths of a degree."""
        zone = self.zone
        return self.requested_dc if zone.exempt else min(self.requested_dc, zone.legal_max_dc)

    def sense(self, measured_dc: int, now_s: int) -> None:
        """Take a temperature; one that no room has is a broken sensor's, and is not taken."""
        if _SENSOR_MIN_DC <= measured_dc <= _SENSOR_MAX_DC:
            self.measured_dc = measured_dc
            self._measured_s = now_s

    def decide(self, now_s: int) -> bool:
        """Set is_open, mode and reason; whether any of valve and mode has changed."""
        mode = self.mode
        if self.measured_dc is not None and now_s - self._measured_s > self.zone.stale_s:
            self.measured_dc = None
        wanted = self._wanted(now_s)
        if wanted != self.is_open and self._must_wait(now_s):
            self.reason = REASON_MINIMUM_TIME
            wanted = self.is_open
        changed = wanted != self.is_open
        if changed:
            self.is_open = wanted
            self._changed_s = now_s
        return changed or mode != self.mode

    def _wanted(self, now_s: int) -> bool:
        zone, measured = self.zone, self.measured_dc
        if measured is None and now_s - self._measured_s <= zone.stale_s:
            # Just booted: the sensor has its time to speak before it counts as stale.
            self.mode = MODE_NORMAL
            self.reason = REASON_BETWEEN
            return self.is_open
        if measured is None:
            self.mode = MODE_FALLBACK
            on = now_s % DUTY_PERIOD_S * 100 < zone.fallback_pct * DUTY_PERIOD_S
            self.reason = REASON_DUTY_ON if on else REASON_DUTY_OFF
            return on
        thawed_dc = zone.frost_dc + (zone.hysteresis_dc if self.mode == MODE_FROST else 0)
        if measured <= zone.frost_dc or measured < thawed_dc:
            self.mode = MODE_FROST
            self.reason = REASON_FROST
            return True
        self.mode = MODE_NORMAL
        applied = self.applied_dc()
        if measured >= applied - zone.overrun_dc:
            self.reason = REASON_ABOVE
            return False
        if measured <= applied - zone.hysteresis_dc:
            self.reason = REASON_BELOW
            return True
        self.reason = REASON_BETWEEN
        return self.is_open

    def _must_wait(self, now_s: int) -> bool:
        zone, measured = self.zone, self.measured_dc
        passed_s = now_s - self._changed_s
        if self.mode == MODE_FROST:
            return False
        if not self.is_open:
            return passed_s < zone.min_off_s
        too_warm = measured is not None and measured >= self.applied_dc() + zone.hysteresis_dc
        return passed_s < zone.min_on_s and not too_warm


class Controller:
    """A law with its valve and its sensor; journals what it decides when that changes."""

    def __init__(self, zone: "Zone", valve: "Output", journal: "Journal", clock: "Clock") -> None:
        self._law = Law(zone)
        self._valve = valve
        self._journal = journal
        self._clock = clock

    def take(self, slot: int, read: int, answer: "Buffer") -> None:
        """Look at a checked Modbus answer; act when it is the sensor's."""
        zone = self._law.zone
        at = _DATA_AT + 2 * zone.offset
        if slot == zone.slot and read == zone.read and at + 2 <= len(answer):
            value = answer[at] << 8 | answer[at + 1]
            now_s = self._clock.uptime()
            self._law.sense(value - 0x10000 if value & 0x8000 else value, now_s)
            self.tick(now_s)

    def tick(self, now_s: int) -> None:
        """Decide anew; called when time alone may change the decision, too."""
        law = self._law
        if law.decide(now_s):
            self._valve.set(law.is_open)
            self._journal.control(
                law.zone.zone,
                law.requested_dc,
                law.applied_dc(),
                law.measured_dc,
                100 if law.is_open else 0,
                law.mode,
                law.reason,
            )
