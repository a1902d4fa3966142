"""A board's serial port seen from the line: when the board notices which bytes.

The ESP32 port interrupts after every character when `timeout_char` is shorter than a character
(its default), else after 120 characters or once the line was silent for `timeout_char`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Protocol

FIFO_BYTES = 120
_SETUP = struct.Struct("<IBBBH")


class SerialLine(Protocol):
    """What hangs on a serial port; nuan_emulator.line.Line is one."""

    def transmit(self, request: bytes, start_ms: int) -> list[tuple[int, bytes]]:
        """Bursts the port receives, as (UTC ms at the end of the burst, bytes), in order."""
        ...


class Wires:
    """Devices of several baud rates or frames on one pair of wires: each hears only its own."""

    def __init__(self, *lines: SerialLine) -> None:
        self._lines = lines

    def at(self, baud: int, bits: int) -> SerialLine | None:
        """The line that hears characters of that speed and length."""
        for line in self._lines:
            if (getattr(line, "baud", baud), getattr(line, "bits_per_byte", bits)) == (baud, bits):
                return line
        return None


class SerialPort:
    """One port with its settings, its line and, on RS-485, the pin that drives the line.

    `unheard` counts requests that never reached the line: wrong baud rate or frame, or a driver
    that was off. `cut_off` counts requests whose driver went off before their end, `drowned` those
    whose driver was still on when the answer began. `setups` counts changes of rate and frame.
    """

    def __init__(self, line: SerialLine | Wires, driver_pin: int | None = None) -> None:
        self._wires = line if isinstance(line, Wires) else Wires(line)
        self.driver_pin = driver_pin
        self.exchanges = 0
        self.unheard = 0
        self.cut_off = 0
        self.drowned = 0
        self.setups = 0
        self._driver_on = False
        self._baud = 0
        self._bits = 0
        self._fifo = 1
        self._silence_us = 0
        self._request_end_us = 0
        self._answer_begin_us = 0

    def setup(self, data: bytes) -> None:
        """Take over the board's settings (baud, data bits, parity, stop bits, timeout_char)."""
        baud, bits, parity, stop, timeout_char = _SETUP.unpack(data)
        self.setups += 1
        self._baud = baud
        self._bits = 1 + bits + (parity > 0) + stop
        character_ms = 12_000 // baud + 1
        buffered = timeout_char >= character_ms
        self._fifo = FIFO_BYTES if buffered else 1
        self._silence_us = timeout_char // character_ms * self._character_us() if buffered else 0

    def drive(self, on: bool, at_ms: int) -> None:
        """The driver pin changes."""
        self._driver_on = on
        if not on and self._request_end_us:
            self.cut_off += at_ms * 1000 < self._request_end_us
            self.drowned += 0 < self._answer_begin_us < at_ms * 1000
            self._request_end_us = 0

    def send(self, request: bytes, at_ms: int) -> Iterator[tuple[int, bytes]]:
        """Put bytes on the line; yields (UTC ms, bytes) for each time the board is told."""
        self.exchanges += 1
        line = self._wires.at(self._baud, self._bits)
        if line is None or (self.driver_pin is not None and not self._driver_on):
            self.unheard += 1
            return
        bursts = line.transmit(request, at_ms)
        self._request_end_us = at_ms * 1000 + len(request) * self._character_us()
        self._answer_begin_us = 0
        if bursts:
            end_ms, data = bursts[0]
            self._answer_begin_us = end_ms * 1000 - len(data) * self._character_us()
        for end_ms, data in bursts:
            yield from self._notices(end_ms * 1000, data)

    def _character_us(self) -> int:
        return -(-self._bits * 1_000_000 // self._baud)

    def _notices(self, end_us: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        for at in range(0, len(data), self._fifo):
            piece = data[at : at + self._fifo]
            behind = len(data) - at - len(piece)
            full = len(piece) == self._fifo
            seen_us = end_us - behind * self._character_us() + (0 if full else self._silence_us)
            yield -(-seen_us // 1000), piece
