"""The loader: chooses, checks and mounts the firmware. It is never updated over the air.

The partition `romfs` has two halves, slots 0 and 1, each with a firmware bundle from its first byte
(sealed.py, bundle.py). The chip's store says which one runs:

    slot     the good one                 trial    the one to try, -1 for none
    tries    boots of the trial so far    crashes  starts in a row that no power cut explains
    fled     1 + the slot that was left because it crashed on and on; none for an update since

An update on trial has one start: either the application makes it the good one meanwhile, or the
next start goes back. Why it went back stands in the file /boot.why until the application tells.
The first bundle that is sound runs; when neither is, the console says so, and nothing else does.
"""

import sys
import time

import esp32
import machine
import sealed
import vfs

_WHY = "/boot.why"
_BLOCK_BYTES = 4096
_MODULUS_BYTES = 384
_WAIT_S = 60
_WAITS = 10
# Safe mode comes long before: a program that crashes so often doesn't even get there.
_CRASHES_MAX = 20


def start():
    """Mount the firmware at /rom, first on the path; never returns when there is none."""
    store = esp32.NVS("nuan")
    if machine.reset_cause() != machine.PWRON_RESET:
        _put(store, "crashes", _number(store, "crashes", 0) + 1)
    try:
        # MicroPython mounts by itself what begins like a ROMFS.
        vfs.umount("/rom")
    except OSError:
        pass
    try:
        found = _choose(store, _rom())
    except ValueError as problem:
        _rest(problem)
    vfs.mount(vfs.VfsRom(found), "/rom")
    sys.path[:] = ["/rom"] + [path for path in sys.path if path and path[:4] != "/rom"]


def _rom():
    try:
        return memoryview(vfs.rom_ioctl(2, 0))
    except (AttributeError, TypeError):
        raise ValueError(
            "this MicroPython has no ROM file system, or no partition 'romfs'"
        ) from None


def _choose(store, rom):
    """The ROMFS image of the slot to run; ValueError when there is none."""
    half = len(rom) // 2 // _BLOCK_BYTES * _BLOCK_BYTES
    halves = (rom[:half], rom[half : 2 * half])
    keys = _moduli(store)
    slot = 1 if _number(store, "slot", 0) == 1 else 0
    if _number(store, "trial", -1) == 1 - slot:
        if _number(store, "tries", 0) == 0:
            try:
                found = sealed.payload(halves[1 - slot], keys)
                _put(store, "tries", 1)
                return found
            except ValueError as problem:
                _tell("went back: ", str(problem))
        else:
            _tell("went back: ", "it was restarted before it was healthy")
        _put(store, "trial", -1)
    if _number(store, "crashes", 0) >= _CRASHES_MAX and _number(store, "fled", 0) in (0, slot + 1):
        try:
            found = sealed.payload(halves[1 - slot], keys)
            # In this order: after a power cut in between it is done again.
            _tell("went back, %d crashes in a row: " % _CRASHES_MAX, "nothing told why")
            _put(store, "fled", slot + 1)
            _put(store, "crashes", 0)
            _put(store, "slot", 1 - slot)
            return found
        except ValueError:
            # There is nothing better.
            pass
    try:
        return sealed.payload(halves[slot], keys)
    except ValueError as problem:
        reason = "slot %d: %s" % (slot, problem)
    try:
        found = sealed.payload(halves[1 - slot], keys)
    except ValueError as problem:
        raise ValueError("%s; slot %d: %s" % (reason, 1 - slot, problem)) from None
    _tell("", reason + "; the other slot runs")
    _put(store, "slot", 1 - slot)
    return found


def _moduli(store):
    """The update keys that this board knows."""
    found = []
    for name in ("fw_key0", "fw_key1"):
        key = bytearray(_MODULUS_BYTES)
        try:
            store.get_blob(name, key)
            found.append(bytes(key))
        except OSError:
            pass
    return found


def _number(store, name, default):
    try:
        return store.get_i32(name)
    except OSError:
        return default


def _put(store, name, value):
    """Keep a number; a store that fails must not keep the board from starting."""
    try:
        store.set_i32(name, value)
        store.commit()
    except OSError as problem:
        print("nuan: can't store", name, problem)


def _tell(what, reason):
    """Keep for the application why the loader chose as it did; a reason given before it counts."""
    try:
        with open(_WHY) as file:
            reason = file.read()
    except OSError:
        pass
    if reason[: len(what)] != what:
        reason = what + reason
    print("nuan:", reason)
    try:
        with open(_WHY, "w") as file:
            file.write(reason)
    except OSError as problem:
        print("nuan: can't write", _WHY, problem)


def _rest(problem):
    """Nothing can run: say so, and try again after a while, for flash sometimes reads badly."""
    for _ in range(_WAITS):
        print("nuan: no firmware:", problem)
        print("nuan: mend it by cable: nuan flash PORT --bundle FILE --only-app")
        print("nuan: journal, keys and configuration stay")
        time.sleep(_WAIT_S)
    machine.reset()
