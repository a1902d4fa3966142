"""Runs on the genuine MicroPython: one journal on a real littlefs, its erases counted by block.

Arguments: what (journal, season, ring), meters, bytes of a telegram, KB of a segment, KB of the
journal, blocks of the flash, turns, seconds from turn to turn, whether a gateway acknowledges, and
a file of telegrams or "-". Prints one line of JSON.
"""

import json
import os
import random
import sys

from journal_kit import KEYS, MOUNT, NODE, QUESTION, START
from ram_flash import RamFlash

from nuan_firmware.clock import Clock
from nuan_firmware.journal import Journal
from nuan_firmware.references import ARENA_BYTES_MAX

# As the node reckons; from a later boot on there is room for what the meters really said.
TELEGRAM_BYTES = 112
SECOND_BOOT = 40
CHANGED = (15, 19, 20, 26, 32, 36, 37, 42, 43, 47, 48, 93)


class Telegrams:
    """What the meters say: a file's telegrams in turn, or bytes of which twelve change."""

    def __init__(self, count, size, path):
        self.count = count
        self.file = None if path == "-" else open(path, "rb")  # noqa: SIM115
        random.seed(1)
        length = size if self.file is None else self.file.read(1)[0]
        self.now = [bytearray(random.getrandbits(8) for _ in range(length)) for _ in range(count)]

    def turn(self):
        for telegram in self.now:
            if self.file is not None:
                self.file.readinto(telegram)
            else:
                for place in CHANGED:
                    telegram[place] = random.getrandbits(8)
        return self.now


def main(what, meters, size, segment, room, blocks, turns, every_s, acknowledged, path):
    chip = RamFlash(blocks)
    chip.format()
    chip.mount()
    run = ring if what == "ring" else journal
    told = run(
        chip,
        Telegrams(meters, size, path),
        segment * 1024,
        room * 1024,
        turns,
        every_s,
        acknowledged,
        what == "season",
    )
    told["blocks"] = blocks
    print(json.dumps(told))


def journal(chip, telegrams, segment, room, turns, every_s, acknowledged, until_months):
    made = opened(telegrams.count, segment, room)
    time = START - START % 3600
    full_days = thin_days = full_bytes = 0
    before = list(chip.erases)
    for turn in range(turns):
        time += every_s
        if turn == SECOND_BOOT:
            made = opened(telegrams.count, segment, room)
        for slot, telegram in enumerate(telegrams.turn()):
            made.exchange(time + slot, 2, 0, slot + 1, 0, 7, 0, 1, QUESTION, telegram)
        made.flush()
        if acknowledged:
            made.acknowledge(made.flushed)
        shelf = made.shelf
        if not full_bytes and shelf.count >= shelf.count_max - 1:
            full_bytes, full_entries = held(made), made.flushed
        if not full_days and (shelf.days or made.oldest() > 1):
            full_days = turn * every_s / 86400
        if not thin_days and (shelf.months or made.oldest() > 1):
            thin_days = turn * every_s / 86400
            if until_months:
                break
    erases = [after - first for after, first in zip(chip.erases, before)]
    if not full_bytes:
        full_bytes, full_entries = held(made), made.flushed
    return {
        "entries": made.flushed,
        "erases": sum(erases),
        "most_erases": max(erases),
        "bytes_an_entry": full_bytes / full_entries,
        "full_days": full_days,
        "thin_days": thin_days,
        "segments": made.shelf.count,
    }


def opened(count, segment, room):
    """The journal as the node opens it for so many M-Bus meters."""
    return Journal(
        MOUNT + "/journal",
        KEYS,
        NODE,
        Clock(START, lambda _: None),
        lambda: b"epoch-01",
        segment,
        room,
        count + 2,
        min(ARENA_BYTES_MAX, (count + 2) * TELEGRAM_BYTES),
    )


def held(made):
    names = os.listdir(made.shelf.root)
    return sum([os.stat(made.shelf.root + "/" + name)[6] for name in names])


def ring(chip, telegrams, segment, room, turns, every_s, acknowledged, until_months):
    """The peer: records of fixed size, overwritten in place in a file of 32 KB."""
    size = len(telegrams.now[0]) + 8
    path = MOUNT + "/ring"
    with open(path, "wb") as file:
        file.write(bytes(32768))
    before = list(chip.erases)
    entries = at = 0
    with open(path, "r+b") as file:
        for _ in range(turns):
            for telegram in telegrams.turn():
                if at + size > 32768:
                    at = 0
                file.seek(at)
                file.write(telegram)
                file.write(entries.to_bytes(8, "big"))
                file.flush()
                at += size
                entries += 1
    erases = [after - first for after, first in zip(chip.erases, before)]
    return {"entries": entries, "erases": sum(erases), "most_erases": max(erases)}


arguments = [int(text) if text.isdigit() else text for text in sys.argv[1:]]
main(*arguments)
