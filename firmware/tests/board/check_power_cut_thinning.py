"""The power goes while a full journal is thinned: at each flash operation, half-written.

Every operation in the nightly profile, every seventh otherwise.
"""

import os
import random

from journal_kit import START, Meters, Taker, entries_of, is_named, make_journal
from ram_flash import PowerCutError, RamFlash

from nuan_firmware.thin import day

OFFSET_S = 28800
COUNT = 4
TURNS = 3
STEP = 1 if os.getenv("HYPOTHESIS_PROFILE") == "nightly" else 7


class Scene:
    """A flash just before thinning, to return to: its blocks, the meters, what was promised."""

    def __init__(self, segment_bytes=4096, max_bytes=40960):
        self.sizes = max_bytes, segment_bytes
        self.chip = RamFlash(40)
        self.chip.format()
        self.meters = Meters(11, COUNT)
        self.promised = {}
        self.used = 0
        self.delivered = 0

    def boot(self):
        self.chip.mount()
        self.journal = make_journal(*self.sizes, references=COUNT + 2)
        self.journal.acknowledge(self.delivered)

    def turn(self):
        bodies = {}
        self.meters.time += 2700
        try:
            self.meters.poll(self.journal, bodies)
            self.journal.flush()
        finally:
            self.used = max(self.used, self.journal.seq - 1)
        flushed = self.journal.flushed
        self.promised.update({seq: bodies[seq] for seq in bodies if seq <= flushed})

    def keep(self):
        blocks = [None if block is None else bytes(block) for block in self.chip.blocks]
        telegrams = [bytes(telegram) for telegram in self.meters.telegrams]
        return blocks, telegrams, self.meters.time, dict(self.promised), self.used

    def put_back(self, kept):
        blocks, telegrams, self.meters.time, promised, self.used = kept
        self.chip.blocks = [None if block is None else bytearray(block) for block in blocks]
        self.meters.telegrams = [bytearray(telegram) for telegram in telegrams]
        self.promised = dict(promised)
        random.seed(len(promised))

    def judge(self):
        """What was flushed is there or was thinned, and no boundary of a day was."""
        gaps = []
        found = entries_of(self.journal, gaps=gaps)
        first, last = {}, {}
        for seq in sorted(self.promised):
            time, telegram = self.promised[seq]
            key = (time - START) % 3600, day(time + OFFSET_S)
            first.setdefault(key, seq)
            last[key] = seq
            if seq in found:
                assert found[seq][41:] == telegram, ("changed", seq)
            else:
                assert is_named(seq, gaps), ("lost", seq)
        for ends in (first, last):
            for seq in ends.values():
                assert seq in found, ("a boundary is lost", seq)
        taker = Taker(self.journal)
        self.journal.cursor.seek(1)
        taker.take()
        assert self.journal.delivered == self.journal.flushed
        for seq in self.promised:
            assert seq in taker.entries or is_named(seq, taker.named), ("not told", seq)


def before_thinning(joined):
    """A scene two turns before its thinning; `joined`: with a thinned segment to join."""
    scene = Scene()
    scene.boot()
    kept = [scene.keep()]
    shelf = scene.journal.shelf
    while True:
        days, first = shelf.days, shelf.first(shelf.days)
        scene.turn()
        kept = kept[-2:] + [scene.keep()]  # noqa: RUF005
        changed = shelf.first(shelf.days) != first
        if changed and (shelf.days == days and days > 1 if joined else shelf.days > days):
            scene.chip.unmount()
            return scene, kept[0]


def sweep(joined):
    scene, kept = before_thinning(joined)
    cut_after = thinned = 0
    cut = True
    while cut:
        cut_after += STEP
        scene.put_back(kept)
        scene.chip.cut_after = cut_after
        try:
            scene.boot()
            for _ in range(TURNS):
                scene.turn()
        except (PowerCutError, OSError):
            assert scene.chip.was_cut()
        cut = scene.chip.was_cut()
        scene.chip.unmount()
        scene.boot()
        assert scene.journal.seq > scene.used, "a number is used twice"
        scene.turn()
        thinned += scene.journal.shelf.days > 0
        scene.judge()
        scene.chip.unmount()
    assert cut_after > 40, cut_after
    assert thinned


def test_every_cut_of_a_first_thinning():
    sweep(joined=False)


def test_every_cut_of_a_joining():
    sweep(joined=True)
