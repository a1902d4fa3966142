"""The node's configuration: /config.json, every value bounded where it is read.

A key that nothing reads is an error: most likely it is a misspelt one. Errors name the path of the
key, as in `buses[1].baud`.
"""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NamedTuple

FORMAT = 1
METERS_MAX = 64
BUSES_MAX = 2
ZONES_MAX = 8
READS_MAX = 8
BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)
MBUS = "mbus"
MODBUS = "modbus"

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

    class Meter(NamedTuple):
        """One meter or sensor: where, when, and for Modbus what (function, start, count)."""

        slot: int
        bus: int
        address: int
        every_s: int
        reads: tuple[tuple[int, int, int], ...]

    class Zone(NamedTuple):
        """One room with a sensor (register `offset` of a meter's read) and a valve."""

        zone: int
        slot: int
        read: int
        offset: int
        valve_pin: int
        setpoint_dc: int
        legal_max_dc: int
        exempt: bool
        hysteresis_dc: int
        overrun_dc: int
        frost_dc: int
        min_on_s: int
        min_off_s: int
        stale_s: int
        fallback_pct: int

    class Config(NamedTuple):
        """All of it."""

        version: int
        node: bytes
        ssid: str
        host: str
        port: int
        user: str
        keepalive_s: int
        ack_timeout_s: int
        flush_s: int
        segment_bytes: int
        max_bytes: int
        buses: tuple[Bus, ...]
        meters: tuple[Meter, ...]
        zones: tuple[Zone, ...]

else:
    from collections import namedtuple

    Bus = namedtuple(
        "Bus", ("name", "protocol", "uart", "tx", "rx", "de", "baud", "parity", "timeout_ms")
    )
    Meter = namedtuple("Meter", ("slot", "bus", "address", "every_s", "reads"))
    Zone = namedtuple(
        "Zone",
        (
            "zone",
            "slot",
            "read",
            "offset",
            "valve_pin",
            "setpoint_dc",
            "legal_max_dc",
            "exempt",
            "hysteresis_dc",
            "overrun_dc",
            "frost_dc",
            "min_on_s",
            "min_off_s",
            "stale_s",
            "fallback_pct",
        ),
    )
    Config = namedtuple(
        "Config",
        (
            "version",
            "node",
            "ssid",
            "host",
            "port",
            "user",
            "keepalive_s",
            "ack_timeout_s",
            "flush_s",
            "segment_bytes",
            "max_bytes",
            "buses",
            "meters",
            "zones",
        ),
    )


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
    top = _Section(document, "")
    top.integer("format", FORMAT, FORMAT)
    version = top.integer("version", 1, 0xFFFF)
    node = top.node("node")
    wifi = top.section("wifi")
    ssid = wifi.text("ssid", 1, 32)
    wifi.done()
    mqtt = top.section("mqtt")
    uplink = (
        mqtt.text("host", 1, 253),
        mqtt.integer("port", 1, 0xFFFF),
        mqtt.text("user", 0, 64, ""),
        mqtt.integer("keepalive_s", 10, 3600, 120),
        mqtt.integer("ack_timeout_s", 5, 600, 30),
    )
    mqtt.done()
    journal = top.section("journal")
    kept = (
        journal.integer("flush_s", 60, 86400, 900),
        journal.integer("segment_bytes", 4096, 65536, 8192),
        journal.integer("max_bytes", 32768, 16777216, 880000),
    )
    journal.done()
    if kept[2] < 4 * kept[1]:
        raise ConfigError("journal.max_bytes: at least four segments must fit")
    buses = tuple(map(_bus, top.sections("buses", 1, BUSES_MAX)))
    meters = tuple(_meter(section, buses) for section in top.sections("meters", 1, METERS_MAX))
    _unique("meters", "slot", [meter.slot for meter in meters])
    zones = tuple(_zone(section, meters) for section in top.sections("zones", 0, ZONES_MAX))
    _unique("zones", "zone", [zone.zone for zone in zones])
    top.done()
    meters = tuple(sorted(meters, key=lambda meter: meter.slot))
    return Config(version, node, ssid, *uplink, *kept, buses, meters, zones)


