"""A board boots, reads its meters on schedule, journals what it reads, and survives a reset."""

from itertools import groupby
from struct import unpack_from

import pytest
from board_worlds import COLD_START_S, Board

from nuan_emulator.flash_journal import FlashEntry, read_journal
from nuan_protocols.mbus.telegram import decode
from nuan_protocols.modbus.registers import registers

KIND_EXCHANGE, KIND_EVENT, KIND_TOMBSTONE = 1, 2, 4
EVENT_BOOT, EVENT_CONFIGURATION = 1, 3
RESERVED = 2
BOOT_S = 30
# On a bench these are minutes of real time.
pytestmark = pytest.mark.timeout(3600)


def flush_s(board: Board) -> int:
    return int(board.config["journal"]["flush_s"])


def kind(entry: FlashEntry) -> int:
    return entry.canonical[1]


def time_s(entry: FlashEntry) -> int:
    return int(unpack_from(">I", entry.canonical, 22)[0])


def body(entry: FlashEntry) -> bytes:
    return entry.canonical[27:]


def exchange(entry: FlashEntry) -> tuple[int, int, bytes, bytes]:
    """Slot, result, question, answer."""
    _bus, slot, _version, result, _tries, length = unpack_from(">BHHBBH", body(entry))
    return slot, result, body(entry)[9 : 9 + length], body(entry)[9 + length :]


def live_through(board: Board, periods: int) -> None:
    """Long enough for so many flushes after the meters are read for the first time."""
    board.live(COLD_START_S + BOOT_S + periods * flush_s(board) + 60)


def test_a_board_boots_and_says_so(board: Board) -> None:
    board.live(2 * flush_s(board) + 60)
    events = [body(entry) for entry in read_journal(board.files()) if kind(entry) == KIND_EVENT]
    assert events[0][0] == EVENT_BOOT
    version = board.config["version"]
    assert bytes([EVENT_CONFIGURATION]) + f"version {version}".encode() in events


def test_a_board_reads_its_meters_on_schedule_and_keeps_every_byte(board: Board) -> None:
    live_through(board, 3)
    entries = read_journal(board.files())
    read = [(time_s(entry), *exchange(entry)) for entry in entries if kind(entry) == KIND_EXCHANGE]
    for meter in board.config["meters"]:
        own = [found for found in read if found[1] == meter["slot"]]
        turns = [time // meter["every_s"] for time, *_ in own]
        reads = len(meter.get("reads", (1,)))
        assert len(own) >= reads * flush_s(board) // meter["every_s"]
        assert [turn for turn, _ in groupby(turns)] == list(range(turns[0], turns[-1] + 1))
        assert max(time % meter["every_s"] for time, *_ in own) < 60
        for _, slot, result, question, answer in own:
            assert result == 0, f"slot {slot} was not read"
            if board.config["buses"][meter["bus"]]["protocol"] == "mbus":
                assert decode(answer).records
            else:
                assert registers(answer)
                assert answer[0] == question[0] == meter["address"]


def test_a_board_goes_on_after_a_reset_with_what_it_had(board: Board) -> None:
    live_through(board, 1)
    before = read_journal(board.files())
    assert [entry.seq for entry in before] == list(range(1, len(before) + 1))
    board.reset()
    live_through(board, 1)
    after = read_journal(board.files())
    assert after[: len(before)] == before
    assert len({entry.epoch for entry in after}) == 1
    numbers = [entry.seq for entry in after]
    assert numbers == sorted(set(numbers)), "a number was used twice"
    boots = [e for e in after if kind(e) == KIND_EVENT and body(e)[0] == EVENT_BOOT]
    assert len(boots) >= 2
    # Numbers that were reserved and never used are named, so that nobody waits for them.
    missing = set(range(1, numbers[-1] + 1)) - set(numbers)
    for entry in after:
        if kind(entry) == KIND_TOMBSTONE:
            first, last, reason = unpack_from(">IIB", body(entry))
            assert reason == RESERVED
            missing -= set(range(first, last + 1))
    assert not missing
