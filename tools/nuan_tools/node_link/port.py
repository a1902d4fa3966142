"""The bytes between a PC and a node's console."""

from __future__ import annotations

import re
import time
from typing import Protocol

import serial

from nuan_tools.errors import UserError
from nuan_tools.i18n import tr

BAUD = 115_200
_CHUNK_BYTES = 4096
_WRITE_S = 5


class PortError(UserError):
    """The port can't be opened, or has gone."""


class Port(Protocol):
    """Bytes both ways; errors are PortError."""

    name: str

    def now_s(self) -> float:
        """Seconds on a clock of its own."""
        ...

    def read(self, wait_s: float) -> bytes:
        """What has come, at most `wait_s` after the call; empty when nothing has."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of it."""
        ...

    def discard(self) -> None:
        """Forget what has come and wasn't read."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class SerialPort:
    """A serial port, a pseudo-terminal, or tcp://host:port."""

    def __init__(self, name: str, baud: int = BAUD) -> None:
        self.name = name
        try:
            if name.startswith("tcp://"):
                if not re.fullmatch(r"tcp://[^/]+:\d+", name):
                    raise PortError(tr("{port}: write tcp://host:port", port=name))
                self._serial = serial.serial_for_url(
                    "socket://" + name.removeprefix("tcp://"), timeout=0
                )
            else:
                # Both control lines stay as the system sets them: changing one resets most boards.
                self._serial = serial.Serial(
                    name, baud, timeout=0, write_timeout=_WRITE_S, exclusive=True
                )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PortError(
                tr("{port}: can't be opened: {reason}", port=name, reason=reason)
            ) from None

    def now_s(self) -> float:
        """As Port says."""
        return time.monotonic()

    def read(self, wait_s: float) -> bytes:
        """As Port says."""
        try:
            self._serial.timeout = wait_s
            first = self._serial.read(1)
            if not first:
                return b""
            self._serial.timeout = 0
            return bytes(first + self._serial.read(_CHUNK_BYTES))
        except (OSError, TypeError) as error:
            raise self._gone(error) from None

    def write(self, data: bytes) -> None:
        """As Port says."""
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._gone(error) from None

    def discard(self) -> None:
        """As Port says."""
        try:
            self._serial.reset_input_buffer()
        except OSError as error:
            raise self._gone(error) from None

    def fileno(self) -> int:
        """For select."""
        return int(self._serial.fileno())

    def close(self) -> None:
        """As Port says."""
        self._serial.close()

    def _gone(self, error: Exception) -> PortError:
        return PortError(
            tr("{port}: the port has gone: {reason}", port=self.name, reason=str(error))
        )


def open_port(name: str, baud: int = BAUD) -> SerialPort:
    """Open what a person names. Raises PortError."""
    return SerialPort(name, baud)
