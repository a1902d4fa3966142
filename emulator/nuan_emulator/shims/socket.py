# ruff: noqa: D103, PLW0603
"""Client sockets whose far end is the world: TCP, enough for asyncio.open_connection; UDP."""

import lockstep_client as _clock
import network as _network
from micropython import const

AF_INET = const(2)
SOCK_STREAM = const(1)
SOCK_DGRAM = const(2)
SOL_SOCKET = const(1)
SO_REUSEADDR = const(2)
IPPROTO_TCP = const(6)
TCP_NODELAY = const(1)

_EINPROGRESS = const(115)
_EHOSTUNREACH = const(113)
_ENOTCONN = const(107)
_CHUNK = const(1024)

_open = {}
_last = 0


def getaddrinfo(host, port, af=0, type=SOCK_STREAM, proto=0, flags=0):  # noqa: ARG001
    if not _network.connected() and not host.replace(".", "").isdigit():
        raise OSError(-202)
    return [(AF_INET, SOCK_STREAM, 0, "", (host, port))]


def socket(af=AF_INET, type=SOCK_STREAM, proto=0):  # noqa: ARG001
    global _last
    _last = _last % 250 + 1
    if type == SOCK_DGRAM:
        from udp import Datagrams

        return Datagrams(_last)
    return _Stream(_last)


class _Stream:
    """A non-blocking stream; bytes wait here in the pieces they arrived in."""

    def __init__(self, ident):
        self._id = ident
        self._pieces = []
        self._connected = False
        self._ended = False
        self._error = 0

    def setblocking(self, on):
        pass

    def settimeout(self, seconds):
        pass

    def setsockopt(self, level, option, value):
        pass

    def fileno(self):
        return self._id

    def connect(self, address):
        if not _network.connected():
            raise OSError(_EHOSTUNREACH)
        _open[self._id] = self
        _clock.put(4, self._id, ("%s:%d" % address).encode(), True)
        raise OSError(_EINPROGRESS)

    def ioctl(self, request, mask):
        if request != 3:
            return 0
        if self._error:
            return 8 | mask & 5
        state = 4 if self._connected else 0
        if self._pieces or self._ended:
            state |= 1
        return state & mask

    def _check(self):
        if self._error:
            raise OSError(self._error)

    def write(self, data):
        self._check()
        if not self._connected:
            raise OSError(_ENOTCONN)
        view = memoryview(data)
        for at in range(0, len(data), _CHUNK):
            _clock.put(5, self._id, view[at : at + _CHUNK], True)
        return len(data)

    send = write

    def readinto(self, target, size=None):
        size = len(target) if size is None else min(size, len(target))
        if not self._pieces:
            self._check()
            return 0 if self._ended else None
        piece = self._pieces[0]
        count = min(size, len(piece))
        target[:count] = memoryview(piece)[:count]
        if count == len(piece):
            self._pieces.pop(0)
        else:
            self._pieces[0] = piece[count:]
        return count

    def read(self, size=-1):
        if not self._pieces:
            self._check()
            return b"" if self._ended else None
        if size < 0 or size >= len(self._pieces[0]):
            return self._pieces.pop(0)
        piece = self._pieces[0]
        self._pieces[0] = piece[size:]
        return piece[:size]

    recv = read

    def readline(self):
        line = b""
        while self._pieces:
            end = self._pieces[0].find(b"\n")
            line += self.read(end + 1 if end >= 0 else -1)
            if end >= 0:
                break
        return line or (b"" if self._ended else None)

    def close(self):
        if _open.pop(self._id, None) is not None:
            _clock.put(6, self._id, b"", True)
            self._ended = True


def _arrived(ident, data):
    if ident in _open:
        _open[ident]._pieces.append(data)


def _changed(ident, data):
    if ident in _open:
        stream = _open[ident]
        if data == b"\x00":
            stream._connected = True
        elif data == b"\x01":
            stream._ended = True
        else:
            # A failed socket needs no close(); nothing more comes for it.
            stream._error = data[0]
            del _open[ident]


_clock.handle(3, _arrived)
_clock.handle(2, _changed)
