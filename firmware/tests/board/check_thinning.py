"""A full journal: day and month boundaries stay, the rest is named by tombstones."""

from journal_kit import Meters, Taker, entries_of, make_journal
from ram_flash import RamFlash

from nuan_firmware.thin import day, month

OFFSET_S = 28800


class Hourly(Meters):
    """Meters that are polled once an hour."""

    def poll(self, journal, bodies=None):
        self.time += 2700
        Meters.poll(self, journal, bodies)


def flash(test, blocks=64):
    chip = RamFlash(blocks)
    chip.format()
    chip.mount()
    try:
        test(chip)
    finally:
        chip.unmount()


def boundaries(bodies, count, period_of):
    """Numbers of the first and the last reading of each meter and period."""
    found = {}
    for seq in sorted(bodies):
        key = (seq - 1) % count, period_of(bodies[seq][0] + OFFSET_S)
        first, _ = found.get(key, (seq, seq))
        found[key] = first, seq
    return {seq for pair in found.values() for seq in pair}


def fill(journal, meters, bodies, turns):
    for _ in range(turns):
        meters.poll(journal, bodies)
        journal.flush()


def test_days_stay_whole_when_the_flash_is_full():
    def run(_):
        journal = make_journal(max_bytes=98304, segment_bytes=8192, references=10)
        meters, bodies = Hourly(5, count=8), {}
        fill(journal, meters, bodies, 24 * 40)
        assert journal.shelf.days > 1
        assert journal.oldest() == 1
        gaps = []
        found = entries_of(journal, gaps=gaps)
        assert boundaries(bodies, 8, day) <= set(found)
        assert all(found[seq][41:] == bodies[seq][1] for seq in found)
        missing = {seq for first, last in gaps for seq in range(first, last + 1)}
        assert missing | set(found) == set(range(1, journal.flushed + 1))
        assert not missing & set(found)
        # One gap a day: what lies between the first turn and the last.
        assert len(gaps) <= 42
        journal.cursor.seek(1)
        taker = Taker(journal)
        taker.take()
        assert journal.delivered == journal.flushed
        assert taker.named == gaps

    flash(run)


def test_months_stay_when_days_fill_the_flash_and_then_the_oldest_go():
    def run(_):
        journal = make_journal(max_bytes=49152, segment_bytes=4096, references=10)
        meters, bodies = Hourly(6, count=4), {}
        fill(journal, meters, bodies, 24 * 120)
        shelf = journal.shelf
        assert shelf.months > 0
        assert journal.oldest() == 1
        found = entries_of(journal, gaps=[])
        assert boundaries(bodies, 4, month) <= set(found)
        recent = {seq: bodies[seq] for seq in bodies if seq >= shelf.first(shelf.months)}
        assert boundaries(recent, 4, day) <= set(found)
        taker = Taker(journal)
        journal.cursor.seek(1)
        taker.take()
        assert journal.delivered == journal.flushed

    flash(run)


def test_the_month_of_a_day():
    # 1970-01-01, 2000-02-29, 2000-03-01, 2026-11-30, 2026-12-01 and the leap day before.
    months = [month(86400 * days) for days in (0, 11016, 11017, 20787, 20788)]
    assert [at - months[0] for at in months] == [0, 361, 362, 682, 683]


def test_thinning_goes_on_after_a_reboot_and_while_sending():
    def run(_):
        meters, bodies = Hourly(8, count=6), {}
        taker = None
        for _ in range(20):
            journal = make_journal(max_bytes=49152, segment_bytes=4096, references=10)
            taker = taker or Taker(journal)
            taker.attach(journal)
            journal.acknowledge(taker.cumulative())
            journal.rewind(journal.delivered + 1)
            fill(journal, meters, bodies, 40)
            taker.take(3)
            fill(journal, meters, bodies, 20)
        journal.flush()
        taker.take()
        assert journal.delivered == journal.flushed
        for seq in bodies:
            named = any(first <= seq <= last for first, last in taker.named)
            assert seq in taker.entries or named, seq
        assert all(
            taker.entries[seq][41:] == bodies[seq][1] for seq in bodies if seq in taker.entries
        )

    flash(run)


def test_delivered_entries_go_before_any_is_thinned():
    def run(_):
        journal = make_journal(max_bytes=49152, segment_bytes=4096, references=10)
        meters = Hourly(9, count=6)
        taker = Taker(journal)
        for _ in range(600):
            fill(journal, meters, {}, 1)
            taker.take()
        assert journal.shelf.days == 0
        assert not taker.named

    flash(run)
