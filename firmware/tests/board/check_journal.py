import os

from journal_kit import (
    MOUNT,
    QUESTION,
    START,
    Meters,
    Taker,
    entries_of,
    make_journal,
    named_by_tombstones,
)
from ram_flash import RamFlash

from nuan_firmware.recover import UNFLUSHED_MAX
from nuan_firmware.segment import RESERVE_COUNT
from nuan_protocols.uplink.body import EVENT_BOOT
from nuan_protocols.uplink.entry import genesis


def flash(test, blocks=240):
    """Run a test function on a fresh flash."""
    chip = RamFlash(blocks)
    chip.format()
    chip.mount()
    try:
        test(chip)
    finally:
        chip.unmount()


def test_what_was_journaled_is_read_back_byte_for_byte():
    def run(_):
        journal = make_journal()
        meters = Meters(1)
        bodies = {}
        for _ in range(120):
            meters.poll(journal, bodies)
            journal.flush()
        found = entries_of(journal)
        assert sorted(found) == list(range(1, 120 * 9 + 1))
        for seq, (time, telegram) in bodies.items():
            entry = found[seq]
            assert entry[22:26] == time.to_bytes(4, "big")
            assert entry[27 + 9 + 5 :] == telegram
        assert journal.shelf.count > 3

    flash(run)


def test_every_clock_quality_is_read_back():
    def run(_):
        journal = make_journal()
        for clock in range(16):
            journal.exchange(START + clock, clock, 0, 1, 0, 7, 0, 1, QUESTION, bytes(80))
        journal.flush()
        found = entries_of(journal)
        assert [found[seq][26] for seq in sorted(found)] == list(range(16))

    flash(run)


def test_unflushed_entries_are_not_seen():
    def run(_):
        journal = make_journal()
        Meters(1, count=5).poll(journal)
        assert entries_of(journal) == {}
        assert journal.flushed == 0
        assert journal.flush()
        assert len(entries_of(journal)) == 5
        assert not journal.flush()

    flash(run)


def test_a_cycle_that_fills_many_blocks_closes_its_segment_once():
    def run(chip):
        journal = make_journal(segment_bytes=32768, references=62)
        meters = Meters(1, count=60, telegram_bytes=240)
        meters.poll(journal)
        # Blocks wait in the open file: neither a reader nor a boot sees any of them.
        assert (journal.flushed, entries_of(journal)) == (0, {})
        assert journal.flush()
        assert sorted(entries_of(journal)) == list(range(1, 61))
        size = os.stat(journal.shelf.path(1))[6]
        assert size > 60 * 240
        before, bodies = sum(chip.erases), {}
        meters.poll(journal, bodies)
        assert max(entries_of(journal)) == journal.flushed == 60
        journal.flush()
        found = entries_of(journal)
        assert all(found[seq][41:] == bodies[seq][1] for seq in bodies)
        written = sum(os.stat(journal.shelf.path(1))[6:7]) - size
        assert sum(chip.erases) - before <= written // 4096 + 3

    flash(run)


def test_unflushed_numbers_are_never_more_than_a_lost_mark_skips():
    def run(_):
        journal = make_journal(segment_bytes=32768)
        most = 0
        for _ in range(2000):
            journal.event(EVENT_BOOT, "")
            most = max(most, journal.seq - 1 - journal.flushed)
        assert RESERVE_COUNT < most <= UNFLUSHED_MAX, most

    flash(run)


def test_a_new_journal_starts_with_the_drawn_epoch_and_its_genesis():
    def run(_):
        journal = make_journal(epoch=b"another1")
        assert journal.epoch == b"another1"
        assert journal.chain == genesis(journal.shelf.node, b"another1")
        assert (journal.seq, journal.oldest(), journal.flushed) == (1, 0, 0)

    flash(run)


