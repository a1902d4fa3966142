"""Turns a bare MicroPython into the board: its clock, its flash, its modules, boot.py, main.py.

The environment gives NUAN_BOARD: JSON with stage (folder of the modules), image (the file system's
flash; other partitions stand beside it), seed, cause, unique_id, ticks_ms, rtc (seconds since 2000,
milliseconds), running (the VM image), drift_ppm, wired (whether there are other links than Wi-Fi),
cost (see lockstep_client.charge; or null).
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
    # Outside the heap, in place, as from a board's flash.
    import mapped

    vfs.mount(vfs.VfsRom(mapped.file(uos, board["stage"] + "/shims.img", False)), "/shims")
    sys.path[:] = ["", "/shims", ".frozen"]
    import os
    import socket  # noqa: F401
    import time

    import console
    import esp32
    import lockstep_client
    import machine
    import network  # noqa: F401
    import rom
    from block_device import BlockDevice, CostlyBlockDevice

    if board["wired"]:
        import network_wired  # noqa: F401

    cost = board["cost"]
    device = (CostlyBlockDevice if cost else BlockDevice)(board["image"], lockstep_client)
    base = board["image"].rsplit(".", 1)[0]
    esp32.start(vfs.VfsPosix(base.rsplit("/", 1)[0]), base.rsplit("/", 1)[1], board["running"])
    rom.start(uos, base + ".romfs")
    vfs.umount("/")
    lockstep_client.ticks_offset = board["ticks_ms"]
    lockstep_client.drift_ppm = board["drift_ppm"]
    time.set_rtc(board["rtc"][0], board["rtc"][1])
    seed = unhexlify(board["seed"])
    os.seed(seed)
    random.seed(int.from_bytes(seed[:4], "big"))
    machine.start({"cause": board["cause"], "unique_id": unhexlify(board["unique_id"])})
    console.start()
    board = seed = None
    gc.collect()
    lockstep_client.shim_bytes += gc.mem_alloc() - before
    lockstep_client.install()
    vfs.mount(vfs.VfsLfs2(device, mtime=False), "/")
    rom.automount()
    lockstep_client.sync()
    if cost:
        import ffi

        lockstep_client.charge(ffi.open("libc.so.6").func("i", "clock", ""), *cost)


def _run(name, scope):
    try:
        with open("/" + name) as file:
            source = file.read()
    except OSError:
        return
    exec(source, scope)  # noqa: S102


_start()
_scope = {"__name__": "__main__"}
_run("boot.py", _scope)
_run("main.py", _scope)
