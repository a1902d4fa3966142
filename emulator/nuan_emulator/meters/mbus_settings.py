"""What a master may change in an M-Bus slave: its address, its baud rate, its clock."""

from __future__ import annotations

from collections.abc import Mapping

BAUD_OF_CI: Mapping[int, int] = {
    0xB8: 300,
    0xB9: 600,
    0xBA: 1200,
    0xBB: 2400,
    0xBC: 4800,
    0xBD: 9600,
    0xBE: 19200,
    0xBF: 38400,
}
"""EN 13757-3 annex: CI fields that set the baud rate."""

BAUD_FACTORY = 2400
FALLBACK_MS = 120_000
"""A slave that hears nothing at its new baud rate goes back to the old one after 2 to 10 min."""

DIB_VIB_ADDRESS = b"\x01\x7a"
DIB_VIB_TIME_F = b"\x04\x6d"
DIB_VIB_TIME_I = b"\x06\x6d"


class Settings:
    """Address and baud rate as they are now, and the last time that was set (raw record data)."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.baud = BAUD_FACTORY
        self.time_data = b""
        self._old_baud = BAUD_FACTORY
        self._confirm_by_ms: int | None = None

    def hears(self, line_baud: int | None, now_ms: int) -> bool:
        """Whether a frame at `line_baud` is understood; one that is confirms a new baud rate."""
        if self._confirm_by_ms is not None and now_ms > self._confirm_by_ms:
            self.baud, self._confirm_by_ms = self._old_baud, None
        if line_baud is None or line_baud == self.baud:
            self._confirm_by_ms = None
            return True
        return False

    def set_baud(self, baud: int, now_ms: int) -> None:
        """Takes effect behind the acknowledgement."""
        self._old_baud, self.baud = self.baud, baud
        self._confirm_by_ms = now_ms + FALLBACK_MS

    def write(self, records: bytes) -> bool:
        """Obey one record of user data; False when it isn't known."""
        head, data = records[:2], records[2:]
        if head == DIB_VIB_ADDRESS and len(data) == 1 and data[0] <= 250:
            self.address = data[0]
        elif (head == DIB_VIB_TIME_F and len(data) == 4) or (
            head == DIB_VIB_TIME_I and len(data) == 6
        ):
            self.time_data = data
        else:
            return False
        return True
