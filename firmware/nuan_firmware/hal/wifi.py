"""A Wi-Fi station."""

from typing import TYPE_CHECKING

import network
from micropython import const

from nuan_firmware.hal.chip import secret

if TYPE_CHECKING:
    from typing import Any

_START_S = const(30)
# Reasons the driver gives besides those that network has names for.
_HANDSHAKE_TIMEOUTS = (15, 204)


class Wifi:
    """The station; its password is `wifi_key` in the chip's store.

    Once started, the driver itself joins again whenever the access point comes back.
    """

    kind = "wifi"
    start_s = _START_S

    def __init__(self, options: "dict[str, Any]") -> None:
        self._ssid: str = options["ssid"]
        self._station = network.WLAN(network.STA_IF)

    def start(self) -> None:
        """Join anew. A driver that hangs, or is joining already, is only freed by its restart."""
        self._station.active(False)
        self._station.active(True)
        self._station.connect(self._ssid, secret("wifi_key"))

    def step(self) -> None:
        """Nothing to do: the driver works by itself."""

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return bool(self._station.isconnected())

    def why(self) -> str:
        """What the driver said last."""
        status = self._station.status()
        if status == network.STAT_NO_AP_FOUND:
            return "no access point %s" % self._ssid
        # Many access points answer a wrong password with silence.
        if status == network.STAT_WRONG_PASSWORD or status in _HANDSHAKE_TIMEOUTS:
            return "password refused"
        if status == network.STAT_BEACON_TIMEOUT:
            return "access point lost"
        return "status %d" % status

    def stop(self) -> None:
        """Switch the radio off."""
        self._station.active(False)
