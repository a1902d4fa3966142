# ruff: noqa: D102, PLW0603
"""ESP32's non-volatile store; the world keeps it in a file.

A value reaches the flash by itself, in the order in which they were set, at commit(): power that
fails meanwhile leaves the first of them. partitions.py is loaded when it is asked for.
"""

import struct

import lockstep_client as _clock

_NOT_FOUND = -4354

_flash = None


def start(*flash):
    """Where the partitions' files are: a file system of the host, their name, what runs."""
    global _flash
    _flash = flash


def __getattr__(name):
    if name != "Partition":
        raise AttributeError(name)
    import gc

    gc.collect()
    before = gc.mem_alloc()
    import partitions

    partitions.start(*_flash)
    globals()["Partition"] = partitions.Partition
    gc.collect()
    _clock.shim_bytes += gc.mem_alloc() - before
    return partitions.Partition


class NVS:
    """One namespace; values are 32-bit integers and blobs."""

    def __init__(self, namespace):
        self._namespace = namespace
        self._pending = {}
        self._order = []

    def _put(self, key, tagged):
        if key in self._pending:
            self._order.remove(key)
        self._pending[key] = tagged
        self._order.append(key)

    def _name(self, key):
        return (self._namespace + "/" + key).encode()

    def _find(self, key):
        found = self._pending.get(key)
        return _clock.call(9, 0, self._name(key)) if found is None else found

    def _get(self, key, kind):
        found = self._find(key)
        if found[:1] != kind:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return found

    def set_i32(self, key, value):
        self._put(key, b"i" + struct.pack("<i", value))

    def get_i32(self, key):
        return struct.unpack("<i", self._get(key, b"i")[1:])[0]

    def set_blob(self, key, value):
        self._put(key, b"b" + bytes(value))

    def get_blob(self, key, buffer):
        found = self._get(key, b"b")
        size = len(found) - 1
        if size > len(buffer):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[:size] = memoryview(found)[1:]
        return size

    def erase_key(self, key):
        if not self._find(key):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        self._put(key, b"")

    def commit(self):
        for key in self._order:
            if _clock.flash_operation():
                _clock.call(13, 0, b"")
                _clock.power_fails()
            name = self._name(key)
            _clock.put(11, len(name), name + self._pending[key])
        self._pending.clear()
        self._order.clear()
        _clock.call(13, 0, b"")
