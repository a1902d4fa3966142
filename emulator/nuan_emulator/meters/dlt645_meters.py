"""Electricity meters by DL/T 645-2007 and -1997 on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from nuan_emulator.meters.clock import MeterClock
from nuan_emulator.meters.declare import LAYOUT_ERRORS
from nuan_emulator.meters.device import ElectricitySource, ElectricityState, Reaction
from nuan_emulator.meters.dlt645_layout import (
    ANSWER,
    ERROR,
    FOLLOWED,
    FRAME_BYTES_MIN,
    OFFSET,
    PREAMBLE,
    START,
    frame,
    shifted,
)
from nuan_emulator.meters.dlt645_registers import (
    Moment,
    Value,
    packed,
    registers_1997,
    registers_2007,
)

REACTION = Reaction(min_bits=0, max_bits=0, extra_us=500_000, min_us=20_000)
"""The standard's 20 to 500 ms."""

ADDRESS_DIGITS = 12
BROADCAST = b"\x99" * 6
WILDCARD_BYTE = 0xAA
BROADCAST_TIME = 0x08
READ_ADDRESS = 0x13
CONTROL_ANSWER_BIT = 0x80

ERROR_OTHER = 0x01
ERROR_NO_DATA = 0x02
ERROR_PASSWORD = 0x04

BLOCK_END = b"\xaa"
ANSWER_DATA_BYTES_MAX = 200
REGISTERS = {2007: registers_2007(), 1997: registers_1997()}
COMMANDS = {2007: (0x11, 0x12), 1997: (0x01, 0x02)}
"""Read, and read what follows."""
IDENTIFIER_BYTES = {2007: 4, 1997: 2}


class Station645(NamedTuple):
    """How one meter stands on its line."""

    address: str
    """12 digits as printed, A5 first."""
    version: int = 2007
    preamble: int = 4
    """FE bytes before each answer, 0..4."""
    values_bytes_max: int = ANSWER_DATA_BYTES_MAX
    """A longer block goes out in several frames."""
    answers_wildcard: bool = False
    """Some meters of 1997 answer with the wildcard they were asked with."""
    ends_blocks: bool = True
    """A block of 1997 ends in AA."""
    tariff_permille: tuple[int, int, int, int] = (80, 320, 350, 250)
    utc_offset_s: int = 8 * 3600
    reaction: Reaction = REACTION


