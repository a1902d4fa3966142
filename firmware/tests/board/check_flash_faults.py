"""Flash that refuses: full because of others, or failing for a while. Nothing flushed is lost."""

import os

from journal_kit import MOUNT, Meters, Taker, entries_of, make_journal
from ram_flash import RamFlash

from nuan_protocols.uplink.body import EVENT_FAULT


def flash(test, blocks=64):
    chip = RamFlash(blocks)
    chip.format()
    chip.mount()
    try:
        test(chip)
    finally:
        chip.unmount()


def fail(chip):
    """From now on nothing reaches the flash; the returned function mends it."""
    power = chip._power
    power.on = False

    def mend():
        power.on = True

    return mend


def fill_up(name, leave_bytes=0):
    """Somebody else takes what is free."""
    piece = bytes(512)
    with open(MOUNT + "/" + name, "wb") as file:
        try:
            while True:
                stat = os.statvfs(MOUNT)
                if stat[0] * stat[3] <= leave_bytes:
                    return
                file.write(piece)
                file.flush()
        except OSError:
            return


def faults(found):
    return [bytes(e[28:]).decode() for e in found.values() if e[1] == 2 and e[27] == EVENT_FAULT]


def test_a_flush_that_fails_is_done_again_and_told():
    def run(chip):
        journal = make_journal()
        meters, bodies = Meters(1, count=5), {}
        meters.poll(journal, bodies)
        assert journal.flush()
        mend = fail(chip)
        meters.poll(journal, bodies)
        assert not journal.flush()
        assert journal.flushed == 5
        meters.poll(journal, bodies)
        assert not journal.flush()
        mend()
        meters.poll(journal, bodies)
        assert journal.flush()
        journal.flush()
        found = entries_of(journal)
        for seq, (_, telegram) in bodies.items():
            if seq in found and found[seq][1] == 1:
                assert found[seq][41:] == telegram
        assert len(faults(found)) == 1
        assert "failures of flash" in faults(found)[0]
        assert sorted(found) == list(range(1, journal.flushed + 1))
        # Ten entries waited in memory; none of them was lost.
        assert len([seq for seq in found if found[seq][1] == 1]) == 20

    flash(run)


def test_a_cycle_whose_file_fails_is_named_and_the_next_one_kept():
    def run(chip):
        journal = make_journal()
        meters, bodies = Meters(5, count=20, telegram_bytes=130), {}
        meters.poll(journal, bodies)
        assert journal.flush()
        assert journal.flushed == 20
        # Whole telegrams fill several blocks: those before the fault wait in the open file.
        meters = Meters(6, count=20, telegram_bytes=140)
        meters.poll(journal)
        mend = fail(chip)
        assert not journal.flush()
        assert (journal.flushed, journal.seq) == (20, 41)
        mend()
        meters.poll(journal, bodies)
        assert journal.flush()
        journal.flush()
        gaps = []
        found = entries_of(journal, gaps=gaps)
        assert gaps == [(21, 40)]
        for seq, (_, telegram) in bodies.items():
            assert found[seq][41:] == telegram
        (text,) = faults(found)
        assert " 20 entries not kept" in text
        taker = Taker(journal)
        journal.rewind(1)
        taker.take()
        assert taker.named == gaps
        assert journal.delivered == journal.flushed
        again = make_journal(epoch=b"never---")
        assert again.flushed == journal.flushed

    flash(run)


def test_a_first_segment_that_fails_leaves_nothing_behind():
    def run(chip):
        journal = make_journal()
        meters = Meters(7, count=20, telegram_bytes=200)
        meters.poll(journal)
        mend = fail(chip)
        assert not journal.flush()
        mend()
        meters.poll(journal)
        assert journal.flush()
        assert sorted(entries_of(journal, gaps=[])) == list(range(21, 41))

    flash(run)


def test_what_memory_cannot_hold_gets_no_number():
    def run(chip):
        journal = make_journal()
        meters = Meters(2)
        meters.poll(journal)
        journal.flush()
        mend = fail(chip)
        for _ in range(20):
            meters.poll(journal)
            journal.flush()
        mend()
        journal.flush()
        meters.poll(journal)
        journal.flush()
        found = entries_of(journal)
        assert sorted(found) == list(range(1, journal.flushed + 1))
        (text,) = faults(found)
        assert " 0 entries not kept" not in text
        again = make_journal(epoch=b"never---")
        assert again.flushed == journal.flushed

    flash(run)


def test_a_flash_that_others_have_filled_takes_the_newest_and_names_the_oldest():
    def run(_):
        journal = make_journal(max_bytes=131072, segment_bytes=4096)
        meters = Meters(3)
        for _ in range(150):
            meters.poll(journal)
            journal.flush()
        fill_up("others")
        bodies = {}
        for _ in range(60):
            meters.poll(journal, bodies)
            journal.flush()
        assert journal.flushed >= max(bodies)
        found = entries_of(journal, gaps=[])
        assert max(bodies) in found
        taker = Taker(journal)
        journal.rewind(1)
        taker.take()
        journal.flush()
        taker.take()
        assert journal.delivered == journal.flushed

    flash(run)


def test_the_journal_leaves_room_for_a_configuration():
    def run(_):
        fill_up("others", 90000)
        journal = make_journal(max_bytes=180000, segment_bytes=4096)
        meters = Meters(4)
        for _ in range(250):
            meters.poll(journal)
            journal.flush()
        with open(MOUNT + "/config.trial", "wb") as file:
            file.write(bytes(32768))
        assert os.stat(MOUNT + "/config.trial")[6] == 32768
        meters.poll(journal)
        assert journal.flush()

    flash(run)
