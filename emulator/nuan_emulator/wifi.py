"""A node's link to the world: up except during the outages of a table."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

# Status codes of the ESP32 port.
BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
GOT_IP = 1010

JOIN_MS = (1500, 4000)
SCAN_MS = 2500


class Wifi:
    """What a station sees: times in UTC milliseconds, outages half-open."""

    def __init__(self, outages: Sequence[tuple[int, int]], random: Random) -> None:
        self._outages = tuple(outages)
        self._random = random
        self.wanted = False
        self.connected = False

    def join(self, now_ms: int) -> tuple[int, int]:
        """The station asks for the link; returns when it learns which status."""
        self.wanted = True
        if self.is_out(now_ms):
            return now_ms + SCAN_MS, NO_AP_FOUND
        self.connected = True
        return now_ms + self._random.randint(*JOIN_MS), GOT_IP

    def leave(self) -> None:
        """The station gives the link up, or has lost its power."""
        self.wanted = False
        self.connected = False

    def is_out(self, now_ms: int) -> bool:
        """Whether there is no link at this instant."""
        return any(begin_ms <= now_ms < end_ms for begin_ms, end_ms in self._outages)
