"""Who tells the node the time; on the heap only while the configuration is read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuan_firmware.config import Section

NTP_MAX = 4
HOST_CHARACTERS_MAX = 253
_PIN_MAX = 48


def clock(top: "Section") -> "tuple[tuple[str, ...], tuple[int, int] | None, bool]":
    """Section `clock`, which may be missing: time servers; SDA and SCL of a DS3231, None without
    one; whether meters' clocks are heard. Raises ConfigError."""
    if not top.has("clock"):
        return (), None, True
    section = top.section("clock")
    hosts = []
    if section.has("ntp"):
        for host in section.items("ntp", NTP_MAX):
            if not isinstance(host, str) or not 1 <= len(host) <= HOST_CHARACTERS_MAX:
                section.fail("ntp", f"{host!r} is no host name")
            hosts.append(host)
    rtc = None
    if section.has("rtc"):
        pins = section.section("rtc")
        rtc = pins.integer("sda", 0, _PIN_MAX), pins.integer("scl", 0, _PIN_MAX)
        pins.done()
        if rtc[0] == rtc[1]:
            section.fail("rtc", "sda and scl are one pin")
    meters = section.flag("meters", True)
    section.done()
    return tuple(hosts), rtc, meters
