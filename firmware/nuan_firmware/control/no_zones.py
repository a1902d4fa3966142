"""Stands in for Zones on a node without any, so that their code needn't be loaded."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.control.law import Law
    from nuan_protocols.uplink.keys import Buffer


class NoZones:
    """Zones' methods, doing nothing."""

    def __init__(self) -> None:
        self.laws: "list[Law]" = []

    def take(self, slot: int, read: int, answer: "Buffer") -> None:
        """No sensor is anybody's."""

    def tick(self, now_s: int) -> None:
        """Nothing is due."""

    def override(self, zone: int, *_: "Any") -> None:
        """There is nothing to override: raises ValueError."""
        raise ValueError("there is no zone %d" % zone)

    def describe(self) -> "list[dict[str, Any]]":
        """No zone, nothing to say."""
        return []
