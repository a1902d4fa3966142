"""Ethernet: the chip's own MAC with a PHY, or a controller on an SPI bus."""

from typing import TYPE_CHECKING

import machine
import network
from micropython import const

if TYPE_CHECKING:
    from typing import Any

_START_S = const(30)
_SPI_HZ = const(20000000)
# What network.LAN calls the pins, and what the configuration does.
_PINS = (
    ("mdc", "mdc"),
    ("mdio", "mdio"),
    ("cs", "cs"),
    ("int", "irq"),
    ("reset", "reset_pin"),
    ("power", "power_pin"),
    ("ref_clk", "clock_pin"),
)


class Ethernet:
    """The LAN. Its driver is installed once and cannot be removed; stop() only halts it."""

    kind = "ethernet"
    start_s = _START_S

    def __init__(self, options: "dict[str, Any]") -> None:
        self._options: "dict[str, Any] | None" = options
        self._lan: "Any" = None

    def start(self) -> None:
        """Power the PHY and wait for a cable and an address; raises OSError without a PHY."""
        if self._lan is None:
            self._lan = network.LAN(**_arguments(self._options))
            self._options = None
        self.stop()
        self._lan.active(True)

    def step(self) -> None:
        """Nothing to do: the driver works by itself."""

    def is_up(self) -> bool:
        """Whether there is an address to send from."""
        # Before 1.26, isconnected() is true as soon as there is a cable.
        return self._lan is not None and self._lan.status() == network.ETH_GOT_IP

    def why(self) -> str:
        """What is missing."""
        if self._lan is None:
            return "no PHY"
        return "no address" if self._lan.status() == network.ETH_CONNECTED else "no cable"

    def stop(self) -> None:
        """Halt the driver."""
        # One that stands still already refuses to be halted.
        if self._lan is not None and self._lan.active():
            self._lan.active(False)


def _arguments(options: "Any") -> "dict[str, Any]":
    pin = machine.Pin
    given: "dict[str, Any]" = {
        "phy_type": getattr(network, "PHY_" + options["phy"]),
        "phy_addr": options["addr"],
    }
    for name, key in _PINS:
        if options.get(key, -1) >= 0:
            given[name] = pin(options[key])
    if "spi" in options:
        sck, mosi, miso = [pin(options[key]) for key in ("sck", "mosi", "miso")]
        given["spi"] = machine.SPI(options["spi"], _SPI_HZ, sck=sck, mosi=mosi, miso=miso)
    elif options["clock"]:
        given["ref_clk_mode"] = pin.IN if options["clock"] == "in" else pin.OUT
    return given
