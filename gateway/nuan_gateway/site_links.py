"""[[node.link]]: a board's ways to the network, in their order of preference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from nuan_gateway.site_found import Found, named, twice
from nuan_gateway.toml_lines import KeyPath
from nuan_gateway.toml_source import Section

if TYPE_CHECKING:
    from nuan_gateway.site import Node

LINKS_MAX = 3
_SPI_PHYS = ("W5500", "DM9051", "KSZ8851SNL")

_Pin = Annotated[int, Field(ge=-1, le=48)]


class Link(Section):
    """One way to the network. Pins are GPIO numbers, -1 none; passwords live in the node's NVS.

    wifi: `ssid`. ethernet: a PHY on the chip's own MAC (`mdc`, `mdio`, who makes its `clock`), or a
    controller on SPI (`spi`, `sck`, `mosi`, `miso`, `cs`, `irq`). ppp: a modem on a `uart`;
    `power_pin` is held high for `power_ms` to switch it on, or to cut its supply.
    """

    kind: Literal["wifi", "ethernet", "ppp"]
    ssid: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    phy: (
        Literal[
            "LAN8710", "LAN8720", "IP101", "RTL8201", "DP83848", "KSZ8041", "KSZ8081",
            "W5500", "DM9051", "KSZ8851SNL",
        ] | None
    ) = None  # fmt: skip
    addr: Annotated[int, Field(ge=0, le=31)] | None = None
    mdc: _Pin | None = None
    mdio: _Pin | None = None
    clock: Literal["in", "out"] | None = None
    clock_pin: _Pin | None = None
    spi: Annotated[int, Field(ge=1, le=2)] | None = None
    sck: _Pin | None = None
    mosi: _Pin | None = None
    miso: _Pin | None = None
    cs: _Pin | None = None
    irq: _Pin | None = None
    reset_pin: _Pin | None = None
    power_pin: _Pin | None = None
    power_ms: Annotated[int, Field(ge=100, le=10_000)] | None = None
    uart: Annotated[int, Field(ge=1, le=2)] | None = None
    tx: _Pin | None = None
    rx: _Pin | None = None
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] | None = None
    apn: Annotated[str, Field(max_length=63)] | None = None
    user: Annotated[str, Field(max_length=63)] | None = None

    def config(self) -> dict[str, object]:
        """The link as a node's configuration has it: only what was written."""
        return self.model_dump(exclude_none=True)

    def keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(required, optional) keys of this kind, beside `kind`."""
        if self.kind == "wifi":
            return ("ssid",), ()
        if self.kind == "ppp":
            return ("uart", "tx", "rx"), ("baud", "apn", "user", "power_pin", "power_ms")
        both = ("addr", "reset_pin", "power_pin")
        if self.phy in _SPI_PHYS:
            return ("phy", "spi", "sck", "mosi", "miso", "cs", "irq"), both
        return ("phy", "mdc", "mdio"), ("clock", "clock_pin", *both)

    def pins(self) -> list[tuple[str, int]]:
        """(key, GPIO) of every pin it uses."""
        names = (
            "mdc", "mdio", "clock_pin", "sck", "mosi", "miso", "cs", "irq",
            "reset_pin", "power_pin", "tx", "rx",
        )  # fmt: skip
        return [(name, pin) for name in names if (pin := getattr(self, name)) is not None]


def check_links(node: Node, place: KeyPath) -> Found:
    """What is wrong with a board's links; pins that buses use are checked with them."""
    if node.links and "wifi" in node.model_fields_set:
        yield (*place, "wifi"), 'written beside [[node.link]]; write a link of kind "wifi" instead'
    if len(node.links) > LINKS_MAX:
        yield (*place, "link"), f"{len(node.links)} links; a board holds at most {LINKS_MAX}"
    yield from twice("link", "kind", named(link.kind for link in node.links), place)
    for position, link in enumerate(node.links):
        there: KeyPath = (*place, "link", position)
        required, optional = link.keys()
        for key in required:
            if getattr(link, key) in (None, -1):
                yield (*there, key), f"missing; a link of kind {link.kind!r} needs it"
        for key in sorted(link.model_fields_set - {"kind", *required, *optional}):
            what = f"kind {link.kind!r}" + (f" with {link.phy}" if link.phy else "")
            yield (*there, key), f"no key of a link of {what}; remove it"
        if link.uart is not None and any(bus.uart == link.uart for bus in node.buses):
            yield (*there, "uart"), f"{link.uart} is a bus's already; a board has 1 and 2"
