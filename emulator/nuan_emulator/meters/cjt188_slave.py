"""A CJ/T 188 meter on the line: who is asked, which order of bytes it takes, what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nuan_emulator.meters.cjt188_layout import (
    ANSWER,
    DI_ADDRESS,
    DI_CLOCK,
    DI_CURRENT,
    DI_HISTORY,
    DI_VALVE,
    DI_VENDOR_ADDRESS,
    ERROR,
    FRAME_BYTES_MIN,
    HISTORY_MONTHS,
    PREAMBLE,
    PREAMBLE_BYTES_MAX,
    READ_ADDRESS,
    READ_DATA,
    START,
    VALVE_CLOSE,
    VALVE_OPEN,
    VENDOR_READ_ADDRESS,
    WRITE_DATA,
    Dialect,
    clock_layout,
    frame,
    frame_with_extra,
    history_layout,
    masked,
)
from nuan_emulator.meters.clock import MeterClock
from nuan_emulator.meters.declare import LAYOUT_ERRORS, Layout
from nuan_emulator.meters.device import Reaction

REACTION = Reaction(min_bits=0, max_bits=330, extra_us=500_000, min_us=20_000)
"""From 20 ms, by what meters do, to the standard's 500 ms + 30 byte times."""

ADDRESS_DIGITS = 14
WILDCARD = b"\xaa" * 7
TYPE_WILDCARD = 0xAA
WAKE_BYTES = b"\xfe\xff\xaa\x00"
CONTROL_ANSWER_BIT = 0x80

STATUS_VALVE_CLOSED = 0x01
STATUS_BATTERY_LOW = 0x04


class Station(NamedTuple):
    """How one meter stands on its line, whatever it measures."""

    address: str
    """14 hex digits as printed on the meter, A6 first."""
    dialect: Dialect = Dialect()
    answer_type: int | None = None
    """T of its answers, when that isn't the T it is asked with."""
    other_order: str = "error"
    """What a question in the other byte order of DI gets: "error" (C1) or "silence"."""
    preamble: int = 2
    """FE bytes before each answer, 0..4."""
    valve: bool = False
    battery_low: bool = False
    alarms: int = 0
    """Status byte 2, whose bits each maker defines."""
    utc_offset_s: int = 8 * 3600
    reaction: Reaction = REACTION


