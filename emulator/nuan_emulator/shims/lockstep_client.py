# ruff: noqa: D102, PLW0602, PLW0603, SIM115
"""The board's end of the lockstep: its clock, its poller and its channel to the world.

    to the world    u32 now | u16 bytes | u8 kind | u8 0    then records; kind: see KIND_*
    from the world  u32 grant | u32 value | u16 bytes | u16 flags    then records
    record          u8 type | u8 id | u16 bytes | u32 time | data

Times are milliseconds since the base, which moves forward by whole days so that they stay small
integers. Up to `grant` nothing happens to the board unless the board causes it.

A virtual processor takes no time, unless the board has a cost: then the processor time that the
program spent outside these modules, times a factor, and the flash's own time pass on the clock.
"""

import gc
import struct
import sys

import micropython
import uos
import utime
from micropython import const

_OUT_BYTES = const(1408)
_IN_BYTES = const(1408)
_HEAD = const(8)
_DAY_MS = const(86400000)
NEVER = const(0x3FFFFFFF)

KIND_IDLE = const(0)
KIND_CALL = const(1)
KIND_HEAP = const(2)
FLAG_HEAP = const(1)
FLAG_CUT = const(2)
POLL = const(3)

now = 0
grant = 0
watchdog = NEVER
on_watchdog = None
ticks_offset = 0
drift_ppm = 0
flash_budget = -1
flash_operations = 0
shim_bytes = 0
reply = b""

_channel = open(int(uos.getenv("NUAN_CHANNEL")), "r+b")
_out = bytearray(_OUT_BYTES)
_in = bytearray(_IN_BYTES)
_head = bytearray(12)
_fill = _HEAD
_eager = False
_dirty = False
_events = []
_streams = []
_masks = []
_handlers = {}
_rebased = []
_ticks_base = utime.ticks_add(utime.ticks_ms(), 1 << 28)

# Of a board with a cost: microseconds of the program, what they and the flash come to.
cpu_us = 0
flash_us = 0
_cpu_clock = None
_cpu_permille = 0
_erase_us = _page_us = _read_us = 0
_cpu_mark = -1
_owed_us = 0


def charge(cpu_clock, cpu_permille, erase_us, page_us, read_us):
    """From now on work takes time; `cpu_clock` counts microseconds of this process."""
    global _cpu_clock, _cpu_permille, _erase_us, _page_us, _read_us
    _cpu_clock = cpu_clock
    _cpu_permille = cpu_permille
    _erase_us, _page_us, _read_us = erase_us, page_us, read_us
    resume()


def pause():
    """The emulation begins to work: owe what the program did until now; False when it works."""
    global cpu_us, _owed_us, _cpu_mark
    if _cpu_mark < 0:
        return False
    spent = _cpu_clock() - _cpu_mark
    cpu_us += spent
    _owed_us += spent * _cpu_permille // 1000
    _cpu_mark = -1
    return True


def resume():
    """The program goes on."""
    global _cpu_mark
    _cpu_mark = _cpu_clock()


def settle():
    """Let the time pass that is owed; what reaches the board meanwhile waits for it."""
    global _owed_us
    passed = _owed_us // 1000
    if passed:
        _owed_us -= passed * 1000
        _advance(now + passed, False)


def owe_flash(reads, pages, erases):
    """The flash is at work, and the program stands still."""
    global flash_us, _owed_us
    took = reads * _read_us + pages * _page_us + erases * _erase_us
    flash_us += took
    _owed_us += took


def crystal_ms():
    """Milliseconds since the base as the board's own crystal counts them."""
    return now + now * drift_ppm // 1000000 if drift_ppm else now


def handle(kind, function):
    """Call function(id, data) for each record of this kind when its time has come."""
    _handlers[kind] = function


def on_rebase(function):
    """Call function(milliseconds) when the base moves forward."""
    _rebased.append(function)


def put(kind, ident, data, eager=False):
    """Queue a record; an eager one leaves at the next idle point, others with the next frame."""
    global _fill, _eager
    charged = pause()
    if charged:
        settle()
    size = len(data)
    if _fill + 8 + size > _OUT_BYTES:
        sync(KIND_CALL)
    struct.pack_into("<BBHI", _out, _fill, kind, ident, size, now)
    _fill += 8
    if size:
        _out[_fill : _fill + size] = data
        _fill += size
    if eager:
        _eager = True
    if charged:
        resume()


def sync(kind=KIND_IDLE):
    """Exchange frames with the world; time does not move. Returns the value in the answer."""
    global _fill, _eager, grant, flash_budget, reply
    while True:
        struct.pack_into("<IHBB", _out, 0, now, _fill - _HEAD, kind, 0)
        _channel.write(_out, _fill)
        _fill = _HEAD
        _eager = False
        if _channel.readinto(_head) != 12:
            # The world is gone.
            sys.exit(0)
        grant, value, size, flags = struct.unpack_from("<IIHH", _head)
        if size:
            _channel.readinto(_in, size)
            _queue(size)
        if flags & FLAG_CUT:
            flash_budget = flash_operations + value
        if not flags & FLAG_HEAP:
            return value
        _report_heap()
        kind = KIND_HEAP


