"""The node's configuration: /config.json, every value bounded where it is read.

A key that nothing reads is an error: most likely it is a misspelt one. Errors name the path of the
key, as in `buses[1].baud`.
"""

import json
from typing import TYPE_CHECKING

from nuan_firmware.masters import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NamedTuple

    from nuan_firmware.config_zones import Control

FORMAT = 1
MQTT_PORT = 1883
MQTT_TLS_PORT = 8883
METERS_MAX = 64
BUSES_MAX = 2
READS_MAX = 8
BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
PARITIES = ("N", "E", "O")

# A segment that holds this often what all meters say once is mostly differences.
SEGMENT_TURNS = 4
SEGMENT_BYTES_MIN = 8192
SEGMENT_BYTES_MAX = 32768
TELEGRAM_BYTES = 112

if TYPE_CHECKING:

    class Bus(NamedTuple):
        """One serial line."""

        name: str
        protocol: str
        uart: int
        tx: int
        rx: int
        de: int
        baud: int
        parity: str
        timeout_ms: int

    class Way(NamedTuple):
        """How a meter is read.

        reads    three numbers each, as the protocol's ReadOut takes them; none for M-Bus
        line     (baud, parity) where they differ from the bus's, or None
        extra    M-Bus: sub-code of the application reset before reading, -1 without one;
                 CJ/T 188: (type, mask), and True where its valve may be moved
        """

        reads: tuple[tuple[int, int, int], ...]
        line: tuple[int, str] | None
        extra: Any

    class Meter(NamedTuple):
        """One meter or sensor: where, when, what.

        address  M-Bus and Modbus: number; M-Bus also 8 bytes: identification, manufacturer, version
                 and medium as the wire has them; CJ/T 188: 7 bytes as the wire has them;
                 DL/T 645: 12 digits as printed
        way      how, one object for all meters that have it in common
        """

        slot: int
        bus: int
        address: Any
        every_s: int
        way: Way

    class Config(NamedTuple):
        """All of it."""

        version: int
        node: bytes
        links: tuple[tuple[str, dict[str, Any]], ...]
        host: str
        port: int
        user: str
        tls: bool
        keepalive_s: int
        ack_timeout_s: int
        flush_s: int
        segment_bytes: int
        max_bytes: int
        buses: tuple[Bus, ...]
        meters: tuple[Meter, ...]
        control: Control | None
        ntp: tuple[str, ...]
        rtc: tuple[int, int] | None
        meter_clocks: bool
        utc_offset_s: int
        led: int

else:
    from collections import namedtuple

    Bus = namedtuple(
        "Bus", ("name", "protocol", "uart", "tx", "rx", "de", "baud", "parity", "timeout_ms")
    )
    Meter = namedtuple("Meter", ("slot", "bus", "address", "every_s", "way"))
    Way = namedtuple("Way", ("reads", "line", "extra"))
    Config = namedtuple(
        "Config",
        (
            "version",
            "node",
            "links",
            "host",
            "port",
            "user",
            "tls",
            "keepalive_s",
            "ack_timeout_s",
            "flush_s",
            "segment_bytes",
            "max_bytes",
            "buses",
            "meters",
            "control",
            "ntp",
            "rtc",
            "meter_clocks",
            "utc_offset_s",
            "led",
        ),
    )


# Without any of these neither the code nor the names of zones need memory.
_ZONES_KEYS = ("zones", "probes", "programs", "calendar", "outdoor", "override_s_max")


class ConfigError(Exception):
    """What is wrong with the configuration, beginning with the key it is about."""


def load(path: str) -> "Config":
    """Read and check the file. Raises ConfigError."""
    try:
        with open(path) as file:
            document = json.load(file)
    except OSError:
        raise ConfigError(f"{path}: no such file; provision the node") from None
    except ValueError:
        raise ConfigError(f"{path}: not JSON; provision the node again") from None
    return parse(document)


