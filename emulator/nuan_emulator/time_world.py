"""Who tells a board the time besides its gateway: its clock chip, and servers over its link."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from nuan_emulator.clock_chip import ADDRESS, ClockChip
from nuan_emulator.time_server import TimeServer

# What a datagram takes to a server, and its answer back.
_WAY_MS = (4, 40)
_NTP_PORT = "123"


class TimeWorld:
    """A board's I2C bus and what answers its datagrams."""

    def __init__(
        self, chip: ClockChip | None, servers: Mapping[str, TimeServer], random: Random
    ) -> None:
        self._chip = chip
        self._servers = servers
        self._random = random

    def power_lost(self) -> None:
        """The board's power is gone."""
        if self._chip is not None:
            self._chip.power_lost()

    def transfer(self, address: int, order: bytes, at_ms: int) -> bytes:
        """One I2C transfer: 0, register, count, or 1, register, bytes; b"" when nobody answers."""
        if self._chip is None or address != ADDRESS:
            return b""
        if order[0]:
            self._chip.write(order[1], order[2:], at_ms)
            return b"\x01"
        return self._chip.read(order[1], order[2], at_ms)

    def datagram(self, order: bytes, at_ms: int) -> tuple[int, bytes] | None:
        """A datagram to host:port, a zero byte between: what comes back, and when, if anything."""
        address, _, data = order.partition(b"\0")
        host, _, port = address.decode().rpartition(":")
        server = self._servers.get(host)
        if server is None or port != _NTP_PORT:
            return None
        there_ms, back_ms = (self._random.randint(*_WAY_MS) for _ in range(2))
        answer = server.answer(data, at_ms + there_ms)
        return None if answer is None else (at_ms + there_ms + back_ms, answer)
