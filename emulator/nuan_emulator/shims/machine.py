# ruff: noqa: D102, D103, ARG002
"""ESP32's machine module over the lockstep: pins, serial ports, watchdog, clock, reset."""

import struct
import time as _time

import lockstep_client as _clock
from micropython import const

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

_UART_BYTES_CHUNK = const(1024)
_ENODEV = const(19)

_board = {}
_levels = {}
_ports = {}


def reset():
    """Restart the board; never returns."""
    _restart(HARD_RESET)


def soft_reset():
    _restart(SOFT_RESET)


def _restart(cause):
    seconds, milliseconds = _time.rtc()
    _clock.put(10, cause, struct.pack("<IH", seconds, milliseconds))
    while True:
        _clock.sync(_clock.KIND_CALL)


def reset_cause():
    return _board["cause"]


def unique_id():
    return _board["unique_id"]


def freq(hertz=None):
    return None if hertz else 240000000


def idle():
    pass


class Pin:
    """A pin: outputs tell the world when they change, inputs hold what the world says."""

    IN = const(1)
    OUT = const(3)
    OPEN_DRAIN = const(7)
    PULL_DOWN = const(1)
    PULL_UP = const(2)

    def __init__(self, id, mode=-1, pull=-1, *, value=None):
        self.id = id
        self._mode = mode
        if value is not None:
            self.value(value)

    def init(self, mode=-1, pull=-1, *, value=None):
        self.__init__(self.id, mode, pull, value=value)

    def value(self, level=None):
        if level is None:
            return _levels.get(self.id, 0)
        level = 1 if level else 0
        if self._mode != Pin.IN and _levels.get(self.id) != level:
            _levels[self.id] = level
            _clock.put(3, self.id, b"\x01" if level else b"\x00")
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


def _pin_changed(ident, data):
    _levels[ident] = data[0]


class UART:
    """A serial port; what arrives waits in a buffer of `rxbuf` bytes, which may overflow."""

    INV_TX = const(4)
    INV_RX = const(32)
    IRQ_RXIDLE = const(4096)

    def __init__(self, id, baudrate=115200, **options):
        self.id = id
        self._buffer = bytearray(0)
        self._fill = 0
        self._sent_ms = 0
        _ports[id] = self
        self.init(baudrate, **options)

    def init(
        self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=-1, rx=-1, txbuf=256, rxbuf=256,
        timeout=0, timeout_char=0, invert=0, flow=0, cts=-1, rts=-1,
    ):  # fmt: skip
        if len(self._buffer) != rxbuf:
            _clock.shim_bytes += rxbuf - len(self._buffer)
            self._buffer = bytearray(rxbuf)
        self._baud = baudrate
        self._bits = 1 + bits + (parity is not None) + stop
        self._timeout = timeout
        code = 0 if parity is None else 1 + parity % 2
        config = struct.pack("<IBBBH", baudrate, bits, code, stop, timeout_char)
        _clock.put(2, self.id, config)

    def deinit(self):
        self._fill = 0

    def ioctl(self, request, mask):
        if request != 3:
            return 0
        return ((1 if self._fill else 0) | 4) & mask

    def irq(self, handler=None, trigger=0, hard=False):
        pass

    def any(self):
        return self._fill

    def _wait(self, size):
        if self._timeout and self._fill < size:
            until = _clock.now + self._timeout
            while self._fill < size and _clock.now < until:
                _clock.advance(min(until, _clock.now + 1), False)

    def readinto(self, target, size=None):
        size = len(target) if size is None else min(size, len(target))
        self._wait(size)
        count = min(size, self._fill)
        if not count:
            return None
        buffer = self._buffer
        memoryview(target)[:count] = memoryview(buffer)[:count]
        rest = self._fill - count
        if rest:
            memoryview(buffer)[:rest] = bytes(memoryview(buffer)[count : self._fill])
        self._fill = rest
        return count

    def read(self, size=-1):
        if size is None or size < 0:
            self._wait(1)
            size = self._fill
        data = bytearray(min(size, len(self._buffer)))
        count = self.readinto(data)
        return None if count is None else bytes(memoryview(data)[:count])

    def readline(self):
        end = bytes(memoryview(self._buffer)[: self._fill]).find(b"\n")
        return self.read(end + 1 if end >= 0 else -1)

    def write(self, data):
        size = len(data)
        view = memoryview(data)
        for at in range(0, size, _UART_BYTES_CHUNK):
            _clock.put(1, self.id, view[at : at + _UART_BYTES_CHUNK], True)
        begin = max(_clock.now, self._sent_ms)
        self._sent_ms = begin + (size * self._bits * 1000 + self._baud - 1) // self._baud
        return size

    def txdone(self):
        return _clock.now >= self._sent_ms

    def flush(self):
        if not self.txdone():
            _clock.advance(self._sent_ms, False)

    def _receive(self, data):
        count = min(len(data), len(self._buffer) - self._fill)
        memoryview(self._buffer)[self._fill : self._fill + count] = memoryview(data)[:count]
        self._fill += count