def parse(document: "Any") -> "Config":
    """Check a configuration that was read from JSON. Raises ConfigError."""
    top = Section(document, "")
    top.integer("format", FORMAT, FORMAT)
    version = top.integer("version", 1, 0xFFFF)
    node = top.node("node")
    mqtt = top.section("mqtt")
    tls = mqtt.flag("tls", False)
    uplink = (
        mqtt.text("host", 1, 253),
        mqtt.integer("port", 1, 0xFFFF, MQTT_TLS_PORT if tls else MQTT_PORT),
        mqtt.text("user", 0, 64, ""),
        tls,
        mqtt.integer("keepalive_s", 10, 3600, 120),
        mqtt.integer("ack_timeout_s", 5, 600, 30),
    )
    mqtt.done()
    journal = top.section("journal")
    buses = tuple([_bus(section) for section in top.sections("buses", 1, BUSES_MAX)])
    meters = _meters(top, buses)
    flush_s = journal.integer("flush_s", 60, 86400, 900)
    max_bytes = journal.integer("max_bytes", 32768, 16777216, 880000)
    usual = min(segment_bytes(meters), max_bytes // 4)
    kept = (flush_s, journal.integer("segment_bytes", 4096, 65536, usual), max_bytes)
    journal.done()
    if kept[2] < 4 * kept[1]:
        raise ConfigError("journal.max_bytes: at least four segments must fit")
    utc_offset_s = top.peek("utc_offset_s", 28800)
    control = _control(top, meters, buses)
    links = _links(top, buses)
    times = _clock(top)
    led = _led(top)
    top.done()
    return Config(
        version, node, links, *uplink, *kept, buses, meters, control, *times, utc_offset_s, led
    )


def _led(top: "Section") -> int:
    """The lamp's pin, plus 256 when it lights at low level; -1 without one."""
    pin = top.integer("led", -1, 48, -1)
    low = top.flag("led_low", False)
    if low and pin < 0:
        raise ConfigError("led_low: there is no led")
    return pin + 256 if low else pin


def segment_bytes(meters: "tuple[Meter, ...]") -> int:
    """How large a journal segment is unless the configuration says so."""
    wanted = SEGMENT_TURNS * sum([max(TELEGRAM_BYTES, _answers_bytes(m)) for m in meters])
    size = SEGMENT_BYTES_MIN
    while size < wanted and size < SEGMENT_BYTES_MAX:
        size *= 2
    return size


def _answers_bytes(meter: "Meter") -> int:
    return len(meter.way.reads) * TELEGRAM_BYTES // 2


def _bus(section: "Section") -> "Bus":
    bus = Bus(
        section.text("name", 1, 16),
        section.choice("protocol", PROTOCOLS),
        section.integer("uart", 1, 2),
        section.integer("tx", 0, 48),
        section.integer("rx", 0, 48),
        section.integer("de", -1, 48, -1),
        section.choice("baud", BAUDS),
        section.choice("parity", PARITIES),
        section.integer("timeout_ms", 20, 10000),
    )
    section.done()
    return bus


def _links(top: "Section", buses: "tuple[Bus, ...]") -> "tuple[tuple[str, dict[str, Any]], ...]":
    """All links in their order of preference."""
    from nuan_firmware import config_links

    return config_links.links(top, buses)


def _meters(top: "Section", buses: "tuple[Bus, ...]") -> "tuple[Meter, ...]":
    """All meters by their slots."""
    from nuan_firmware.config_meters import meter

    ways: "list[Way]" = []
    meters = [meter(each, buses, ways) for each in top.sections("meters", 1, METERS_MAX)]
    _unique("meters", "slot", [each.slot for each in meters])
    meters.sort(key=lambda each: each.slot)
    return tuple(meters)


def _control(
    top: "Section", meters: "tuple[Meter, ...]", buses: "tuple[Bus, ...]"
) -> "Control | None":
    if not any(top.has(key) for key in _ZONES_KEYS):
        return None
    from nuan_firmware.config_zones import control

    return control(top, meters, buses)


def _clock(top: "Section") -> "tuple[tuple[str, ...], tuple[int, int] | None, bool]":
    from nuan_firmware.config_clock import clock

    return clock(top)


def _unique(list_name: str, key: str, values: "list[int]") -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ConfigError(f"{list_name}[{index}].{key}: {value} is taken already")


class Section:
    """A JSON object, and the path to it; remembers which of its keys were read."""

    def __init__(self, document: "Any", path: str) -> None:
        if not isinstance(document, dict):
            raise ConfigError(f"{path or 'the configuration'}: an object is expected")
        self._left = document
        self._path = path

    def fail(self, key: str, reason: str) -> None:
        """Raise ConfigError about a key."""
        dot = "." if self._path else ""
        raise ConfigError(f"{self._path}{dot}{key}: {reason}")

    def done(self) -> None:
        """Refuse the keys that nobody has read."""
        for key in sorted(self._left):
            self.fail(key, "unknown key")

    def integer(self, key: str, low: int, high: int, default: "int | None" = None) -> int:
        """A whole number within low..high."""
        value = self._take(key, default)
        # On the board True is no int, on the PC it is one: refuse it on both.
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.fail(key, f"{value!r} is not a whole number within {low}..{high}")
        return value  # type: ignore[no-any-return]

    def text(self, key: str, low: int, high: int, default: "str | None" = None) -> str:
        """A text of low..high characters."""
        value = self._take(key, default)
        if not isinstance(value, str) or not low <= len(value) <= high:
            self.fail(key, f"{value!r} is not a text of {low} to {high} characters")
        return value  # type: ignore[no-any-return]

    def choice(self, key: str, choices: "tuple[Any, ...]") -> "Any":
        """One of the choices."""
        value = self._take(key, None)
        if isinstance(value, bool) or value not in choices:
            self.fail(key, f"{value!r} is none of {choices}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"{value!r} is neither true nor false")
        return value  # type: ignore[no-any-return]

    def node(self, key: str) -> bytes:
        """A node id of 16 hex digits."""
        value = self.text(key, 16, 16)
        try:
            return bytes.fromhex(value)
        except ValueError:
            self.fail(key, f"{value!r} are not 16 hex digits")
            raise

    def section(self, key: str) -> "Section":
        """An object."""
        return Section(self._take(key, None), self._path + key)

    def sections(self, key: str, low: int, high: int) -> "Iterator[Section]":
        """A list of low..high objects, one after the other: a heap has no room for all at once."""
        items = self._take(key, None if low else [])
        if not isinstance(items, list) or not low <= len(items) <= high:
            self.fail(key, f"a list of {low} to {high} objects is expected")
        for index, item in enumerate(items):
            yield Section(item, f"{key}[{index}]")
            items[index] = None

    def has(self, key: str) -> bool:
        """Whether the key is there and unread."""
        return key in self._left

    def items(self, key: str, high: int) -> "list[Any]":
        """A list of 1..high values."""
        items = self._take(key, None)
        if not isinstance(items, list) or not 1 <= len(items) <= high:
            self.fail(key, f"a list of 1 to {high} reads is expected")
        return items  # type: ignore[no-any-return]

    def value(self, key: str) -> "Any":
        """Whatever is there."""
        return self._take(key, None)

    def peek(self, key: str, default: "Any") -> "Any":
        """Whatever is there; another reader is to take and check it."""
        return self._left.get(key, default)

    def _take(self, key: str, default: "Any") -> "Any":
        if key not in self._left:
            if default is None:
                self.fail(key, "missing")
            return default
        return self._left.pop(key)