def test_a_reboot_keeps_the_epoch_and_names_unused_numbers():
    def run(_):
        journal = make_journal()
        meters = Meters(2)
        meters.poll(journal)
        journal.flush()
        meters.poll(journal)
        chain = journal.cursor.chain
        journal = make_journal(epoch=b"never---")
        assert journal.epoch == b"epoch-01"
        assert journal.seq == 258
        assert chain
        journal.event(EVENT_BOOT, "again")
        journal.flush()
        found = entries_of(journal)
        assert sorted(found) == sorted(set(range(1, 10)) | {257, 258})
        assert named_by_tombstones(found) == [(10, 256)]
        assert found[257][35] == 2

    flash(run)


def test_differences_go_on_after_a_reboot_in_the_same_segment():
    def run(_):
        meters = Meters(3)
        bodies = {}
        for _ in range(6):
            journal = make_journal()
            meters.poll(journal, bodies)
            journal.flush()
        found = entries_of(journal)
        for seq, (_, telegram) in bodies.items():
            assert found[seq][41:] == telegram
        assert journal.shelf.count == 1
        size = os.stat(journal.shelf.path(1))[6]
        assert size < 9 * 130 + 5 * (9 * 45 + 80)

    flash(run)


def test_a_failed_answer_is_kept_but_displaces_no_reference():
    def run(_):
        journal = make_journal()
        question, good = b"\x10\x7b\x01\x7c\x16", bytes(range(90))
        for result, answer in ((0, good), (1, b""), (2, b"\x68\x00"), (0, good)):
            journal.exchange(START, 1, 0, 1, 0, 7, result, 3, question, answer)
        journal.flush()
        found = entries_of(journal)
        assert [found[seq][32] for seq in (1, 2, 3, 4)] == [0, 1, 2, 0]
        assert found[4][41:] == good
        assert os.stat(journal.shelf.path(1))[6] < 60 + 14 + 110 + 25 + 25 + 8

    flash(run)


def test_delivered_segments_go_first_without_a_tombstone():
    def run(_):
        journal = make_journal(max_bytes=40960)
        meters = Meters(4)
        for _ in range(200):
            meters.poll(journal)
            journal.flush()
            journal.acknowledge(journal.flushed)
        found = entries_of(journal)
        assert not named_by_tombstones(found)
        assert journal.shelf.count <= 5
        assert min(found) == journal.oldest() > 1

    flash(run)


def test_a_cursor_whose_segment_was_dropped_goes_on_with_the_oldest():
    def run(_):
        journal = make_journal(max_bytes=40960)
        meters = Meters(6)
        meters.poll(journal)
        journal.flush()
        journal.cursor.seek(1)
        assert journal.cursor.entry() is not None
        journal.cursor.advance()
        for _ in range(200):
            meters.poll(journal)
            journal.flush()
        taker = Taker(journal)
        taker.entries[1] = b"sent before"
        taker.take()
        assert journal.delivered == journal.flushed
        assert min(taker.entries) == 1

    flash(run)


def test_going_back_behind_what_is_held_names_it_once():
    def run(_):
        journal = make_journal(max_bytes=40960)
        meters = Meters(7)
        for _ in range(200):
            meters.poll(journal)
            journal.flush()
            journal.acknowledge(journal.flushed)
        oldest, seq = journal.oldest(), journal.seq
        # A gateway was restored from an old copy: it has nothing.
        journal.acknowledge(0)
        taker = Taker(journal)
        journal.rewind(1)
        assert journal.cursor.seq == oldest
        taker.take(3)
        assert journal.seq == seq + 1
        assert taker.named == [(1, oldest - 1)]
        assert journal.delivered > oldest
        journal.acknowledge(0)
        journal.rewind(1)
        taker.at = 0
        taker.take()
        assert journal.seq == seq + 1
        assert journal.delivered == journal.flushed == seq

    flash(run)


