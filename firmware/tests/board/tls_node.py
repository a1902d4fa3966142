"""A node's uplink as a program: real TLS to a real gateway, its chip's store and clock in our hand.

The environment gives NUAN_TLS_NODE, JSON: port, host, blobs {name: hex}, clock (UTC seconds the
chip's clock is set to, 0 for the machine's), unset (whether the node's clock was never set), built,
true (the time that the gateway's stands for, 0 for itself), turns (of nine meters), until
("delivered", or "refused" after `failures`), seconds, pace (of the uptime), rotate (documents for
other authorities) and modulus (of the update key). "ready" is printed at the first greeting, and at
the end what became of it.

mbedTLS asks the C library for the time, so the chip's clock is put there.
"""

import asyncio
import gc
import json
import os
import struct
import time

import edge_in_memory
import ffi
import uctypes
from config_kit import make_config
from journal_kit import Meters, make_journal
from ram_flash import RamFlash

from nuan_firmware import authority
from nuan_firmware.connection import Connection
from nuan_firmware.links import Links
from nuan_firmware.trust import Trust
from nuan_firmware.uplink import Uplink

_libc = ffi.open("libc.so.6")
_address = _libc.func("p", "dlsym", "ps")(0, "time")
# PROT_READ | PROT_WRITE | PROT_EXEC.
_libc.func("i", "mprotect", "pii")(_address & ~0xFFF, 8192, 7)
_code = uctypes.bytearray_at(_address, 6)


class Clock:
    """The node's clock: never set until the gateway tells the time."""

    def __init__(self, unset):
        self._begun = time.ticks_ms()
        self.unset = unset
        self.told = []

    def uptime(self):
        return time.ticks_diff(time.ticks_ms(), self._begun) * wanted["pace"] // 1000

    def quality(self):
        return 0 if self.unset else 2 if self.told else 1

    def now(self):
        return wanted["clock"] + self.uptime()


def set_utc(seconds):
    """Stop the machine's clock for this program at `seconds`: mov eax, seconds; ret."""
    chip.sets.append(seconds)
    _code[:] = b"\xb8" + struct.pack("<I", seconds) + b"\xc3"


chip = edge_in_memory.Hal
chip.sets = []
chip.set_utc = chip.assume_utc = staticmethod(set_utc)
chip.utc_s = staticmethod(lambda: 1000)


async def run(wanted):
    clock = Clock(wanted["unset"])
    journal = make_journal()
    config = make_config(host=wanted["host"], port=wanted["port"], tls=True, ack_timeout_s=5)
    notes = []
    gc.collect()
    before = gc.mem_alloc()
    trust = Trust(clock, wanted["built"])
    gc.collect()
    trust_bytes = gc.mem_alloc() - before
    connection = Connection(
        config, "", Links((), clock, notes.append), clock, os.urandom, trust, notes.append
    )
    connection.backoff_ms = lambda: 50
    failures = []
    failed = connection.failed

    def fail(problem):
        failures.append(repr(problem))
        failed(problem)

    connection.failed = fail

    def take_time(utc_s):
        clock.told.append((utc_s, connection.is_provisional))
        clock.unset = False
        set_utc(wanted["true"] or utc_s)

    uplink = Uplink(config, "1.0", connection, journal, journal._keys, clock, os.urandom, take_time)
    gc.collect()
    before = gc.mem_alloc()
    task = asyncio.create_task(uplink.run())
    meters = Meters(1)
    end = time.ticks_add(time.ticks_ms(), wanted["seconds"] * 1000)
    turns, heap = wanted["turns"], 0
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        await asyncio.sleep_ms(20)
        uplink.check()
        if uplink.turns and not heap:
            gc.collect()
            heap = gc.mem_alloc() - before
            print("ready")
        if uplink.turns and turns:
            turns -= 1
            meters.poll(journal)
            journal.flush()
            uplink.kick()
        done = journal.flushed and journal.delivered == journal.flushed and not turns
        if wanted["until"] == "delivered" and done:
            break
        if wanted["until"] == "refused" and len(failures) >= wanted["failures"]:
            break
    task.cancel()
    return {
        "fault": connection.fault,
        "notes": notes,
        "delivered": journal.delivered,
        "flushed": journal.flushed,
        "turns": uplink.turns,
        "refusals": refusals,
        "told": clock.told,
        "sets": chip.sets,
        "trust_bytes": trust_bytes,
        "heap": heap,
        "ms": wanted["seconds"] * 1000 - time.ticks_diff(end, time.ticks_ms()),
    }


wanted = {
    "host": "127.0.0.1",
    "blobs": {},
    "clock": 0,
    "true": 0,
    "unset": False,
    "built": 1793491200,
    "turns": 3,
    "until": "delivered",
    "failures": 2,
    "seconds": 20,
    "pace": 1,
    "rotate": [],
    "modulus": "",
}
wanted.update(json.loads(os.getenv("NUAN_TLS_NODE")))
chip.blob = staticmethod(lambda name: bytes.fromhex(wanted["blobs"].get(name, "")))
chip.set_blob = staticmethod(lambda name, value: wanted["blobs"].update({name: value.hex()}))
refusals = []
for document in wanted["rotate"]:
    try:
        authority.change(bytes.fromhex(document), (b"", bytes.fromhex(wanted["modulus"])))
    except ValueError as problem:
        refusals.append(str(problem))
if wanted["clock"]:
    set_utc(wanted["clock"])
flash = RamFlash(240)
flash.format()
flash.mount()
print(json.dumps(asyncio.run(run(wanted))))
