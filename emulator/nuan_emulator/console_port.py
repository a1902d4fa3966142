"""An emulated node's console as a serial port: waiting for an answer lets virtual time pass."""

from __future__ import annotations

from nuan_emulator.node import Node
from nuan_emulator.world import World

_STEP_MS_MIN = 10
_STEP_MS_MAX = 640


class ConsolePort:
    """A node's port in a world that nobody else moves meanwhile."""

    def __init__(self, world: World, node: Node) -> None:
        self.name = f"emulated node {node.spec.node_id}"
        self._world = world
        self._node = node

    def now_s(self) -> float:
        """Virtual seconds."""
        return self._world.now_ms / 1000

    def read(self, wait_s: float) -> bytes:
        """What has come, at most `wait_s` virtual seconds after the call."""
        end_ms = self._world.now_ms + int(wait_s * 1000)
        step_ms = _STEP_MS_MIN
        while True:
            data = self._node.console_read()
            if data or self._world.now_ms >= end_ms:
                return data
            self._world.run_until(min(end_ms, self._world.now_ms + step_ms))
            step_ms = min(2 * step_ms, _STEP_MS_MAX)

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self._node.console_write(data)

    def discard(self) -> None:
        """Forget what has come."""
        self._node.console_read()

    def close(self) -> None:
        """Nothing is open."""
