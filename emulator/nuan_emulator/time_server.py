"""A time server (NTP, RFC 5905) that may be right, wrong, silent, or want to be left alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass

REQUEST_BYTES = 48
_EPOCH_S = 2_208_988_800
_ERA_S = 1 << 32
_MODE_SERVER = 4
_VERSION = 4
_PACKET = struct.Struct(">BBbbII4sIIIIIIII")


@dataclass
class TimeServer:
    """`ahead_ms`: how far its time is from the truth; `leap`, `stratum`: as in the packet.

    `kiss`: the four letters of a kiss of death; `origin`: a server that doesn't repeat the asker's
    time; `dispersion`: in 1/65536 s, how far it is from its own source.
    """

    ahead_ms: int = 0
    leap: int = 0
    stratum: int = 2
    kiss: bytes = b""
    is_silent: bool = False
    repeats_origin: bool = True
    dispersion: int = 655
    asked: int = 0

    def answer(self, request: bytes, now_ms: int) -> bytes | None:
        """The answer to a request that arrives at UTC milliseconds; None when none comes."""
        self.asked += 1
        if self.is_silent or len(request) != REQUEST_BYTES or request[0] & 7 != 3:
            return None
        said_ms = now_ms + self.ahead_ms
        second = (said_ms // 1000 + _EPOCH_S) % _ERA_S
        fraction = (said_ms % 1000 << 32) // 1000
        origin = struct.unpack(">II", request[40:48]) if self.repeats_origin else (1, 2)
        stratum, reference = (0, self.kiss) if self.kiss else (self.stratum, b"\x0a\x01\x00\x01")
        return _PACKET.pack(
            self.leap << 6 | _VERSION << 3 | _MODE_SERVER, stratum, 6, -20, 655,
            self.dispersion, reference, second - 60, 0, *origin, second, fraction, second, fraction,
        )  # fmt: skip
