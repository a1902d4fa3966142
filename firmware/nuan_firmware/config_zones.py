"""The configuration of zones, their weekly programs, the calendar, probes and outdoor sensor.

Loaded at boot and when a new configuration is checked; only the values stay.
"""

from binascii import unhexlify
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.config import ConfigError
from nuan_firmware.control.law import DRIVE_ON_OFF, DRIVE_POSITION, DRIVE_PULSES
from nuan_firmware.masters import CJT188, MBUS, MODBUS

if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from nuan_firmware.config import Bus, Meter, Section

    class Source(NamedTuple):
        """Where a temperature comes from: a slot's answers, and the place in them.

        offset  Modbus: register of read `read`; probe: -1
        record  M-Bus: DIF, DIFE, VIF and VIFE of the record, and nothing for the others
        """

        slot: int
        read: int
        offset: int
        record: bytes

    class Valve(NamedTuple):
        """What moves: DRIVE_*, its pin or (pin -1) the slot of a meter with a valve.

        low_us, high_us  pulse width shut and open, DRIVE_POSITION only; frequency_hz likewise
        inverted         shut with the pin high: a valve that opens without current
        """

        drive: int
        pin: int
        slot: int
        inverted: bool
        frequency_hz: int
        low_us: int
        high_us: int

    class Tuning(NamedTuple):
        """How a zone is controlled; one object for all zones that have it in common."""

        hysteresis_dc: int
        overrun_dc: int
        frost_dc: int
        min_on_s: int
        min_off_s: int
        stale_s: int
        fallback_pct: int
        band_dc: int
        reset_s: int
        cycle_s: int
        heat_up_dc_per_h: int
        warm_up_s: int
        coast_s: int
        exercise_days: int
        exercise_s: int

    class Zone(NamedTuple):
        """One room; set-points by level of the program; `program` -1: always occupied.

        exempt_until_s  UTC until which legal_max_dc doesn't hold; -1: it never does
        neighbours      numbers of the zones that stand in for its sensor
        """

        zone: int
        source: Source
        valve: Valve
        setpoint_dc: int
        setback_dc: int
        unoccupied_dc: int
        legal_max_dc: int
        exempt_until_s: int
        program: int
        neighbours: bytes
        tuning: Tuning

    class Program(NamedTuple):
        """A week: the type of each day from Monday on, of a holiday, and each type's points."""

        week: bytes
        holiday: int
        types: tuple[bytes, ...]

    class Calendar(NamedTuple):
        """Civil days since 1970, 16 bits each: free ones and make-up working days; the season.

        heating  days of the year, the first and the last
        """

        off: bytes
        work: bytes
        utc_offset_s: int
        heating: tuple[int, int]

    class Outdoor(NamedTuple):
        """The outdoor sensor; `is_flow`: the heating water's flow, whose curve tells the weather.

        At full_dc and below the duty cycle is full_pct, at none_dc nothing.
        """

        source: Source
        is_flow: bool
        full_dc: int
        none_dc: int
        full_pct: int

    class Probe(NamedTuple):
        """A DS18B20 at a pin; `slot` and `bus` are what its journal entries carry."""

        slot: int
        bus: int
        pin: int
        rom: bytes
        every_s: int

    class Control(NamedTuple):
        """All that holds rooms to their set-points."""

        zones: tuple[Zone, ...]
        programs: tuple[Program, ...]
        calendar: Calendar
        outdoor: Outdoor | None
        probes: tuple[Probe, ...]
        override_s_max: int

