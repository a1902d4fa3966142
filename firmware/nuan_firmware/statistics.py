"""How the node fares, once a day as an event of code 12; docs/wire.md tells its words."""

import gc
from typing import TYPE_CHECKING

from micropython import const

from nuan_firmware.hal import chip
from nuan_firmware.journal import free_bytes
from nuan_protocols.uplink.body import EVENT_STATISTICS, TEXT_BYTES_MAX

if TYPE_CHECKING:
    from nuan_firmware.node import Node

_LEAST_BYTES = const(256)
# Where the heap can grow, a block that doesn't fit makes it: ask for no more than matters.
_LARGEST_BYTES_MAX = const(4096)


def note(node: "Node") -> None:
    """Journal the day's figures."""
    gc.collect()
    journal = node.journal
    words = [
        "alive %d free %d block %d" % (gc.mem_alloc(), gc.mem_free(), largest_block()),
        "flash %d" % free_bytes(journal.shelf.root),
        "up %d resets %d" % (node.clock.uptime(), chip.number("resets", 0)),
        "resent %d" % node.uplink.resends,
    ]
    words += [
        "%s unreadable %d silent %d" % (poller.name, poller.unreadable, poller.unanswered)
        for poller in node.pollers
    ]
    words += [
        "%s restarts %d" % (watch.part.name, watch.restarts)
        for watch in node.supervisor.watches
        if watch.restarts
    ]
    text = ", ".join(words)
    while len(text.encode()) > TEXT_BYTES_MAX:
        words.pop()
        text = ", ".join(words)
    journal.event(EVENT_STATISTICS, text)


def largest_block() -> int:
    """Bytes that can be had in one piece, found by asking; 4096 stands for that and more."""
    size = found = _LEAST_BYTES
    while size <= _LARGEST_BYTES_MAX:
        try:
            bytearray(size)
        except MemoryError:
            break
        found = size
        size += _LEAST_BYTES
    return found if found > _LEAST_BYTES else 0
