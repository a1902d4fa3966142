"""A journal on a RAM flash, exchanges to fill it, and an independent reading of what it holds."""

import random
from hashlib import sha256

from ram_flash import MOUNT

from nuan_firmware.clock import Clock
from nuan_firmware.journal import Journal
from nuan_protocols.uplink.batch import BatchBuilder
from nuan_protocols.uplink.batch_reader import parse_batch
from nuan_protocols.uplink.entry import genesis
from nuan_protocols.uplink.keys import NodeKeys

NODE = b"nuan\x00\x00\x00\x01"
KEY = bytes(range(32))
KEYS = NodeKeys(KEY)
START = 1762000000
NONCE = b"a nonce."
QUESTION = b"\x10\x5b\x01\x5c\x16"


def make_journal(max_bytes=880000, segment_bytes=8192, epoch=b"epoch-01", references=20):
    return Journal(
        MOUNT + "/journal",
        KEYS,
        NODE,
        Clock(START, lambda _: None),
        lambda: epoch,
        segment_bytes,
        max_bytes,
        references,
        references * 110,
    )


class Meters:
    """`count` meters whose telegrams change from read to read as heat meters' do."""

    def __init__(self, seed, count=9, telegram_bytes=95):
        random.seed(seed)
        self.telegrams = [
            bytearray(random.getrandbits(8) for _ in range(telegram_bytes)) for _ in range(count)
        ]
        self.time = START

    def poll(self, journal, bodies=None):
        """Journal one turn of all meters; remember each entry's body under its number."""
        self.time += 900
        for slot, telegram in enumerate(self.telegrams):
            for place in (15, 19, 20, 26, 32, 36, 37, 42, 43, 47, 48, 93):
                telegram[place] = random.getrandbits(8)
            seq = journal.seq
            journal.exchange(self.time + slot, 2, 0, slot + 1, 0, 7, 0, 1, QUESTION, telegram)
            if bodies is not None:
                bodies[seq] = (self.time + slot, bytes(telegram))


def entries_of(journal, first=0, gaps=None):
    """{number: canonical bytes} of all flushed entries, chain and numbers checked on the way.

    What thinning has left out is added to `gaps` as (first, last); None: nothing may be missing.
    """
    cursor = journal.cursor
    cursor.seek(first or journal.oldest())
    found = {}
    chain = genesis(NODE, journal.epoch)
    entry = cursor.entry()
    if entry is not None and cursor.seq > 1:
        chain = cursor.chain
    while entry is not None:
        if cursor.lost is not None and gaps is not None:
            assert cursor.lost[1] == cursor.seq - 1, (cursor.lost[:2], cursor.seq)
            gaps.append(cursor.lost[:2])
            chain = cursor.lost[2]
            cursor.lost = None
        assert cursor.chain == chain, ("chain", cursor.seq)
        entry = bytes(entry)
        assert int.from_bytes(entry[18:22], "big") == cursor.seq
        chain = next_chain(chain, entry, journal.epoch)
        found[cursor.seq] = entry
        cursor.advance()
        entry = cursor.entry()
    assert cursor.lost is None
    return found


class Taker:
    """Takes a journal's batches as a gateway does: what is there, what is named, and no more."""

    def __init__(self, journal):
        self.entries = {}
        self.named = []
        self.chains = {0: genesis(NODE, journal.epoch)}
        self.count = 0
        self.at = journal.delivered
        self.attach(journal)

    def attach(self, journal):
        """Take from the journal after its reboot."""
        self.journal = journal
        self.builder = BatchBuilder(bytearray(2048), KEYS, NODE, journal.epoch)

    def take(self, batches=1 << 30):
        """Take so many batches, as far as there are; the journal is told what is complete."""
        while batches and self.journal.next_batch(self.builder, NONCE):
            batches -= 1
            self._batch(parse_batch(bytes(self.builder.finish()), KEYS))
            self.journal.acknowledge(self.cumulative())

    def cumulative(self):
        """Every number up to it is there or named."""
        at = self.at
        moved = True
        while moved:
            moved = False
            while at + 1 in self.entries:
                at += 1
                moved = True
            for first, last in self.named:
                if first <= at + 1 <= last:
                    at = last
                    moved = True
        self.at = at
        return at

    def _batch(self, batch):
        self.count += 1
        for entry in batch.entries:
            seq, raw = entry.seq, entry.canonical
            assert self.entries.get(seq, raw) == raw, ("two entries", seq)
            self.entries[seq] = raw
            if raw[1] == 4:
                first, last = int.from_bytes(raw[27:31], "big"), int.from_bytes(raw[31:35], "big")
                assert last < seq
                if (first, last) not in self.named:
                    self.named.append((first, last))
                self._know(last, raw[36:])
            self._know(seq, entry.chain)
        self._know(batch.entries[0].seq - 1, batch.chain_before)

    def _know(self, seq, chain):
        assert self.chains.get(seq, chain) == chain, ("chain", seq)
        self.chains[seq] = chain


def next_chain(chain, entry, epoch):
    """The chain value after an entry, written down a second time from docs/wire.md."""
    salt = sha256(K_SALT + epoch + entry[18:22]).digest()[:16]
    digest = sha256(b"E" + salt + entry).digest()
    return sha256(b"C" + chain + digest).digest()


def hmac(key, message):
    padded = key + bytes(64 - len(key))
    inner = sha256(bytes(b ^ 0x36 for b in padded) + message).digest()
    return sha256(bytes(b ^ 0x5C for b in padded) + inner).digest()


def named_by_tombstones(entries):
    """[(first, last)] of the numbers that tombstones among the entries account for, in order."""
    named = []
    for seq in sorted(entries):
        entry = entries[seq]
        if entry[1] == 4:
            first = int.from_bytes(entry[27:31], "big")
            named.append((first, int.from_bytes(entry[31:35], "big")))
    return named


def is_named(seq, named):
    """Whether a tombstone accounts for the number."""
    return any(first <= seq <= last for first, last in named)


K_SALT = hmac(KEY, b"nuan salt 1")