else:
    from collections import namedtuple

    Source = namedtuple("Source", ("slot", "read", "offset", "record"))
    Valve = namedtuple(
        "Valve", ("drive", "pin", "slot", "inverted", "frequency_hz", "low_us", "high_us")
    )
    Tuning = namedtuple(
        "Tuning",
        (
            "hysteresis_dc",
            "overrun_dc",
            "frost_dc",
            "min_on_s",
            "min_off_s",
            "stale_s",
            "fallback_pct",
            "band_dc",
            "reset_s",
            "cycle_s",
            "heat_up_dc_per_h",
            "warm_up_s",
            "coast_s",
            "exercise_days",
            "exercise_s",
        ),
    )
    Zone = namedtuple(
        "Zone",
        (
            "zone",
            "source",
            "valve",
            "setpoint_dc",
            "setback_dc",
            "unoccupied_dc",
            "legal_max_dc",
            "exempt_until_s",
            "program",
            "neighbours",
            "tuning",
        ),
    )
    Program = namedtuple("Program", ("week", "holiday", "types"))
    Calendar = namedtuple("Calendar", ("off", "work", "utc_offset_s", "heating"))
    Outdoor = namedtuple("Outdoor", ("source", "is_flow", "full_dc", "none_dc", "full_pct"))
    Probe = namedtuple("Probe", ("slot", "bus", "pin", "rom", "every_s"))
    Control = namedtuple(
        "Control", ("zones", "programs", "calendar", "outdoor", "probes", "override_s_max")
    )

ZONES_MAX = 8
PROGRAMS_MAX = 4
DAY_TYPES_MAX = 4
SWITCH_POINTS_MAX = 12
DAYS_MAX = 200
PROBES_MAX = 8
_LEVELS = const(4)
# Days of the year on which these months begin.
_NOVEMBER = const(305)
_APRIL = const(91)
_MINUTES = const(1440)
_DRIVES = {"on_off": DRIVE_ON_OFF, "pulses": DRIVE_PULSES, "position": DRIVE_POSITION}
_DAY_MAX = const(0xFFFF)
_RECORD_DIGITS_MAX = const(24)
_ROM_DIGITS = const(16)


class _Places:
    """What sources may name: meters by slot, buses, probes."""

    def __init__(
        self, meters: "tuple[Meter, ...]", buses: "tuple[Bus, ...]", probes: "tuple[Probe, ...]"
    ) -> None:
        self.meters = {meter.slot: meter for meter in meters}
        self.protocols = {meter.slot: buses[meter.bus].protocol for meter in meters}
        self.probes = [probe.slot for probe in probes]


def control(
    top: "Section", meters: "tuple[Meter, ...]", buses: "tuple[Bus, ...]"
) -> "Control | None":
    """Check everything that belongs to set-points; None without a zone. Raises ConfigError."""
    probes = tuple([_probe(each, meters) for each in top.sections("probes", 0, PROBES_MAX)])
    _unique("probes", "slot", [probe.slot for probe in probes])
    places = _Places(meters, buses, probes)
    programs = tuple([_program(each) for each in top.sections("programs", 0, PROGRAMS_MAX)])
    calendar = _calendar(top)
    outdoor = _outdoor(top.section("outdoor"), places) if top.has("outdoor") else None
    override_s = top.integer("override_s_max", 600, 2592000, 86400)
    tunings: "list[Tuning]" = []
    zones = tuple(
        [
            _zone(each, places, len(programs), tunings)
            for each in top.sections("zones", 0, ZONES_MAX)
        ]
    )
    numbers = [zone.zone for zone in zones]
    _unique("zones", "zone", numbers)
    pins = [zone.valve.pin for zone in zones if zone.valve.pin >= 0]
    _unique("zones", "valve_pin", pins)
    for index, zone in enumerate(zones):
        for number in zone.neighbours:
            if number not in numbers or number == zone.zone:
                raise ConfigError(f"zones[{index}].neighbours: {number} is no other zone")
    if not zones and not probes:
        return None
    return Control(zones, programs, calendar, outdoor, probes, override_s)


