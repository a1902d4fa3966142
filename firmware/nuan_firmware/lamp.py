"""Shows how the node is by a lamp that blinks.

A pattern is a row of lengths in twentieths of a second: lit, dark, lit, dark ... and again from the
start. Of several states the first in the table is shown. Nothing is allocated while it blinks.
"""

import asyncio
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.hal import chip

if TYPE_CHECKING:
    from nuan_firmware.hal.lamp import Light
    from nuan_firmware.node import Node

_UNIT_MS = const(50)
_MISSES_SILENT = const(3)
_NEVER = const(1 << 29)

# (state, pattern, what it looks like); docs/node.md prints them.
PATTERNS = (
    ("unprovisioned", b"\x14\x14", "one second lit, one second dark"),
    ("safe mode", b"\x02\x02", "flickers five times a second"),
    ("update on trial", b"\x0a\x0a", "half a second lit, half a second dark"),
    ("no link", b"\x04\x38", "one blink every three seconds"),
    ("no gateway", b"\x04\x04\x04\x30", "two blinks every three seconds"),
    ("a meter is silent", b"\x04\x04\x04\x04\x04\x28", "three blinks every three seconds"),
    ("all is well", b"\x01\x63", "a short flash every five seconds"),
    ("starting", b"\xff\x00", "lit"),
)
_UNPROVISIONED, _SAFE, _TRIAL, _NO_LINK, _NO_GATEWAY, _SILENT, _WELL = range(7)


class Lamp:
    """A part of the node (see node.py); lit until it runs."""

    def __init__(self, node: "Node", light: "Light") -> None:
        self.name = "lamp"
        self.deadline_s = _NEVER
        self.turns = 0
        self._node = node
        self._light = light
        self._is_trial = chip.number("trial", -1) >= 0
        light.set(1)

    async def run(self) -> None:
        """Blink, for ever."""
        light = self._light
        while True:
            pattern = PATTERNS[self.state()][1]
            for index in range(len(pattern)):
                light.set(~index & 1)
                await asyncio.sleep_ms(pattern[index] * _UNIT_MS)

    def rest(self, seconds: int) -> None:
        """It is started again after so many seconds; nothing is due until then."""

    def state(self) -> int:
        """The place in PATTERNS of what is to be shown."""
        node = self._node
        if node.safe_why:
            return _SAFE if node.config else _UNPROVISIONED
        if self._is_trial and not node.supervisor.is_healthy:
            return _TRIAL
        uplink = node.uplink
        if not uplink.is_greeted():
            return _NO_GATEWAY if uplink.connection.links.is_up() else _NO_LINK
        for poller in node.pollers:
            for misses in poller.misses:
                if misses >= _MISSES_SILENT:
                    return _SILENT
        return _WELL
