"""Ways to the network."""

import network

from nuan_firmware.hal.chip import secret


class Link:
    """The way to the network: a Wi-Fi station."""

    def __init__(self, ssid: str) -> None:
        self._ssid = ssid
        self._station = network.WLAN(network.STA_IF)

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        return bool(self._station.isconnected())

    def raise_up(self) -> None:
        """Start connecting anew; is_up() tells when it has worked."""
        self._station.active(False)
        self._station.active(True)
        self._station.connect(self._ssid, secret("wifi_key"))