def _received(ident, data):
    if ident in _ports:
        _ports[ident]._receive(data)


def _rebase(shift):
    for port in _ports.values():
        port._sent_ms = max(0, port._sent_ms - shift)


class WDT:
    """The task watchdog, in virtual time: not fed within its timeout, it resets the board."""

    def __init__(self, id=0, timeout=5000):
        self._timeout = timeout
        _clock.on_watchdog = self._bite
        self.feed()

    def feed(self):
        _clock.watchdog = _clock.now + self._timeout

    def _bite(self):
        _restart(WDT_RESET)


class I2C:
    """A bus with whatever the world has put on it."""

    def __init__(self, id=-1, *, scl=None, sda=None, freq=400000, timeout=50000):
        pass

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        # The world's answers to calls have bytes, or none when nobody answers there.
        data = _clock.call(16, addr, bytes((0, memaddr, nbytes)))
        if len(data) != nbytes:
            raise OSError(_ENODEV)
        return data

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        if not _clock.call(16, addr, bytes((1, memaddr)) + bytes(buf)):
            raise OSError(_ENODEV)

    def scan(self):
        return [addr for addr in range(8, 120) if _clock.call(16, addr, b"\x00\x00\x01")]


class PWM:
    """Pulses at a pin: the world hears frequency and width whenever they change."""

    def __init__(self, dest, freq=-1, duty_u16=-1, duty_ns=-1, duty=-1, invert=0):
        self._pin = dest.id
        self._told = None
        self._freq = 5000 if freq < 0 else freq
        self._duty = 32768
        self.init(freq=freq, duty_u16=duty_u16, duty_ns=duty_ns, duty=duty, invert=invert)

    def init(self, freq=-1, duty_u16=-1, duty_ns=-1, duty=-1, invert=0):
        if freq >= 0:
            self._freq = freq
        if duty_u16 >= 0:
            self._duty = duty_u16
        elif duty_ns >= 0:
            self._duty = duty_ns * self._freq * 65535 // 1000000000
        elif duty >= 0:
            self._duty = duty * 64
        if invert:
            self._duty = 65535 - self._duty
        self._tell()

    def deinit(self):
        self._duty = 0
        self._tell()

    def freq(self, value=None):
        if value is None:
            return self._freq
        return self.init(freq=value)

    def duty_u16(self, value=None):
        if value is None:
            return self._duty
        return self.init(duty_u16=value)

    def duty_ns(self, value=None):
        if value is None:
            return self._duty * 1000000000 // 65535 // self._freq
        return self.init(duty_ns=value)

    def duty(self, value=None):
        if value is None:
            return self._duty // 64
        return self.init(duty=value)

    def _tell(self):
        told = (self._freq, self._duty)
        if told != self._told:
            self._told = told
            _clock.put(19, self._pin, struct.pack("<IH", *told))


class RTC:
    """The clock of the chip: 2000-01-01 until somebody sets it."""

    def datetime(self, fields=None):
        if fields is None:
            seconds, milliseconds = _time.rtc()
            y, month, day, h, m, s, weekday, _ = _time.gmtime(seconds)
            return (y, month, day, weekday, h, m, s, milliseconds * 1000)
        y, month, day, _, h, m, s, microseconds = fields
        _time.set_rtc(_time.mktime((y, month, day, h, m, s, 0, 0)), microseconds // 1000)
        return None

    def init(self, fields):
        self.datetime(fields)


def start(board):
    """Take over what outlives a reset: its cause, the clock and the identity of the chip."""
    _board.update(board)
    _clock.handle(1, _received)
    _clock.handle(7, _pin_changed)
    _clock.on_rebase(_rebase)