def _zone(section: "Section", places: _Places, programs: int, tunings: "list[Tuning]") -> "Zone":
    number = section.integer("zone", 1, 255)
    setpoint_dc = section.integer("setpoint_dc", 50, 350)
    setback_dc = section.integer("setback_dc", 50, setpoint_dc, max(50, setpoint_dc - 30))
    unoccupied_dc = section.integer("unoccupied_dc", 50, setback_dc, max(50, setback_dc - 20))
    exempt_until_s = section.integer("exempt_until_s", 0, 0x7FFFFFFF, 0)
    if section.flag("exempt", False):
        exempt_until_s = -1
    tuning = _tuning(section)
    for kept in tunings:
        if kept == tuning:
            tuning = kept
            break
    else:
        tunings.append(tuning)
    zone = Zone(
        number,
        _source(section, places),
        _valve(section, places),
        setpoint_dc,
        setback_dc,
        unoccupied_dc,
        section.integer("legal_max_dc", 100, 350, 200),
        exempt_until_s,
        section.integer("program", 0, programs - 1) if section.has("program") else -1,
        bytes(_numbers(section, "neighbours", 1, 255, ZONES_MAX - 1)),
        tuning,
    )
    section.done()
    return zone


def _tuning(section: "Section") -> "Tuning":
    hysteresis_dc = section.integer("hysteresis_dc", 1, 50, 5)
    cycle_s = section.integer("cycle_s", 600, 1800, 1200)
    return Tuning(
        hysteresis_dc,
        section.integer("overrun_dc", 0, hysteresis_dc - 1, 0),
        section.integer("frost_dc", 20, 150, 50),
        section.integer("min_on_s", 0, 3600, 180),
        section.integer("min_off_s", 0, 3600, 180),
        section.integer("stale_s", 60, 86400, 1800),
        section.integer("fallback_pct", 0, 100, 50),
        section.integer("band_dc", 2, 100, 6),
        section.integer("reset_s", 600, 86400, 7200),
        cycle_s,
        section.integer("heat_up_dc_per_h", 1, 100, 10),
        section.integer("warm_up_s", 0, 21600, 4500),
        section.integer("coast_s", 0, 14400, 7200),
        section.integer("exercise_days", 0, 60, 7),
        section.integer("exercise_s", 60, 1800, 360),
    )


def _source(section: "Section", places: _Places) -> "Source":
    slot = section.integer("slot", 1, 0xFFFF)
    if slot in places.probes:
        return Source(slot, 0, -1, b"")
    protocol = places.protocols.get(slot)
    if protocol == MBUS:
        text = section.text("record", 4, _RECORD_DIGITS_MAX)
        return Source(slot, 0, 0, _unhex(section, "record", text))
    if protocol != MODBUS:
        section.fail("slot", "there is no Modbus or M-Bus meter or probe in slot %d" % slot)
    reads = places.meters[slot].way.reads
    read = section.integer("read", 0, len(reads) - 1, 0)
    return Source(slot, read, section.integer("offset", 0, reads[read][2] - 1, 0), b"")


def _valve(section: "Section", places: _Places) -> "Valve":
    drive = _DRIVES["on_off"]
    if section.has("drive"):
        drive = _DRIVES[section.choice("drive", tuple(sorted(_DRIVES)))]
    if section.has("valve_slot"):
        slot = section.integer("valve_slot", 1, 0xFFFF)
        if places.protocols.get(slot) != CJT188 or not places.meters[slot].way.extra[2:]:
            section.fail("valve_slot", 'the meter must be CJ/T 188 with allow ["valve"]')
        if drive == DRIVE_POSITION:
            section.fail("drive", "a meter's valve knows open and shut only")
        return Valve(drive, -1, slot, False, 0, 0, 0)
    frequency_hz = section.integer("valve_hz", 50, 20000, 1000)
    period_us = 1000000 // frequency_hz
    low_us = section.integer("valve_low_us", 0, period_us, 0)
    return Valve(
        drive,
        section.integer("valve_pin", 0, 48),
        0,
        section.flag("valve_inverted", False),
        frequency_hz,
        low_us,
        section.integer("valve_high_us", low_us, period_us, period_us),
    )


def _program(section: "Section") -> "Program":
    types = tuple([_points(section, each) for each in section.items("types", DAY_TYPES_MAX)])
    week = bytes(_numbers(section, "week", 0, len(types) - 1, 7))
    if len(week) != 7:
        section.fail("week", "the type of each day from Monday to Sunday is expected")
    holiday = section.integer("holiday", 0, len(types) - 1, week[6])
    section.done()
    return Program(week, holiday, types)


