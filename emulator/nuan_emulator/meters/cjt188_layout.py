"""CJ/T 188 frames and data, declared from the standard's tables and the makers' documents.

Written from those and not from nuan's codec, so that the two cannot share one mistake:

    FE FE .. 68 T A0..A6 C L data... CS 16       CS: sum from 68 up to the byte before it
    data       DI DI SER, then what the identifier names
    heat       settled energy, energy, power, flow, volume: 4 BCD + unit each; two temperatures and
               hours: 3 BCD each; clock: 7 BCD; status: 2
    water, gas volume, settled volume: 4 BCD + unit each; clock: 7 BCD; status: 2

Makers deviate; `Dialect` names how.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, cast

from nuan_emulator.meters.declare import Layout, bcd, c

PREAMBLE = 0xFE
START = 0x68
STOP = 0x16
FRAME_BYTES_MIN = 13
PREAMBLE_BYTES_MAX = 300
"""The longest wake-up train that makers ask for."""

TYPE_WATER = 0x10
TYPE_HEAT = 0x20
TYPE_COOLING = 0x21
TYPE_HEAT_AND_COOLING = 0x22
TYPE_GAS = 0x30

ANSWER = 0x80
ERROR = 0xC0
READ_DATA = 0x01
READ_ADDRESS = 0x03
WRITE_DATA = 0x04
WRITE_ADDRESS = 0x15
VENDOR_READ_ADDRESS = 0x1A
"""Metertech and Hangfa read the address so, with identifier 9A4F."""

DI_CURRENT = 0x901F
DI_HISTORY = 0xD120
"""The latest settlement; D121 is the one before it, and so on."""
HISTORY_MONTHS = 12
DI_ADDRESS = 0x810A
DI_VENDOR_ADDRESS = 0x9A4F
DI_CLOCK = 0xA015
DI_VALVE = 0xA017

VALVE_OPEN = 0x55
VALVE_CLOSE = 0x99

ENERGY_UNITS_J = {
    "Wh": (0x02, 3_600),
    "kWh": (0x05, 3_600_000),
    "MWh": (0x08, 3_600_000_000),
    "kJ": (0x0B, 1_000),
    "MJ": (0x0E, 1_000_000),
    "GJ": (0x11, 1_000_000_000),
}
"""Unit code and joules, by name."""
POWER_UNITS_W = {"W": (0x14, 1), "kW": (0x17, 1_000), "MW": (0x1A, 1_000_000)}
VOLUME_UNITS_ML = {"L": (0x29, 1_000), "m3": (0x2C, 1_000_000)}
FLOW_UNITS_L_PER_H = {"L/h": (0x32, 1), "m3/h": (0x35, 1_000)}

NO_VALUE = 99_999_999
"""What some meters send for a quantity they don't measure."""


class Dialect(NamedTuple):
    """How one maker departs from the standard; the defaults are the standard's."""

    di_high_first: bool = True
    """Identifier 901F goes out as 90 1F; many makers send 1F 90."""
    high_first: bool = False
    """BCD values and clock with their most significant byte first."""
    address_high_first: bool = False
    unit_first: bool = False
    """The unit's byte stands before the value."""
    mask: int = 0
    """Added to every byte of the data, in both directions: 0 or 33H."""
    short_temperatures: bool = False
    """Temperatures are two BCD bytes and one that means nothing."""
    cooling_first: bool = False
    """The first energy is cooling, not the settlement day's."""
    century: bool = True
    """Without it the clock's first two digits are 00."""
    vendor_address: bool = False
    """The address is read with C = 1A and identifier 9A4F."""
    whole: bool = False
    """Values are whole units, without decimals."""
    extra_byte: bool = False
    """One more byte, the exclusive or of those before it, stands before the checksum."""
    volume_in_parts: bool = False
    """Water: whole m3 and millionths apart, flow, degrees, time and date, in the same 22 bytes."""
    energy_unit: str = "kWh"
    power_unit: str = "kW"
    flow_unit: str = "m3/h"
    volume_unit: str = "m3"
    power_code: int | None = None
    """A unit code for power that the standard doesn't know."""
    missing: frozenset[str] = frozenset()
    """Fields sent as 99999999."""

    def identifier(self, di: int) -> bytes:
        """The identifier's two bytes as this maker sends them."""
        return di.to_bytes(2, "big" if self.di_high_first else "little")

    def wire_address(self, printed: str) -> bytes:
        """Seven address bytes as sent; `printed`: 14 hex digits, A6 first."""
        address = bytes.fromhex(printed)
        return address if self.address_high_first else address[::-1]


DIALECTS: dict[str, Dialect] = {
    "standard": Dialect(),
    "tiangang": Dialect(di_high_first=False, cooling_first=True),
    "runa": Dialect(di_high_first=False),
    "haina": Dialect(di_high_first=False, flow_unit="L/h", volume_unit="L"),
    "danfoss": Dialect(high_first=True, address_high_first=True),
    "lichuang": Dialect(unit_first=True),
    "wanhua": Dialect(unit_first=True, mask=0x33, volume_unit="L"),
    "metertech": Dialect(cooling_first=True, vendor_address=True, power_unit="W", flow_unit="L/h"),
    "metertech_whole": Dialect(cooling_first=True, whole=True, power_unit="W", flow_unit="L/h"),
    "xiao": Dialect(extra_byte=True),
    "huaxin": Dialect(volume_in_parts=True),
    "lianqiang": Dialect(short_temperatures=True, power_code=0x00),
    "zhenyu": Dialect(century=False),
    "no_value": Dialect(di_high_first=False, missing=frozenset({"settled", "power"})),
}
"""The makers whose documents were seen, by the best known name."""


