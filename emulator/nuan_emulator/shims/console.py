"""The port that a board prints to and listens at: sys.stdin and sys.stdout of the program.

What arrives waits in a buffer as large as the ESP32's; what exceeds it is lost. A read waits for as
many bytes as it was asked for, as the board's does. Text printed with print() stays the VM's own.
"""

import io
import sys

import lockstep_client as _clock
from micropython import const

# stdin_ringbuf of the ESP32 port.
_INPUT_BYTES = const(260)
_PIECE_BYTES = const(512)
_POLL = const(3)
_READABLE = const(1)
_WRITABLE = const(4)
_NOT_SUPPORTED = const(-22)


class _Bytes(io.IOBase):
    """sys.stdin.buffer and sys.stdout.buffer in one."""

    def __init__(self):
        self._waiting = b""

    def ioctl(self, request, mask):
        if request != _POLL:
            # 0 would be a file descriptor where one is asked for.
            return _NOT_SUPPORTED
        return ((_READABLE if self._waiting else 0) | _WRITABLE) & mask

    def readinto(self, target, size=None):
        size = len(target) if size is None else size
        while len(self._waiting) < size:
            _clock.advance(_clock.now + 1, False)
        memoryview(target)[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size

    def read(self, size=1):
        data = bytearray(size)
        self.readinto(data)
        return bytes(data)

    def write(self, data):
        view = memoryview(data)
        for at in range(0, len(view), _PIECE_BYTES):
            _clock.put(15, 0, view[at : at + _PIECE_BYTES], True)
        return len(view)

    def receive(self, _ident, data):
        self._waiting += data[: _INPUT_BYTES - len(self._waiting)]


class _Text:
    """sys.stdin or sys.stdout as text."""

    def __init__(self, buffer):
        self.buffer = buffer

    def read(self, size=1):
        return self.buffer.read(size).decode()

    def write(self, text):
        data = text.encode() if isinstance(text, str) else text
        self.buffer.write(data.replace(b"\n", b"\r\n"))
        return len(text)


class _Poll:
    """A look at the port, at no cost: the VM's own sleeps for a real millisecond each time."""

    def register(self, stream, mask):
        self._stream, self._mask = stream, mask

    def poll(self, _timeout):
        ready = self._stream.ioctl(_POLL, self._mask)
        return ((self._stream, ready),) if ready else ()


class _Select:
    POLLIN = _READABLE
    poll = _Poll


class _Sys:
    """The real module but for the two streams."""

    def __init__(self, real):
        self._real = real
        both = _Bytes()
        _clock.handle(4, both.receive)
        self.stdin = _Text(both)
        self.stdout = _Text(both)

    def __getattr__(self, name):
        return getattr(self._real, name)


def start():
    """From now on `import sys` gives these streams, and `import select` what looks at them."""
    sys.modules["sys"] = _Sys(sys)
    sys.modules["select"] = _Select