class Dlt645Meter:
    """A three-phase meter that is read, whose clock is set by broadcast, and that refuses writes.

    Forward active energy is floor(joules / 36000) hundredths of a kWh plus `start_register`;
    it is latched at every civil month's beginning, by asking the source for that instant.
    """

    def __init__(
        self, station: Station645, source: ElectricitySource, *, start_register: int = 0
    ) -> None:
        """`start_register`: what the meter showed before the run, in 0.01 kWh."""
        if len(station.address) != ADDRESS_DIGITS or not station.address.isdecimal():
            raise ValueError(f"DL/T 645 address {station.address!r} is not 12 digits")
        if station.version not in REGISTERS:
            raise ValueError(f"DL/T 645 of {station.version}: there are 1997 and 2007")
        self.station = station
        self.serial = station.address
        self.source = source
        self.address = bytes.fromhex(station.address)[::-1]
        self.clock = MeterClock(station.utc_offset_s)
        self._start_register = start_register
        self._demand: tuple[int, datetime] | None = None
        self._left: tuple[bytes, Sequence[bytes]] | None = None

    @property
    def reaction(self) -> Reaction:
        """20 to 500 ms, unless the station says otherwise."""
        return self.station.reaction

    def concerns(self, request: bytes) -> bool:
        """Whether a whole, undamaged frame names this meter, matches it, or goes to all."""
        return self._for_me(request) is not None

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """Answer a whole frame for this meter; a broadcast is obeyed in silence."""
        asked = self._for_me(request)
        state = self.source(now_ms)
        if asked is None or state is None:
            return None
        control, data = asked["control"], shifted(asked["data"], -OFFSET)
        if control == BROADCAST_TIME:
            self._set_clock(data, now_ms)
            return None
        if asked["address"] == BROADCAST:
            return None
        reply_control, content = self._reply(control, data, state, now_ms)
        wild = self.station.answers_wildcard and WILDCARD_BYTE in asked["address"]
        body = frame.build(
            {
                "address": asked["address"] if wild else self.address,
                "control": reply_control,
                "data": shifted(content),
            }
        )
        return bytes([PREAMBLE]) * self.station.preamble + body

    def register(self, import_j: int) -> int:
        """What the forward active register shows after `import_j` joules, in 0.01 kWh."""
        return (import_j // 36_000 + self._start_register) % 10**8

    def _for_me(self, request: bytes) -> Mapping[str, Any] | None:
        start = request.find(START)
        if start < 0 or len(request) - start < FRAME_BYTES_MIN:
            return None
        if request[:start].strip(bytes([PREAMBLE])):
            return None
        try:
            asked = frame.parse(request[start:])
        except LAYOUT_ERRORS:
            return None
        mine = asked["address"] == BROADCAST or all(
            theirs in (own, WILDCARD_BYTE)
            for own, theirs in zip(self.address, asked["address"], strict=True)
        )
        return asked if mine and not asked["control"] & CONTROL_ANSWER_BIT else None

    def _reply(
        self, control: int, data: bytes, state: ElectricityState, now_ms: int
    ) -> tuple[int, bytes]:
        version = self.station.version
        read, read_on = COMMANDS[version]
        size = IDENTIFIER_BYTES[version]
        if control == read and len(data) >= size:
            return self._read(control, data[:size], self._moment(state, now_ms))
        if control == read_on and len(data) >= size:
            return self._read_on(control, data)
        if version == 2007 and control == READ_ADDRESS and not data:
            return control | ANSWER, self.address
        known = {0x04, *range(0x0A, 0x0D)} if version == 1997 else range(0x14, 0x1D)
        error = ERROR_PASSWORD if control in known else ERROR_OTHER
        return control | ERROR, bytes([error])

    def _read(self, control: int, identifier: bytes, at: Moment) -> tuple[int, bytes]:
        """The first frame of an answer; what doesn't fit into it waits to be asked for."""
        values: Sequence[Value] | None = REGISTERS[self.station.version].get(
            int.from_bytes(identifier, "little")
        )
        self._left = None
        if values is None:
            return control | ERROR, bytes([ERROR_NO_DATA])
        frames = [b""]
        for value in values:
            piece = packed(value(at))
            if len(frames[-1]) + len(piece) > self.station.values_bytes_max and frames[-1]:
                frames.append(b"")
            frames[-1] += piece
        if self.station.version == 1997 and self.station.ends_blocks and len(values) > 1:
            frames[-1] += BLOCK_END
        if len(frames) > 1:
            self._left = identifier, frames[1:]
        return control | (FOLLOWED if self._left else ANSWER), identifier + frames[0]

    def _read_on(self, control: int, data: bytes) -> tuple[int, bytes]:
        """A further frame; 2007 numbers them from 1, 1997 sends them in order."""
        size = IDENTIFIER_BYTES[self.station.version]
        identifier, sequence = data[:size], data[size:]
        if self._left is None or self._left[0] != identifier:
            return control | ERROR, bytes([ERROR_NO_DATA])
        frames = self._left[1]
        if self.station.version == 2007:
            if len(sequence) != 1 or not 1 <= sequence[0] <= len(frames):
                return control | ERROR, bytes([ERROR_NO_DATA])
            number = sequence[0]
        else:
            number, self._left = 1, (identifier, frames[1:])
        last = number == len(frames)
        return control | (ANSWER if last else FOLLOWED), identifier + frames[number - 1] + sequence

    def _moment(self, state: ElectricityState, now_ms: int) -> Moment:
        clock = self.clock.shows(now_ms)
        power_dw = max(0, sum(state.power_dw))
        if self._demand is None or power_dw > self._demand[0]:
            self._demand = power_dw, clock

        def settled(back: int) -> ElectricityState | None:
            return self.source(self.clock.settlement_ms(back - 1, now_ms))

        def frozen(ago: int) -> tuple[datetime, ElectricityState | None]:
            at_ms = self.clock.day_ms(ago - 1, now_ms)
            return self.clock.shows(at_ms), self.source(at_ms)

        return Moment(
            state,
            settled,
            frozen,
            self.station.tariff_permille,
            self._start_register,
            clock,
            self._demand,
            int(self.station.address),
        )

    def _set_clock(self, data: bytes, now_ms: int) -> None:
        """Broadcast time: ss mm hh DD MM YY; one that is no date is ignored."""
        with suppress(ValueError):
            self.clock.set(data[::-1].hex(), "%y%m%d%H%M%S", now_ms)
