# ruff: noqa: D102
"""A UDP socket of ESP32's socket module; what it sends reaches the world's servers."""

import lockstep_client as _clock
import network as _network
from micropython import const

_EHOSTUNREACH = const(113)
_ENOTCONN = const(107)

_open = {}


class Datagrams:
    """A connected socket: it hears the address it speaks to, and nobody else."""

    def __init__(self, ident):
        self._id = ident
        self._address = None
        self._pieces = []

    def setblocking(self, on):
        pass

    def settimeout(self, seconds):
        pass

    def setsockopt(self, level, option, value):
        pass

    def fileno(self):
        return self._id

    def connect(self, address):
        self._address = ("%s:%d" % address).encode() + b"\x00"
        _open[self._id] = self

    def ioctl(self, request, mask):
        return (4 | (1 if self._pieces else 0)) & mask if request == 3 else 0

    def write(self, data):
        if self._address is None:
            raise OSError(_ENOTCONN)
        if not _network.connected():
            raise OSError(_EHOSTUNREACH)
        _clock.put(17, self._id, self._address + bytes(data), True)
        return len(data)

    send = write

    def readinto(self, target, size=None):
        if not self._pieces:
            return None
        # What doesn't fit of a datagram is lost.
        piece = self._pieces.pop(0)
        count = min(len(target) if size is None else size, len(target), len(piece))
        target[:count] = memoryview(piece)[:count]
        return count

    def recv(self, size):
        return self._pieces.pop(0)[:size] if self._pieces else None

    read = recv

    def close(self):
        _open.pop(self._id, None)


def _arrived(ident, data):
    if ident in _open:
        _open[ident]._pieces.append(data)


_clock.handle(5, _arrived)
