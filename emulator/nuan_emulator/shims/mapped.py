"""Files of the host, mapped outside the heap as flash is on a board."""

import ffi
import uctypes

_libc = ffi.open("libc.so.6")
_open = _libc.func("i", "open", "si")
_mmap = _libc.func("p", "mmap", "piiiii")
_PROT_READ = 1
_MAP_SHARED, _MAP_PRIVATE = 1, 2


def file(uos, path, shared):
    """Its bytes; shared, they follow what is written to the file."""
    size = uos.stat(path)[6]
    address = _mmap(0, size, _PROT_READ, _MAP_SHARED if shared else _MAP_PRIVATE, _open(path, 0), 0)
    return uctypes.bytearray_at(address, size)
