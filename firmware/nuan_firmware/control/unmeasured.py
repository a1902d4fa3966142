"""Heats rooms that nobody measures, while the normal program doesn't run: by uptime alone.

Each valve at a pin stands at its zone's fallback_pct, or is open for that share of every period. A
meter's own valve stays as it was told last: nobody speaks on the buses then.
"""

import sys
from typing import TYPE_CHECKING

from nuan_firmware.control.law import DRIVE_POSITION, DUTY_PERIOD_S, FULL
from nuan_firmware.hal.outputs import actuator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nuan_firmware.config_zones import Zone
    from nuan_firmware.control.zones import Actuator


class Unmeasured:
    """The valves of these zones; tick(uptime) each minute."""

    def __init__(self, zones: "Iterable[Zone]") -> None:
        self._valves: "list[tuple[Actuator, int, bool]]" = []
        for zone in zones:
            if zone.valve.pin >= 0:
                try:
                    valve = actuator(zone.valve)
                except Exception as problem:
                    # The others' rooms get cold, too.
                    sys.print_exception(problem)
                    continue
                stands = zone.valve.drive == DRIVE_POSITION
                self._valves.append((valve, zone.tuning.fallback_pct, stands))

    def tick(self, now_s: int) -> None:
        """Move what is to move."""
        for valve, pct, stands in self._valves:
            if stands:
                valve.put(pct * (FULL // 100), pct > 0)
            else:
                is_open = now_s % DUTY_PERIOD_S < DUTY_PERIOD_S * pct // 100
                valve.put(FULL if is_open else 0, is_open)