def test_going_back_to_a_reserved_gap_names_nothing_again():
    def run(_):
        make_journal().event(EVENT_BOOT, "never flushed")
        journal = make_journal()
        journal.event(EVENT_BOOT, "boot")
        journal.flush()
        seq = journal.seq
        journal.rewind(1)
        assert journal.cursor.seq == seq - 2
        assert journal.seq == seq

    flash(run)


def test_a_damaged_segment_costs_itself_and_is_named():
    def run(_):
        journal = make_journal()
        meters = Meters(8)
        for _ in range(100):
            meters.poll(journal)
            journal.flush()
        first, following = journal.shelf.first(1), journal.shelf.first(2)
        path = journal.shelf.path(first)
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data[70] ^= 1
        with open(path, "wb") as file:
            file.write(data)
        taker = Taker(journal)
        journal.cursor.seek(1)
        taker.take()
        assert taker.named == [(first, following - 1)], (taker.named, first, following)
        assert not set(taker.entries) & set(range(first, following))
        assert journal.delivered == journal.flushed

    flash(run)


def test_a_torn_tail_is_cut_and_a_new_segment_begun():
    def run(_):
        journal = make_journal()
        meters = Meters(9)
        for _ in range(3):
            meters.poll(journal)
            journal.flush()
        with open(journal.shelf.path(1), "ab") as file:
            file.write(b"\x00\x40half a block")
        journal = make_journal()
        assert journal.torn_bytes == 14
        meters.poll(journal)
        journal.flush()
        assert len(entries_of(journal)) == 27 + 1 + 9
        assert journal.shelf.count == 2

    flash(run)


def test_a_lost_mark_costs_numbers_but_reuses_none():
    def run(_):
        journal = make_journal()
        meters = Meters(10)
        meters.poll(journal)
        journal.flush()
        meters.poll(journal)
        used = journal.seq - 1
        os.remove(MOUNT + "/journal/mark")
        journal = make_journal()
        assert journal.epoch == b"epoch-01"
        assert journal.seq > used + 1
        journal.flush()
        assert named_by_tombstones(entries_of(journal)) == [(10, journal.seq - 2)]

    flash(run)


def test_an_emptied_flash_starts_a_new_epoch():
    def run(_):
        journal = make_journal()
        Meters(11).poll(journal)
        journal.flush()
        journal.acknowledge(9)
        journal.shelf.write_mark(journal.epoch, 300, 9)
        os.remove(journal.shelf.path(1))
        journal = make_journal(epoch=b"epoch-02")
        assert (journal.epoch, journal.seq) == (b"epoch-02", 1)

    flash(run)


def test_what_an_entry_costs():
    def run(chip):
        journal = make_journal()
        meters = Meters(12)
        meters.poll(journal)
        journal.flush()
        erases, entries = sum(chip.erases), journal.flushed
        for _ in range(400):
            meters.poll(journal)
            journal.flush()
            journal.acknowledge(journal.flushed)
        entries = journal.flushed - entries
        names = os.listdir(MOUNT + "/journal")
        size = sum(os.stat(MOUNT + "/journal/" + n)[6] for n in names if n.endswith(".seg"))
        assert size // entries <= 36
        # 9 entries a flush: one block for the flush, a little for the folder.
        assert (sum(chip.erases) - erases) * 100 // entries <= 14

    flash(run)


def test_longer_telegrams_than_expected_have_room_from_the_next_boot_on():
    def run(_):
        meters = Meters(14, count=15, telegram_bytes=261)
        turn_bytes = []
        for _ in range(2):
            journal = make_journal(segment_bytes=16384, references=17)
            for _ in range(12):
                meters.poll(journal)
                journal.flush()
            before = os.stat(journal.shelf.path(journal.segment))[6]
            meters.poll(journal)
            journal.flush()
            turn_bytes.append(os.stat(journal.shelf.path(journal.segment))[6] - before)
        assert turn_bytes[0] > 8 * 261
        assert turn_bytes[1] < 15 * 45
        assert len(entries_of(journal)) == 2 * 13 * 15 + 1

    flash(run)