def _bus(section: "_Section") -> "Bus":
    bus = Bus(
        section.text("name", 1, 16),
        section.choice("protocol", (MBUS, MODBUS)),
        section.integer("uart", 1, 2),
        section.integer("tx", 0, 48),
        section.integer("rx", 0, 48),
        section.integer("de", -1, 48, -1),
        section.choice("baud", BAUDS),
        section.choice("parity", ("N", "E", "O")),
        section.integer("timeout_ms", 20, 10000),
    )
    section.done()
    return bus


def _meter(section: "_Section", buses: "tuple[Bus, ...]") -> "Meter":
    slot = section.integer("slot", 1, 0xFFFF)
    bus = section.integer("bus", 0, len(buses) - 1)
    modbus = buses[bus].protocol == MODBUS
    address = section.integer("address", 1, 247 if modbus else 250)
    every_s = section.integer("every_s", 10, 86400)
    reads = section.reads("reads") if modbus else ()
    section.done()
    return Meter(slot, bus, address, every_s, reads)


def _zone(section: "_Section", meters: "tuple[Meter, ...]") -> "Zone":
    number = section.integer("zone", 1, 255)
    slot = section.integer("slot", 1, 0xFFFF)
    sensor = [meter for meter in meters if meter.slot == slot and meter.reads]
    if not sensor:
        section.fail("slot", "there is no Modbus meter in slot %d" % slot)
    read = section.integer("read", 0, len(sensor[0].reads) - 1, 0)
    hysteresis_dc = section.integer("hysteresis_dc", 1, 50, 5)
    zone = Zone(
        number,
        slot,
        read,
        section.integer("offset", 0, sensor[0].reads[read][2] - 1, 0),
        section.integer("valve_pin", 0, 48),
        section.integer("setpoint_dc", 50, 350),
        section.integer("legal_max_dc", 100, 350, 200),
        section.flag("exempt", False),
        hysteresis_dc,
        section.integer("overrun_dc", 0, hysteresis_dc - 1, 0),
        section.integer("frost_dc", 20, 150, 50),
        section.integer("min_on_s", 0, 3600, 180),
        section.integer("min_off_s", 0, 3600, 180),
        section.integer("stale_s", 60, 86400, 1800),
        section.integer("fallback_pct", 0, 100, 50),
    )
    section.done()
    return zone


def _unique(list_name: str, key: str, values: "list[int]") -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ConfigError(f"{list_name}[{index}].{key}: {value} is taken already")


class _Section:
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

    def section(self, key: str) -> "_Section":
        """An object."""
        return _Section(self._take(key, None), self._path + key)

    def sections(self, key: str, low: int, high: int) -> "list[_Section]":
        """A list of low..high objects."""
        items = self._take(key, None if low else [])
        if not isinstance(items, list) or not low <= len(items) <= high:
            self.fail(key, f"a list of {low} to {high} objects is expected")
        return [_Section(item, f"{key}[{index}]") for index, item in enumerate(items)]

    def reads(self, key: str) -> "tuple[tuple[int, int, int], ...]":
        """A list of Modbus reads: [function 1..4, start, count]."""
        items = self._take(key, None)
        if not isinstance(items, list) or not 1 <= len(items) <= READS_MAX:
            self.fail(key, f"a list of 1 to {READS_MAX} reads is expected")
        reads = []
        for index, item in enumerate(items):
            if not _is_read(item):
                self.fail(f"{key}[{index}]", f"{item!r} is not [function 3..4, start, count]")
            reads.append(tuple(item))
        return tuple(reads)

    def _take(self, key: str, default: "Any") -> "Any":
        if key not in self._left:
            if default is None:
                self.fail(key, "missing")
            return default
        return self._left.pop(key)


def _is_read(item: "Any") -> bool:
    if not isinstance(item, list) or len(item) != 3:
        return False
    for value in item:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
    function, start, count = item
    return function in (3, 4) and 0 <= start <= 0xFFFF and 1 <= count <= min(125, 0x10000 - start)
