"""The gateway's clock: the machine's, or a file that a simulated world writes."""

import asyncio
import mmap
import struct
import time
from pathlib import Path
from typing import Protocol

from nuan_gateway.errors import GatewayError

FILE_CLOCK_BYTES = 8
POLL_S = 0.005
# The machine's clock may be set while somebody sleeps, so nobody sleeps longer than this at once.
NAP_MS_MAX = 60_000

_MS = struct.Struct("<Q")


class Clock(Protocol):
    """UTC in milliseconds since 1970, and sleeping until such an instant."""

    def now_ms(self) -> int:
        """The time now."""
        ...

    async def sleep_until_ms(self, instant_ms: int) -> None:
        """Return when now_ms() has reached the instant."""
        ...


class WallClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """The time now."""
        return time.time_ns() // 1_000_000

    async def sleep_until_ms(self, instant_ms: int) -> None:
        """Return when the machine's clock has reached the instant."""
        while (left_ms := instant_ms - self.now_ms()) > 0:  # noqa: ASYNC110 - no event tells the time
            await asyncio.sleep(min(left_ms, NAP_MS_MAX) / 1000)


class FileClock:
    """8 bytes, little-endian UTC ms, mapped from a file whose writer may jump or stand still."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), FILE_CLOCK_BYTES, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise GatewayError(
                f"{path}: no clock file ({error}); it must exist and hold {FILE_CLOCK_BYTES} bytes"
            ) from None

    def now_ms(self) -> int:
        """The time the file says."""
        now_ms: int = _MS.unpack_from(self._bytes)[0]
        return now_ms

    async def sleep_until_ms(self, instant_ms: int) -> None:
        """Look at the file every few real milliseconds until it has reached the instant."""
        while self.now_ms() < instant_ms:  # noqa: ASYNC110 - the writer has no means to wake us
            await asyncio.sleep(POLL_S)


def open_clock(file: Path | None) -> Clock:
    """The clock that the settings ask for; raises GatewayError."""
    return WallClock() if file is None else FileClock(file)