_sum = (
    START
    + c.this.type
    + c.sum_(c.this.address)
    + c.this.control
    + c.this.length
    + c.sum_(c.this.data)
) & 0xFF

frame = cast(
    Layout,
    c.Struct(
        "start" / c.Const(bytes([START])),
        "type" / c.Int8ub,
        "address" / c.Bytes(7),
        "control" / c.Int8ub,
        "length" / c.Rebuild(c.Int8ub, c.len_(c.this.data)),
        "data" / c.Bytes(c.this.length),
        "checksum" / c.Rebuild(c.Int8ub, _sum),
        c.Check(c.this.checksum == _sum),
        "stop" / c.Const(bytes([STOP])),
        c.Terminated,
    ).compile(),
)


def _extra(this: Any) -> int:
    """The exclusive or of all bytes from 68 to the end of the data."""
    found = START ^ this.type ^ this.control ^ len(this.data)
    for byte in (*this.address, *this.data):
        found ^= byte
    return int(found)


def _sum_with_extra(this: Any) -> int:
    fixed = START + this.type + sum(this.address) + this.control + len(this.data)
    return int(fixed + sum(this.data) + this.extra) & 0xFF


frame_with_extra = cast(
    Layout,
    c.Struct(
        "start" / c.Const(bytes([START])),
        "type" / c.Int8ub,
        "address" / c.Bytes(7),
        "control" / c.Int8ub,
        "length" / c.Rebuild(c.Int8ub, c.len_(c.this.data)),
        "data" / c.Bytes(c.this.length),
        "extra" / c.Rebuild(c.Int8ub, _extra),
        "checksum" / c.Rebuild(c.Int8ub, _sum_with_extra),
        "stop" / c.Const(bytes([STOP])),
        c.Terminated,
    ),
)
"""Xi'ao's answers: the length counts neither the extra byte nor the checksum."""


def masked(data: bytes, mask: int) -> bytes:
    """Every byte plus `mask`, modulo 256; a negative mask takes it off again."""
    return bytes((byte + mask) & 0xFF for byte in data)


def _amount(name: str, dialect: Dialect) -> list[Any]:
    value = name / bcd(4, high_first=dialect.high_first)
    unit = f"{name}_unit" / c.Int8ub
    return [unit, value] if dialect.unit_first else [value, unit]


def _temperature(name: str, dialect: Dialect) -> list[Any]:
    if dialect.short_temperatures:
        return [name / bcd(2, high_first=dialect.high_first), f"{name}_tail" / c.Int8ub]
    return [name / bcd(3, high_first=dialect.high_first)]


def _head() -> list[Any]:
    return ["identifier" / c.Bytes(2), "ser" / c.Int8ub]


def _tail(dialect: Dialect) -> list[Any]:
    clock = "clock" / bcd(7, high_first=dialect.high_first)
    return [clock, "status" / c.Bytes(2), c.Terminated]


@cache
def heat_layout(dialect: Dialect) -> Layout:
    """Answer to 901F of a heat or cooling meter: settled, energy, power, flow, volume, ..."""
    amounts = [
        field
        for name in ("settled", "energy", "power", "flow", "volume")
        for field in _amount(name, dialect)
    ]
    temperatures = [
        field
        for name in ("flow_temperature", "return_temperature")
        for field in _temperature(name, dialect)
    ]
    hours = "hours" / bcd(3, high_first=dialect.high_first)
    return cast(Layout, c.Struct(*_head(), *amounts, *temperatures, hours, *_tail(dialect)))


@cache
def volume_layout(dialect: Dialect) -> Layout:
    """Answer to 901F of a water or gas meter: volume and settled volume."""
    amounts = [field for name in ("volume", "settled") for field in _amount(name, dialect)]
    return cast(Layout, c.Struct(*_head(), *amounts, *_tail(dialect)))


parts_layout = cast(
    Layout,
    c.Struct(
        *_head(),
        "volume" / bcd(4),
        "millionths" / bcd(3),
        "flow" / bcd(3),
        "temperature" / bcd(1),
        "time" / bcd(3),
        "date" / bcd(3),
        "status" / c.Bytes(2),
        c.Terminated,
    ),
)
"""Answer to 901F of an ultrasonic water meter that keeps whole m3 and millionths apart."""


@cache
def history_layout(dialect: Dialect) -> Layout:
    """Answer to D120..D12B: one settled value."""
    return cast(Layout, c.Struct(*_head(), *_amount("settled", dialect), c.Terminated))


@cache
def clock_layout(dialect: Dialect) -> Layout:
    """Request A015: the clock as YYYYMMDDhhmmss."""
    clock = "clock" / bcd(7, high_first=dialect.high_first)
    return cast(Layout, c.Struct(*_head(), clock, c.Terminated))