class Cjt188Slave:
    """A meter that answers reading commands; subclasses give the values.

    It refuses to change its address, as every meter does that has left its factory.
    """

    def __init__(self, meter_type: int, station: Station) -> None:
        """`meter_type`: T of the questions it listens to."""
        if len(station.address) != ADDRESS_DIGITS:
            raise ValueError(f"CJ/T 188 address {station.address!r} is not 14 hex digits")
        if station.other_order not in {"error", "silence"}:
            raise ValueError(f"other_order {station.other_order!r} is neither error nor silence")
        self.station = station
        self.serial = station.address
        self.address = station.dialect.wire_address(station.address)
        self.type = meter_type
        self.valve_open = True
        self.clock = MeterClock(station.utc_offset_s)

    @property
    def reaction(self) -> Reaction:
        """The window of the standard, unless the station says otherwise."""
        return self.station.reaction

    def current(self, now_ms: int) -> tuple[Layout, Mapping[str, object]] | None:
        """Layout and values of 901F but for head, clock and status; None when silent."""
        raise NotImplementedError

    def settled(self, months_ago: int, now_ms: int) -> tuple[int, int]:
        """Value and unit code latched at the settlement before `months_ago` others."""
        raise NotImplementedError

    def concerns(self, request: bytes) -> bool:
        """Whether a whole, undamaged frame names this meter, or any meter."""
        return self._for_me(request) is not None

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """Answer a whole frame for this meter; damaged and foreign ones get silence."""
        asked = self._for_me(request)
        if asked is None or self.current(now_ms) is None:
            return None
        data = masked(asked["data"], -self.station.dialect.mask)
        if len(data) < 3:
            return None
        reply = self._reply(asked["control"], data, now_ms)
        if reply is None:
            return None
        control, content = reply
        layout = frame_with_extra if self.station.dialect.extra_byte else frame
        body = layout.build(
            {
                "type": self._answer_type,
                "address": self.address,
                "control": control,
                "data": masked(content, self.station.dialect.mask),
            }
        )
        return bytes([PREAMBLE]) * self.station.preamble + body

    @property
    def status(self) -> bytes:
        """Both status bytes: valve and battery, then the maker's alarms."""
        first = 0 if self.valve_open else STATUS_VALVE_CLOSED
        if self.station.battery_low:
            first |= STATUS_BATTERY_LOW
        return bytes([first, self.station.alarms])

    @property
    def _answer_type(self) -> int:
        return self.type if self.station.answer_type is None else self.station.answer_type

    def _for_me(self, request: bytes) -> Mapping[str, Any] | None:
        asked = _parsed(request)
        if asked is None or asked["control"] & CONTROL_ANSWER_BIT:
            return None
        types = (self.type, self._answer_type, TYPE_WILDCARD)
        mine = asked["address"] in (self.address, WILDCARD) and asked["type"] in types
        return asked if mine else None

    def _reply(self, control: int, data: bytes, now_ms: int) -> tuple[int, bytes] | None:
        dialect = self.station.dialect
        head, ser = data[:3], data[2]
        di = int.from_bytes(data[:2], "big" if dialect.di_high_first else "little")
        if control == READ_DATA and len(data) == 3:
            content = self._read(di, head, now_ms)
        elif control == (VENDOR_READ_ADDRESS if dialect.vendor_address else READ_ADDRESS):
            own = DI_VENDOR_ADDRESS if dialect.vendor_address else DI_ADDRESS
            content = head if di == own else None
        elif control == WRITE_DATA:
            content = self._write(di, data, now_ms)
        else:
            content = None
        if content is not None:
            return control | ANSWER, content
        swapped = int.from_bytes(data[:2], "little" if dialect.di_high_first else "big")
        if self.station.other_order == "silence" and _known(swapped):
            return None
        return control | ERROR, bytes([ser]) + self.status

    def _read(self, di: int, head: bytes, now_ms: int) -> bytes | None:
        fields: dict[str, object] = {"identifier": head[:2], "ser": head[2]}
        if di == DI_CURRENT:
            found = self.current(now_ms)
            if found is None:
                return None
            layout, values = found
            fields |= {**values, "clock": self._clock_digits(now_ms), "status": self.status}
            return layout.build(fields)
        if DI_HISTORY <= di < DI_HISTORY + HISTORY_MONTHS:
            value, unit = self.settled(di - DI_HISTORY, now_ms)
            fields |= {"settled": value, "settled_unit": unit}
            return history_layout(self.station.dialect).build(fields)
        return None

    def _write(self, di: int, data: bytes, now_ms: int) -> bytes | None:
        if di == DI_CLOCK:
            return self._set_clock(data, now_ms)
        if di == DI_VALVE and self.station.valve and data[3:] in (b"\x55", b"\x99"):
            self.valve_open = {VALVE_OPEN: True, VALVE_CLOSE: False}[data[3]]
            return data[:3] + self.status
        return None

    def _set_clock(self, data: bytes, now_ms: int) -> bytes | None:
        try:
            digits = clock_layout(self.station.dialect).parse(data)["clock"]
            self.clock.set(f"{digits:014d}", "%Y%m%d%H%M%S", now_ms)
        except LAYOUT_ERRORS:
            return None
        return data[:3]

    def _clock_digits(self, now_ms: int) -> int:
        digits = int(self.clock.shows(now_ms).strftime("%Y%m%d%H%M%S"))
        return digits if self.station.dialect.century else digits % 10**12


def _known(di: int) -> bool:
    named = (DI_CURRENT, DI_ADDRESS, DI_VENDOR_ADDRESS, DI_CLOCK, DI_VALVE)
    return di in named or DI_HISTORY <= di < DI_HISTORY + HISTORY_MONTHS


def _parsed(request: bytes) -> Mapping[str, Any] | None:
    """The fields of one whole frame behind whatever wakes the meter up; None if damaged."""
    start = request.find(START)
    if start < 0 or start > PREAMBLE_BYTES_MAX or len(request) - start < FRAME_BYTES_MIN:
        return None
    if request[:start].strip(WAKE_BYTES):
        return None
    try:
        return frame.parse(request[start:])
    except LAYOUT_ERRORS:
        return None
