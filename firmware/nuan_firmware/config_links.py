"""The configuration's links, in their order of preference; on the heap only while it is read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from nuan_firmware.config import Bus, Section

LINKS_MAX = 3
KINDS = ("wifi", "ethernet", "ppp")
# On the chip's own MAC, and on an SPI bus.
PHYS = ("LAN8710", "LAN8720", "IP101", "RTL8201", "DP83848", "KSZ8041", "KSZ8081")
SPI_PHYS = ("W5500", "DM9051", "KSZ8851SNL")
MODEM_BAUDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)


def links(top: "Section", buses: "tuple[Bus, ...]") -> "tuple[tuple[str, dict[str, Any]], ...]":
    """(kind, options) of every link. A configuration with `wifi` alone has that one."""
    if top.has("wifi"):
        if top.has("links"):
            top.fail("wifi", "write it into links")
        section = top.section("wifi")
        found = [("wifi", {"ssid": section.text("ssid", 1, 32)})]
        section.done()
        return tuple(found)
    found = []
    for section in top.sections("links", 1, LINKS_MAX):
        kind = section.choice("kind", KINDS)
        if kind in [each[0] for each in found]:
            section.fail("kind", f"there is a link of kind {kind} already")
        if kind == "wifi":
            options = {"ssid": section.text("ssid", 1, 32)}
        else:
            options = _ethernet(section) if kind == "ethernet" else _ppp(section, buses)
        section.done()
        found.append((kind, options))
    return tuple(found)


def _ethernet(section: "Section") -> "dict[str, Any]":
    phy = section.choice("phy", PHYS + SPI_PHYS)
    options = {
        "phy": phy,
        "addr": section.integer("addr", 0, 31, 0 if phy in SPI_PHYS else 1),
        "reset_pin": section.integer("reset_pin", -1, 48, -1),
        "power_pin": section.integer("power_pin", -1, 48, -1),
    }
    if phy in SPI_PHYS:
        options["spi"] = section.integer("spi", 1, 2)
        for pin in ("sck", "mosi", "miso", "cs", "irq"):
            options[pin] = section.integer(pin, 0, 48)
    else:
        for pin in ("mdc", "mdio"):
            options[pin] = section.integer(pin, 0, 48)
        # Who makes the 50 MHz: the PHY ("in", the usual) or the chip ("out"), and on which pin.
        options["clock"] = section.choice("clock", ("in", "out")) if section.has("clock") else ""
        options["clock_pin"] = section.integer("clock_pin", -1, 48, -1)
    return options


def _ppp(section: "Section", buses: "tuple[Bus, ...]") -> "dict[str, Any]":
    uart = section.integer("uart", 1, 2)
    for bus in buses:
        if bus.uart == uart:
            section.fail("uart", "%d is the one of bus %s" % (uart, bus.name))
    return {
        "uart": uart,
        "tx": section.integer("tx", 0, 48),
        "rx": section.integer("rx", 0, 48),
        "baud": section.choice("baud", MODEM_BAUDS) if section.has("baud") else 115200,
        "apn": section.text("apn", 0, 63, ""),
        "user": section.text("user", 0, 63, ""),
        "power_pin": section.integer("power_pin", -1, 48, -1),
        "power_ms": section.integer("power_ms", 100, 10000, 1500),
    }
