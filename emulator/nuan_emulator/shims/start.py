"""Turns a bare MicroPython into the board: its clock, its flash, its modules, boot.py, main.py.

The environment gives NUAN_BOARD: JSON with rom (folder of the modules), image (flash), seed, cause,
unique_id, ticks_ms, rtc (seconds since 2000, milliseconds), cost (see lockstep_client.charge; or
null).
"""

import gc


def _start():
    import json
    import random
    import sys
    from binascii import unhexlify

    import uos
    import vfs

    gc.collect()
    before = gc.mem_alloc()
    board = json.loads(uos.getenv("NUAN_BOARD"))
    vfs.mount(_rom(vfs, uos, board["rom"]), "/rom")
    sys.path[:] = ["/rom/shims", "/rom/lib", "/rom/board", ".frozen"]
    import os
    import socket  # noqa: F401
    import time

    import esp32  # noqa: F401
    import lockstep_client
    import machine
    import network  # noqa: F401
    from block_device import BlockDevice, CostlyBlockDevice

    cost = board["cost"]
    device = (CostlyBlockDevice if cost else BlockDevice)(board["image"], lockstep_client)
    vfs.umount("/")
    lockstep_client.ticks_offset = board["ticks_ms"]
    time.set_rtc(board["rtc"][0], board["rtc"][1])
    seed = unhexlify(board["seed"])
    os.seed(seed)
    random.seed(int.from_bytes(seed[:4], "big"))
    machine.start({"cause": board["cause"], "unique_id": unhexlify(board["unique_id"])})
    board = seed = None
    gc.collect()
    lockstep_client.shim_bytes += gc.mem_alloc() - before
    lockstep_client.install()
    vfs.mount(vfs.VfsLfs2(device, mtime=False), "/")
    lockstep_client.sync()
    if cost:
        import ffi

        lockstep_client.charge(ffi.open("libc.so.6").func("i", "clock", ""), *cost)


def _rom(vfs, uos, folder):
    """The ROMFS image, mapped outside the heap: code runs in place as from a board's flash."""
    try:
        import ffi
        import uctypes
    except ImportError:
        return vfs.VfsPosix(folder)
    path = folder + "/rom.img"
    size = uos.stat(path)[6]
    libc = ffi.open("libc.so.6")
    descriptor = libc.func("i", "open", "si")(path, 0)
    # PROT_READ, MAP_PRIVATE.
    address = libc.func("p", "mmap", "piiiii")(0, size, 1, 2, descriptor, 0)
    return vfs.VfsRom(uctypes.bytearray_at(address, size))


def _run(name, scope):
    try:
        with open("/rom/board/" + name) as file:
            source = file.read()
    except OSError:
        return
    exec(source, scope)  # noqa: S102


_start()
_scope = {"__name__": "__main__"}
_run("boot.py", _scope)
_run("main.py", _scope)
