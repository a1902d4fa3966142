"""MicroPython's raw prompt on a pseudo-terminal, for a VM whose own prompt has none; its root is a
littlefs in memory, blank at the start as on a board that was just flashed."""

import sys

import vfs

_HELLO = b"raw REPL; CTRL-B to exit\r\n>"


class Ram:
    """A block device of 64 blocks."""

    def __init__(self):
        self._data = bytearray(b"\xff" * 4096 * 64)

    def readblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        buffer[:] = memoryview(self._data)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        self._data[at : at + len(buffer)] = buffer

    def ioctl(self, request, argument):
        return {4: 64, 5: 4096}.get(request, 0)


class Machine:
    """A board that restarts to its prompt."""

    @staticmethod
    def reset():
        raise SystemExit


def prompt(scope):
    """Read one piece of code, run it, say what became of it; until Ctrl-B."""
    code = b""
    while True:
        byte = sys.stdin.buffer.read(1)
        if not byte or byte == b"\x02":
            return
        if byte == b"\x01":
            sys.stdout.buffer.write(_HELLO)
        elif byte == b"\x05" and not code:
            # Raw paste: understood, not offered.
            sys.stdin.buffer.read(2)
            sys.stdout.buffer.write(b"R\x00")
        elif byte == b"\x04":
            sys.stdout.buffer.write(b"OK")
            sys.stdout.buffer.write(b"\x04" + run(code, scope) + b"\x04>")
            code = b""
        elif byte != b"\x03" and (code or byte != b"\r"):
            code += byte


def run(code, scope):
    """What went wrong, nothing when nothing did."""
    try:
        exec(code, scope)
    except SystemExit:
        scope.clear()
    except Exception as problem:  # noqa: BLE001  # it is the other side's to judge
        return repr(problem).encode()
    return b""


sys.modules["machine"] = Machine
device = Ram()
vfs.VfsLfs2.mkfs(device)
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(device), "/")
while True:
    prompt({})
