"""What a reset costs: nothing that was flushed, and no number twice."""

import time
from random import Random

import pytest
from bench_board import BenchBoard
from board_worlds import Board, boots, flush_s, journal, live_through, meters_of, opened, status

from nuan_protocols.uplink.batch_reader import BatchEntry
from nuan_protocols.uplink.body import TOMBSTONE_RESERVED
from nuan_protocols.uplink.entry import HEAD_BYTES, KIND_TOMBSTONE
from nuan_protocols.uplink.entry_reader import parse_tombstone

RESETS = 5
RESETS_WHILE_WRITING = 20
FLUSHES = 20
# An erased block takes at most 0.4 s by the flash's data sheet; a flush may erase two.
FLUSH_S_MAX = 1.0


def unnamed(entries: list[BatchEntry], first: int) -> set[int]:
    """Numbers without an entry that no tombstone names as reserved and never used."""
    missing = set(range(first, entries[-1].seq + 1)) - {entry.seq for entry in entries}
    for entry in entries:
        if entry.kind == KIND_TOMBSTONE:
            named = parse_tombstone(entry.canonical[HEAD_BYTES:])
            assert named.reason == TOMBSTONE_RESERVED
            missing -= set(range(named.first, named.last + 1))
    return missing


@pytest.mark.minutes(20)
def test_numbers_and_chain_go_on_over_a_reset(board: Board) -> None:
    live_through(board, 1)
    before = journal(board)
    assert len(before) > 2
    board.live(70)
    board.reset()
    live_through(board, 1)
    # journal() follows the chain from the first entry to the last.
    after = journal(board)
    assert after[: len(before)] == before
    assert boots(after) == boots(before) + 1
    assert not unnamed(after, board.first)


@pytest.mark.minutes(40)
def test_what_was_flushed_survives_resets_at_any_moment(board: Board, seed: int) -> None:
    draw = Random(seed)
    known: list[BatchEntry] = []
    for _ in range(RESETS):
        board.live(draw.uniform(5, 1.5 * flush_s(board)))
        flushed = int(status(board)["newest"])
        board.live(draw.uniform(0, 1))
        board.reset()
        found = journal(board)
        assert found[: len(known)] == known
        held = {entry.seq for entry in found}
        assert not unnamed([entry for entry in found if entry.seq <= flushed] or found, board.first)
        assert max(held) >= flushed
        known = found
    assert boots(known) == RESETS + 1
    assert not unnamed(known, board.first)


@pytest.mark.bench
@pytest.mark.minutes(10)
def test_a_reset_in_the_middle_of_writing_loses_nothing(bench: BenchBoard, seed: int) -> None:
    """Real flash: a page half programmed, a block half erased."""
    draw = Random(seed)
    slot = int(meters_of(bench)[0]["slot"])
    known = journal(bench)
    for _ in range(RESETS_WHILE_WRITING):
        opened(bench).request("read", slot=slot)
        # A pull begins with a flush; nobody waits for its answer.
        bench.port.write(b'{"cmd":"pull"}\n')
        time.sleep(draw.uniform(0, 0.15))
        bench.reset()
        found = journal(bench)
        assert found[: len(known)] == known
        known = found
    assert not unnamed(known, bench.first)


@pytest.mark.bench
@pytest.mark.minutes(3)
def test_a_flush_takes_no_longer_than_flash_takes(bench: BenchBoard) -> None:
    """Real flash: a flush is a pull that has something to write, less one that hasn't."""
    console = opened(bench)
    slot = int(meters_of(bench)[0]["slot"])
    taken: list[float] = []
    for _ in range(FLUSHES):
        console.request("read", slot=slot)
        begun = time.monotonic()
        console.request("pull")
        flushed = time.monotonic()
        console.request("pull")
        taken.append(flushed - begun - (time.monotonic() - flushed))
    print("flushes of one entry, ms:", sorted(round(1000 * each) for each in taken))
    assert max(taken) < FLUSH_S_MAX