def call(kind, ident, data):
    """A record that the world answers at once; its bytes are the result."""
    global reply
    reply = b""
    put(kind, ident, data)
    sync(KIND_CALL)
    return reply


def _queue(size):
    global reply
    at = 0
    while at < size:
        kind, ident, length, time = struct.unpack_from("<BBHI", _in, at)
        at += 8
        data = bytes(memoryview(_in)[at : at + length])
        at += length
        if kind == 0:
            reply = data
            continue
        place = len(_events)
        while place and _events[place - 1][0] > time:
            place -= 1
        _events.insert(place, (time, kind, ident, data))


def _report_heap():
    gc.collect()
    heap = gc.mem_alloc(), gc.mem_free(), shim_bytes, flash_operations
    text = struct.pack("<IIIIII", *heap, cpu_us, flash_us)
    micropython.mem_info()
    micropython.qstr_info()
    put(14, 0, text)


def advance(wake, polling):
    """Move the clock to `wake`, or, when polling, to the first moment a stream is ready."""
    if not pause():
        return _advance(wake, polling)
    settle()
    found = _advance(wake, polling)
    resume()
    return found


def _advance(wake, polling):
    global now, _dirty
    while True:
        if _eager:
            sync()
        upto = wake
        if _events and _events[0][0] < upto:
            upto = _events[0][0]
        if watchdog < upto:
            upto = watchdog
        if upto > grant:
            if grant > now:
                now = grant
            sync()
            continue
        if upto > now:
            now = upto
        while _events and _events[0][0] <= now:
            event = _events.pop(0)
            _dirty = True
            _handlers[event[1]](event[2], event[3])
        if watchdog <= now:
            on_watchdog()
        if polling and _dirty:
            found = _ready()
            if found:
                return found
        if now >= wake:
            return ()


def touch():
    """Tell the poller that a stream may have become ready."""
    global _dirty
    _dirty = True


def _ready():
    global _dirty
    _dirty = False
    found = ()
    for i in range(len(_streams)):
        state = _streams[i].ioctl(POLL, _masks[i])
        if state:
            if not found:
                found = []
            found.append((_streams[i], state))
    return found


def _rebase():
    global now, grant, watchdog, ticks_offset
    from asyncio import core

    shift = now // _DAY_MS * _DAY_MS
    put(8, shift // _DAY_MS, b"")
    ticks_offset = utime.ticks_add(ticks_offset, shift + shift * drift_ppm // 1000000)
    now -= shift
    grant -= shift
    if watchdog != NEVER:
        watchdog -= shift
    for i in range(len(_events)):
        event = _events[i]
        _events[i] = (event[0] - shift, event[1], event[2], event[3])
    for function in _rebased:
        function(shift)
    waiting = []
    queue = core._task_queue
    while queue.peek():
        task = queue.pop()
        waiting.append((task, task.ph_key, task.data))
    for task, key, data in waiting:
        # push() forgets what the task waits on; key order within one millisecond is kept.
        queue.push(task, utime.ticks_add(key, -shift))
        task.data = data


class Poller:
    """Stands in for select.poll in asyncio; reports streams in the order they registered."""

    def register(self, stream, mask):
        global _dirty
        _streams.append(stream)
        _masks.append(mask)
        _dirty = True

    def modify(self, stream, mask):
        global _dirty
        _masks[self._index(stream)] = mask
        _dirty = True

    def unregister(self, stream):
        i = self._index(stream)
        _streams.pop(i)
        _masks.pop(i)

    def _index(self, stream):
        for i in range(len(_streams)):
            if _streams[i] is stream:
                return i
        raise OSError(2)

    def ipoll(self, timeout):
        if not pause():
            return self._ipoll(timeout, 0)
        before = now
        settle()
        found = self._ipoll(timeout, now - before)
        resume()
        return found

    def _ipoll(self, timeout, late):
        if _dirty:
            found = _ready()
            if found:
                return found
        if timeout == 0:
            return ()
        wake = NEVER if timeout < 0 else max(now, now - late + timeout)
        if now >= _DAY_MS:
            shift = now
            _rebase()
            if timeout >= 0:
                wake -= shift - now
        return _advance(wake, True)


class _Select:
    POLLIN = 1
    POLLOUT = 4

    def poll(self):
        return Poller()


def _core_ticks():
    return utime.ticks_add(_ticks_base, now)


def install():
    """Put asyncio on the virtual clock."""
    from asyncio import core

    core.ticks = _core_ticks
    core.select = _Select()
    core._io_queue.poller = Poller()


def flash_operation():
    """Count a flash operation; True when the power fails in the middle of it."""
    global flash_operations
    flash_operations += 1
    return flash_operations == flash_budget


def power_fails():
    """The power is gone: tell the world and never return."""
    put(12, 0, b"")
    while True:
        sync(KIND_CALL)
