"""The chip itself: its clock, its random numbers, its non-volatile store, watchdog and resets."""

import os
import time

import esp32
import machine
from micropython import const

NVS_NAMESPACE = "nuan"
NODE_KEY_BYTES = 32
# What an OSError of the store begins with when there is no such value.
NVS_NOT_FOUND = -4354
_SECRET_BYTES_MAX = const(64)
# A certificate; NVS itself takes up to 1,984 bytes in one page.
BLOB_BYTES_MAX = const(1536)
# A large buffer only for what needs one: memory is short when the console asks.
_BLOB_BYTES_USUAL = const(384)
_TOO_LONG = const(-4364)
# In the chip's store while its clock may hold a time that was only assumed.
_ASSUMED = "assumed"
# The ESP32 counts seconds from 2000, the unix port from 1970; UTC here is always since 1970.
_EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0


def utc_s() -> int:
    """The chip's clock in seconds since 1970; after a power cut it starts at 2000."""
    return int(time.time()) + _EPOCH_S


def kept_utc_s() -> int:
    """The chip's clock, which may have outlived a reset; 0 when it held what was only assumed."""
    return 0 if number(_ASSUMED, 0) else utc_s()


def set_utc(seconds: int) -> None:
    """Set the chip's clock, which outlives a reset but no power cut."""
    _set_clock(seconds)
    if number(_ASSUMED, 0):
        set_number(_ASSUMED, 0)


def assume_utc(seconds: int) -> None:
    """Set the chip's clock to what nobody vouches for; it counts for nothing after a reset."""
    if not number(_ASSUMED, 0):
        set_number(_ASSUMED, 1)
    _set_clock(seconds)


def _set_clock(seconds: int) -> None:
    year, month, day, hour, minute, second, weekday, _ = time.gmtime(seconds - _EPOCH_S)[:8]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


def random_bytes(count: int) -> bytes:
    """Random bytes from the chip's generator."""
    return os.urandom(count)


def node_key() -> bytes:
    """The 32-byte node key. Raises OSError when the node was never provisioned."""
    key = bytearray(NODE_KEY_BYTES)
    esp32.NVS(NVS_NAMESPACE).get_blob("key", key)
    return bytes(key)


def secret(name: str) -> str:
    """A password from the chip's store, empty when there is none."""
    buffer = bytearray(_SECRET_BYTES_MAX)
    try:
        size = esp32.NVS(NVS_NAMESPACE).get_blob(name, buffer)
    except OSError:
        return ""
    return bytes(memoryview(buffer)[:size]).decode()


def blob(name: str) -> bytes:
    """Bytes from the chip's store, at most BLOB_BYTES_MAX; none when there are none."""
    for most in (_BLOB_BYTES_USUAL, BLOB_BYTES_MAX):
        buffer = bytearray(most)
        try:
            size = esp32.NVS(NVS_NAMESPACE).get_blob(name, buffer)
        except OSError as problem:
            if problem.errno == _TOO_LONG:
                continue
            break
        return bytes(memoryview(buffer)[:size])
    return b""


def set_blob(name: str, value: "bytes | memoryview") -> None:
    """Put bytes into the chip's store; they are kept when this returns."""
    store = esp32.NVS(NVS_NAMESPACE)
    store.set_blob(name, value)
    store.commit()


def number(name: str, default: int) -> int:
    """A number from the chip's store, `default` when there is none."""
    try:
        return int(esp32.NVS(NVS_NAMESPACE).get_i32(name))
    except OSError:
        return default


def set_number(name: str, value: int) -> None:
    """Put a number into the chip's store; it is kept when this returns."""
    store = esp32.NVS(NVS_NAMESPACE)
    store.set_i32(name, value)
    store.commit()


def reset_cause() -> str:
    """Why the chip started, in a word."""
    causes = {
        machine.PWRON_RESET: "power",
        machine.HARD_RESET: "reset",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "sleep",
        machine.SOFT_RESET: "soft",
    }
    return causes.get(machine.reset_cause(), "unknown")


def reset() -> None:
    """Restart the chip."""
    machine.reset()


def restart() -> None:
    """Restart the chip on purpose: what the loader counts as crashes stays as it is."""
    set_number("crashes", number("crashes", 0) - 1)
    machine.reset()


class Watchdog:
    """Restarts the chip unless fed every `timeout_ms`; it cannot be stopped."""

    def __init__(self, timeout_ms: int) -> None:
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        """Start the time anew."""
        self._watchdog.feed()
