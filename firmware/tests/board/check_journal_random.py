"""Seeded lives of a journal against a simple model: every entry arrives once, or is named.

In every life meters of all lengths, events and decisions are journaled and flushed, the gateway
takes a part, forgets everything, or stays away; the node restarts, and its flash fills up.
"""

import os
import random

from journal_kit import QUESTION, START, Taker, make_journal
from ram_flash import RamFlash

SEEDS = range(250 if os.getenv("HYPOTHESIS_PROFILE") == "nightly" else 12)
STEPS = 120


class Model:
    """What was journaled, by number, and which of it flush() has confirmed."""

    def __init__(self, seed):
        random.seed(seed)
        self.sizes = random.choice(((24576, 4096), (49152, 4096), (65536, 8192)))
        self.chip = RamFlash(48)
        self.chip.format()
        self.chip.mount()
        count = random.randrange(1, 12)
        self.last = [self.telegram(random.randrange(0, 262)) for _ in range(count)]
        self.waiting = {}
        self.flushed = {}
        self.time = START
        self.used = 0
        self.taker = None
        self.boot()

    @staticmethod
    def telegram(length):
        return bytearray(random.getrandbits(8) for _ in range(length))

    def boot(self):
        self.waiting.clear()
        self.journal = make_journal(*self.sizes, references=random.randrange(2, 20))
        assert self.journal.seq > self.used, "a number is used twice"
        if self.taker is None:
            self.taker = Taker(self.journal)
        else:
            self.taker.attach(self.journal)
            self.journal.acknowledge(self.taker.cumulative())
        self.journal.rewind(self.journal.delivered + 1)

    def exchange(self):
        slot = random.randrange(len(self.last))
        telegram = self.last[slot]
        if random.randrange(30) == 0:
            telegram = self.last[slot] = self.telegram(random.randrange(0, 262))
        for _ in range(random.randrange(12) if telegram else 0):
            telegram[random.randrange(len(telegram))] = random.getrandbits(8)
        result = 0 if random.randrange(10) else random.randrange(1, 4)
        clock = random.randrange(12)
        before = self.journal.seq
        self.journal.exchange(self.time, clock, 0, slot + 1, 0, 7, result, 1, QUESTION, telegram)
        if self.journal.seq > before:
            head = self.time.to_bytes(4, "big") + bytes((clock,))
            body = bytes((0, 0, slot + 1, 0, 7, result, 1, 0, len(QUESTION))) + QUESTION
            self.waiting[before] = head + body + bytes(telegram)

    def step(self):
        choice = random.randrange(100)
        if choice < 70:
            self.time += random.choice((900, 900, 3600, 7200, -5000))
            for _ in range(random.randrange(1, 30)):
                self.exchange()
            self.flush()
        elif choice < 76:
            self.journal.event(random.randrange(1, 6), "x" * random.randrange(60))
        elif choice < 80:
            self.journal.control(1, 200, 200, None, 50, random.randrange(1, 5), 3)
        elif choice < 90:
            self.taker.take(random.randrange(1, 12))
        elif choice < 93:
            self.journal.rewind(random.randrange(1, self.journal.flushed + 2))
        elif choice < 95:
            # A gateway that was restored knows nothing.
            self.journal.acknowledge(0)
            self.journal.rewind(1)
            self.taker = Taker(self.journal)
        else:
            self.used = self.journal.seq - 1
            self.boot()

    def flush(self):
        self.journal.flush()
        self.used = max(self.used, self.journal.seq - 1)
        self.flushed.update(self.waiting)
        self.waiting.clear()

    def judge(self):
        self.flush()
        self.journal.rewind(self.journal.delivered + 1)
        for _ in range(3):
            self.taker.take()
            self.flush()
        assert self.journal.delivered == self.journal.flushed
        entries, named = self.taker.entries, sorted(self.taker.named)
        for seq in self.flushed:
            if seq in entries:
                assert entries[seq][22:] == self.flushed[seq], ("changed", seq)
            else:
                assert any(first <= seq <= last for first, last in named), ("missing", seq)


def test_every_entry_arrives_once_or_is_named():
    thinned = 0
    for seed in SEEDS:
        print("seed", seed)
        model = Model(seed)
        try:
            for _ in range(STEPS):
                model.step()
                thinned += model.journal.shelf.days > 0
            model.judge()
        finally:
            model.chip.unmount()
    assert thinned
