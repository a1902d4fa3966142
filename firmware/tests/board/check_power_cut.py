import os
import random

from journal_kit import Meters, entries_of, is_named, make_journal, named_by_tombstones
from ram_flash import PowerCutError, RamFlash

from nuan_protocols.uplink.body import EVENT_BOOT

SMALL = 16384
NIGHTLY = os.getenv("HYPOTHESIS_PROFILE") == "nightly"
DAY_TURNS = 96


class Life:
    """A journal over many power cuts, and what it has promised so far."""

    def __init__(self, seed, blocks):
        self.chip = RamFlash(blocks)
        self.chip.format()
        self.meters = Meters(seed)
        self.promised = {}
        self.used = 0
        self.delivered = 0
        self.journal = None

    def boot(self):
        self.chip.mount()
        self.journal = make_journal(SMALL, 4096)
        self.journal.acknowledge(self.delivered)
        self.journal.event(EVENT_BOOT, "boot")

    def turn(self):
        """One poll cycle and its flush; what flush() has confirmed is promised."""
        bodies = {}
        try:
            self.meters.poll(self.journal, bodies)
            self.journal.flush()
        finally:
            self.used = max(self.used, self.journal.seq - 1)
        flushed = self.journal.flushed
        self.promised.update({seq: bodies[seq] for seq in bodies if seq <= flushed})

    def die(self):
        self.chip.unmount()

    def judge(self):
        """Everything promised is there or named, nothing is there twice, no number is reused."""
        journal = self.journal
        gaps = []
        found = entries_of(journal, gaps=gaps)
        first = min(found) if found else 1
        named = named_by_tombstones(found)
        for seq, (time, telegram) in self.promised.items():
            if seq >= first and seq not in found:
                assert is_named(seq, gaps), ("lost", seq)
            elif seq >= first:
                assert found[seq][22:26] == time.to_bytes(4, "big")
                assert found[seq][41:] == telegram, ("changed", seq)
            elif seq > self.delivered:
                assert is_named(seq, named), ("neither there nor named", seq)
        following = first
        for seq in sorted(found):
            if seq != following:
                missing = following, seq - 1
                assert missing in named or missing in gaps, ("missing and not named", missing)
            following = seq + 1


def live(life, cut_after, turns):
    """Boot, live until the power goes (or all turns are done), and check after the next boot."""
    life.chip.cut_after = cut_after
    try:
        life.boot()
        for _ in range(turns):
            life.turn()
    except (PowerCutError, OSError):
        # A file that is closed on the way out finds no power: OSError.
        assert life.chip.was_cut()
    cut = life.chip.was_cut()
    life.die()
    life.boot()
    assert life.journal.seq > life.used, "a number is used twice"
    life.turn()
    life.judge()
    life.die()
    return cut


def test_every_cut_of_a_short_life():
    cut_after = 1
    while True:
        life = Life(1, 32)
        if not live(life, cut_after, 12):
            break
        cut_after += 1
    assert cut_after > 150


def test_cuts_of_a_day():
    """Every one of them in the nightly profile, 30 otherwise."""
    life = Life(3, 32)
    life.boot()
    before = life.chip.operations()
    for _ in range(DAY_TURNS):
        life.turn()
    count = life.chip.operations() - before
    life.die()
    for cut_after in range(1, count, 1 if NIGHTLY else count // 30):
        life = Life(3, 32)
        assert live(life, cut_after, DAY_TURNS)


def test_three_hundred_seeded_cuts_of_one_life():
    random.seed(20251101)
    life = Life(1, 32)
    for _ in range(300):
        live(life, random.randrange(1, 60), 6)
        if random.randrange(3) == 0:
            # The gateway has taken a part of what is flushed.
            life.delivered = random.randrange(life.delivered, life.journal.flushed + 1)
        for seq in [seq for seq in life.promised if seq < life.journal.oldest()]:
            del life.promised[seq]
    assert life.journal.oldest() > 1


def test_the_chain_is_the_same_whether_written_or_read():
    life = Life(7, 32)
    life.boot()
    for _ in range(10):
        life.turn()
    cursor = life.journal.cursor
    cursor.seek(1)
    while cursor.entry() is not None:
        cursor.advance()
    assert cursor.chain == life.journal.chain
    life.die()
