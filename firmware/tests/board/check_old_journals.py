"""Flash contents of earlier versions, frozen: they are read, continued and sent after an update.

Each folder of old_journals holds a journal as a version wrote it, its last segment torn, and what
is to be read from it.
"""

import json
import os
import sys
from hashlib import sha256

from journal_kit import MOUNT, Meters, entries_of, make_journal, named_by_tombstones
from ram_flash import RamFlash

from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.body import EVENT_BOOT

FORMATS = ("nuj1",)
NONCE = b"a nonce."


def folder(name):
    for root in sys.path:
        try:
            os.stat(root + "/old_journals/" + name)
        except OSError:
            continue
        return root + "/old_journals/" + name
    raise AssertionError("no folder old_journals/" + name)


def on_old_flash(name, test):
    """Run a test on a flash that holds the frozen journal; it is told what to expect."""
    chip = RamFlash(64)
    chip.format()
    chip.mount()
    try:
        os.mkdir(MOUNT + "/journal")
        source = folder(name)
        for file in os.listdir(source):
            if file != "expected.json":
                with open(source + "/" + file, "rb") as old:
                    data = old.read()
                with open(MOUNT + "/journal/" + file, "wb") as new:
                    new.write(data)
        with open(source + "/expected.json") as file:
            test(json.load(file))
    finally:
        chip.unmount()


def test_old_journals_are_read_byte_for_byte_and_continued():
    def run(expected):
        journal = make_journal(40960, 4096, epoch=b"never---", references=10)
        assert journal.epoch.hex() == expected["epoch"]
        assert journal.delivered == expected["delivered"]
        assert journal.flushed == expected["last"]
        assert journal.seq == expected["reserved"] + 2
        assert journal.torn_bytes > 0
        found = entries_of(journal)
        assert len(found) == expected["count"]
        seen = sha256(b"")
        for seq in sorted(found):
            seen.update(found[seq])
        assert seen.digest().hex() == expected["entries_sha256"]
        meters, bodies = Meters(77, count=6), {}
        for _ in range(8):
            meters.poll(journal, bodies)
            journal.flush()
        found = entries_of(journal)
        assert all(found[seq][41:] == telegram for seq, (_, telegram) in bodies.items())
        last, reserved = expected["last"], expected["reserved"]
        assert (last + 1, reserved) in named_by_tombstones(found)

    for name in FORMATS:
        on_old_flash(name, run)


def test_old_journals_are_sent_from_where_the_gateway_is():
    def run(expected):
        journal = make_journal(40960, 4096, references=10)
        journal.event(EVENT_BOOT, "updated")
        journal.flush()
        journal.rewind(expected["delivered"] + 1)
        builder = BatchBuilder(bytearray(2048), journal._keys, journal.shelf.node, journal.epoch)
        entry, sent = journal.cursor.entry(), 0
        while entry is not None:
            builder.begin(NONCE, journal.cursor.seq, journal.cursor.chain)
            assert builder.add(entry)
            assert len(builder.finish()) > 100
            sent += 1
            journal.cursor.advance()
            entry = journal.cursor.entry()
        # The tombstone and the event of this boot come on top.
        assert sent == expected["count"] - expected["delivered"] + 2
        assert journal.cursor.chain == journal.chain

    for name in FORMATS:
        on_old_flash(name, run)


def test_old_journals_fill_up_and_make_room():
    def run(_):
        journal = make_journal(40960, 4096, references=10)
        meters = Meters(77, count=6)
        for _ in range(200):
            meters.poll(journal)
            journal.flush()
            journal.acknowledge(journal.flushed)
        assert journal.oldest() > 768
        assert not journal.cursor.lost

    for name in FORMATS:
        on_old_flash(name, run)