def _points(section: "Section", points: "Any") -> bytes:
    """[[minute, level], ..] -> 16 bits each."""
    packed = bytearray()
    last = -1
    if not isinstance(points, list) or len(points) > SWITCH_POINTS_MAX:
        section.fail("types", "a list of at most %d switch points is expected" % SWITCH_POINTS_MAX)
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            section.fail("types", f"{point!r} is not [minute, level]")
        minute, level = point
        if not _is_within(minute, last + 1, _MINUTES - 1) or not _is_within(level, 0, _LEVELS - 1):
            section.fail("types", f"{point!r} is not [minute 0..1439 in order, level 0..3]")
        last = minute
        packed.append(minute >> 6)
        packed.append((minute << 2 | level) & 0xFF)
    return bytes(packed)


def _calendar(top: "Section") -> "Calendar":
    offset_s = (
        top.integer("utc_offset_s", -43200, 50400, 28800) if top.has("utc_offset_s") else 28800
    )
    if not top.has("calendar"):
        return Calendar(b"", b"", offset_s, (_NOVEMBER, _APRIL - 1))
    section = top.section("calendar")
    off = _days(section, "off")
    work = _days(section, "work")
    heating = (
        section.integer("heating_first", 1, 366, _NOVEMBER),
        section.integer("heating_last", 1, 366, _APRIL - 1),
    )
    section.done()
    return Calendar(off, work, offset_s, heating)


def _days(section: "Section", key: str) -> bytes:
    packed = bytearray()
    for day in _numbers(section, key, 0, _DAY_MAX, DAYS_MAX):
        packed.append(day >> 8)
        packed.append(day & 0xFF)
    return bytes(packed)


def _outdoor(section: "Section", places: _Places) -> "Outdoor":
    is_flow = section.flag("is_flow", False)
    full_dc = section.integer("full_dc", -400, 1200, 750 if is_flow else -90)
    outdoor = Outdoor(
        _source(section, places),
        is_flow,
        full_dc,
        section.integer("none_dc", -400, 1200, 250 if is_flow else 160),
        section.integer("full_pct", 1, 100, 80),
    )
    section.done()
    if outdoor.full_dc == outdoor.none_dc:
        section.fail("none_dc", "must differ from full_dc")
    return outdoor


def _probe(section: "Section", meters: "tuple[Meter, ...]") -> "Probe":
    slot = section.integer("slot", 1, 0xFFFF)
    for meter in meters:
        if meter.slot == slot:
            section.fail("slot", "%d is a meter's" % slot)
    rom = section.text("rom", _ROM_DIGITS, _ROM_DIGITS)
    probe = Probe(
        slot,
        section.integer("bus", 0, 255),
        section.integer("pin", 0, 48),
        _unhex(section, "rom", rom),
        section.integer("every_s", 60, 3600, 300),
    )
    section.done()
    return probe


def _unhex(section: "Section", key: str, text: str) -> bytes:
    try:
        return unhexlify(text)
    except ValueError:
        section.fail(key, f"{text!r} are not pairs of hex digits")
        raise


def _numbers(section: "Section", key: str, low: int, high: int, most: int) -> "list[int]":
    """A list of at most `most` whole numbers; empty when the key isn't there."""
    if not section.has(key):
        return []
    numbers = section.value(key)
    if not isinstance(numbers, list) or len(numbers) > most:
        section.fail(key, "a list of at most %d numbers is expected" % most)
    for number in numbers:
        if not _is_within(number, low, high):
            section.fail(key, f"{number!r} is not a whole number within {low}..{high}")
    return numbers  # type: ignore[no-any-return]


def _is_within(value: "Any", low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _unique(list_name: str, key: str, values: "list[int]") -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ConfigError(f"{list_name}[{index}].{key}: {value} is taken already")
