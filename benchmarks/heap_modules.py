"""What each module of the node takes of the heap, with a bus of M-Bus meters: bytes, largest first.

What every node has is one module, `resident`. Modules are imported as at boot, on the 32-bit
MicroPython, from a ROMFS as on a board; what one imports first counts for itself. The table of
names grows by doubling: whichever module comes when it does is charged with it.
Usage: heap_modules.py [module ...]
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from nuan_emulator import romfs
from nuan_emulator.board_tree import checkout_sources, stage_board
from nuan_emulator.vm_process import find_vm

MODULES = ("nuan_firmware.start", "nuan_firmware.app", "nuan_protocols.mbus.resident")
HEAP_KB = 400

_PROGRAM = """
import gc, sys, builtins, uos, vfs, ffi, uctypes
import asyncio, time, struct, json, os, hashlib, binascii, array, io, micropython
libc = ffi.open("libc.so.6")
size = uos.stat(PATH)[6]
descriptor = libc.func("i", "open", "si")(PATH, 0)
address = libc.func("p", "mmap", "piiiii")(0, size, 1, 2, descriptor, 0)
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(address, size)), "/app")
sys.path[:] = ["/app", ".frozen"]
class Anything:
    def __getattr__(self, name):
        return Anything()
    def __call__(self, *args, **named):
        return Anything()
for name in ("machine", "network", "esp32"):
    sys.modules[name] = Anything()
plain = builtins.__import__
cost = {}
inner = []
def load(name, scope=None, local=None, wanted=None, level=0):
    wanted = wanted if isinstance(wanted, (tuple, list)) else ()
    news = name not in sys.modules
    for each in wanted:
        news = news or name + "." + each not in sys.modules
    if name[:5] != "nuan_" or not news:
        return plain(name, scope, local, wanted, level)
    gc.collect()
    before = gc.mem_alloc()
    inner.append(0)
    try:
        return plain(name, scope, local, wanted, level)
    finally:
        gc.collect()
        used = gc.mem_alloc() - before
        own = used - inner.pop()
        cost[name] = cost.get(name, 0) + own
        if inner:
            inner[-1] += used
builtins.__import__ = load
for name in MODULES:
    load(name)
for name in cost:
    print(cost[name], name)
micropython.qstr_info()
"""


def measure(modules: tuple[str, ...] = MODULES) -> tuple[list[tuple[int, str]], str]:
    """((bytes, module), largest first; what the VM says of its table of names)."""
    stage = stage_board(checkout_sources())
    with TemporaryDirectory(prefix="nuan-heap-") as folder:
        image = Path(folder) / "app.img"
        image.write_bytes(romfs.image(stage / "lib"))
        program = f"PATH = {str(image)!r}\nMODULES = {modules!r}\n{_PROGRAM}"
        command = [str(find_vm()), "-X", f"heapsize={HEAP_KB}k", "-c", program]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    lines = done.stdout.splitlines()
    found = [line.split() for line in lines if not line.startswith("qstr")]
    return sorted(((int(size), name) for size, name in found), reverse=True), lines[-1]


def main() -> int:
    """Print the table."""
    table, names = measure(tuple(sys.argv[1:]) or MODULES)
    for size, name in table:
        print(f"{size:6}  {name}")
    print(f"{sum(size for size, _ in table):6}  in all; {names}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
